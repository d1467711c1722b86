// Fills the page's marks.
#include "report/html.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <nlohmann/json.hpp>

#include "embedded/plotly.hpp"
#include "embedded/report_page.hpp"
#include "report/payload_trim.hpp"
#include "report/svg_bars.hpp"
#include "report/svg_roofline.hpp"

namespace ridgeline::report {
namespace {

constexpr std::string_view kStyleMark = "<!--ridgeline:style-->";
constexpr std::string_view kPlotlyMark = "<!--ridgeline:plotly-->";
constexpr std::string_view kPayloadMark = "<!--ridgeline:payload-->";
constexpr std::string_view kScriptMark = "<!--ridgeline:script-->";
constexpr std::string_view kInlineScripts = "script-src 'unsafe-inline'";
constexpr std::string_view kAlsoOwnScripts = "script-src 'self' 'unsafe-inline'";
// With page, style and scripts the file stays below 8 MB beside plotly.js.
constexpr std::size_t kMostPayload = 7'500'000;
constexpr std::string_view kDoctype = "<!doctype html>";

Error page_error(std::string message) {
  return {ErrorClass::kInternal, std::move(message),
          "this is a defect of the build: please report it"};
}

char lower(char c) {
  return static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
}

// Where `word`, in small letters, stands in `text`, whatever the case.
std::size_t find_word(std::string_view text, std::string_view word) {
  const auto at = std::search(text.begin(), text.end(), word.begin(), word.end(),
                              [](char a, char b) { return lower(a) == b; });
  return at == text.end() ? std::string_view::npos : static_cast<std::size_t>(at - text.begin());
}

Status check_part(std::string_view name, std::string_view text, std::string_view end) {
  if (find_word(text, end) == std::string_view::npos) return {};
  return page_error(fmt::format("the page's {} holds {}", name, end));
}

struct Piece {
  std::size_t at;
  std::string_view mark;
  std::string text;
};

Result<std::string> filled(std::string_view page, std::array<Piece, 4> pieces) {
  std::size_t size = page.size();
  for (Piece& piece : pieces) {
    piece.at = page.find(piece.mark);
    if (piece.at == std::string_view::npos ||
        page.find(piece.mark, piece.at + 1) != std::string_view::npos) {
      return page_error(fmt::format("the page does not have {} once", piece.mark));
    }
    size += piece.text.size();
  }
  std::sort(pieces.begin(), pieces.end(),
            [](const Piece& a, const Piece& b) { return a.at < b.at; });
  std::string text;
  text.reserve(size + kReportMark.size() + 1);
  std::size_t done = 0;
  for (const Piece& piece : pieces) {
    text += page.substr(done, piece.at - done);
    text += piece.text;
    done = piece.at + piece.mark.size();
  }
  text += page.substr(done);
  return text;
}

// Behind the doctype, which must come first for old browsers.
std::string with_mark(std::string page) {
  const bool has_doctype =
      find_word(std::string_view(page).substr(0, kDoctype.size()), kDoctype) == 0;
  const std::size_t at = has_doctype ? kDoctype.size() : 0;
  page.insert(at,
              fmt::format("{}{}{}", has_doctype ? "\n" : "", kReportMark, has_doctype ? "" : "\n"));
  return page;
}

Result<std::string> own_scripts_allowed(std::string_view page) {
  std::string text(page);
  const std::size_t at = text.find(kInlineScripts);
  if (at == std::string::npos) return page_error("the page does not say which scripts it allows");
  return text.replace(at, kInlineScripts.size(), kAlsoOwnScripts);
}

// The payload as this page needs it: small enough, and with pictures where nothing can draw them.
std::string page_data(const Json& payload, bool has_plotly) {
  const bool is_small = payload_bytes(payload) <= kMostPayload;
  if (is_small && has_plotly) return script_safe(payload);
  Json data = payload;
  if (!has_plotly) {
    data["svg"] = {{"roofline", roofline_svg(payload)}, {"bars", bars_svg(payload)}};
  }
  trim_payload(data, kMostPayload);
  return script_safe(data);
}

}  // namespace

PageParts embedded_parts() {
  PageParts parts;
  for (const embedded::File& file : embedded::report_page()) {
    if (file.name == "report.html") parts.page = file.text;
    if (file.name == "report.css") parts.style = file.text;
    // In the order of their names, which the list has.
    if (file.name.ends_with(".js")) parts.script += file.text;
  }
  for (const embedded::File& file : embedded::plotly()) parts.plotly = file.text;
  return parts;
}

std::string script_safe(const Json& json) {
  const std::string text = to_line(json);
  std::string safe;
  safe.reserve(text.size() + text.size() / 16);
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '<' || c == '>' || c == '&') {
      safe += fmt::format("\\u{:04x}", static_cast<unsigned>(c));
    } else if (text.compare(i, 3, "\xE2\x80\xA8") == 0 || text.compare(i, 3, "\xE2\x80\xA9") == 0) {
      safe += text[i + 2] == '\xA8' ? "\\u2028" : "\\u2029";
      i += 2;
    } else {
      safe += c;
    }
  }
  return safe;
}

Result<std::string> html_report(const Json& payload, const PageParts& parts, Assets assets) {
  if (parts.page.empty()) return page_error("this build has no page for reports");
  RIDGELINE_CHECK(check_part("style", parts.style, "</style"));
  RIDGELINE_CHECK(check_part("script", parts.script, "</script"));
  RIDGELINE_CHECK(check_part("plotly.js", parts.plotly, "</script"));
  const bool shared = assets == Assets::kShared && !parts.plotly.empty();
  std::string plotly;
  if (shared) {
    plotly = fmt::format("<script src=\"{}\"></script>", kPlotlyName);
  } else if (!parts.plotly.empty()) {
    plotly = fmt::format("<script>{}</script>", parts.plotly);
  }
  const std::string data = page_data(payload, !parts.plotly.empty());
  std::string page(parts.page);
  if (shared) {
    RIDGELINE_TRY(page, own_scripts_allowed(page));
  }
  RIDGELINE_TRY(
      std::string text,
      filled(page, {Piece{0, kStyleMark, fmt::format("<style>{}</style>", parts.style)},
                    Piece{0, kPlotlyMark, std::move(plotly)},
                    Piece{0, kPayloadMark,
                          fmt::format("<script type=\"application/json\" id=\"payload\">{}"
                                      "</script>",
                                      data)},
                    Piece{0, kScriptMark, fmt::format("<script>{}</script>", parts.script)}}));
  return with_mark(std::move(text));
}

}  // namespace ridgeline::report
