// Elements of SVG.
#include "report/svg_canvas.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>

#include "report/text.hpp"

namespace ridgeline::report {
namespace {

constexpr double kMarkRadius = 5;
// Widths are those of Helvetica; the usual font of Linux is so much wider.
constexpr double kWidestFont = 1.12;

// The colours of Okabe and Ito, which people with any colour vision tell apart; darker on white and
// lighter on black, so that they keep a contrast of 3 to 1.
constexpr std::string_view kStyle = R"(
svg{font-family:system-ui,-apple-system,"Segoe UI",Helvetica,Arial,sans-serif;font-size:12px}
.bg{fill:#fff}text{fill:#1f2328}.small,.tick{font-size:11px;fill:#57606a}
.title{font-size:15px;font-weight:600}.head{font-weight:600}.value{font-size:11px}
line,polyline{fill:none;stroke-width:1}.axis{stroke:#57606a}.grid{stroke:#d0d7de}
.minor{stroke:#eaeef2}.leader{stroke:#8c959f}.whisker{stroke:#1f2328;stroke-width:1.5}
.roof{stroke:#1f2328;stroke-width:2}.sheet{stroke:#57606a;stroke-width:1.5;stroke-dasharray:6 4}
.mark{stroke:#fff}
.s0{fill:#0072b2}.s1{fill:#d55e00}.s2{fill:#008a63}.s3{fill:#b2558c}
.s4{fill:#946200}.s5{fill:#2f86c1}.s6{fill:#5b5fc7}.s7{fill:#6e7781}
@media (prefers-color-scheme:dark){
.bg{fill:#0d1117}text{fill:#e6edf3}.small,.tick{fill:#9da7b3}
.axis{stroke:#9da7b3}.grid{stroke:#30363d}.minor{stroke:#1c2128}.leader{stroke:#6e7681}
.whisker{stroke:#e6edf3}.roof{stroke:#e6edf3}.sheet{stroke:#9da7b3}.mark{stroke:#0d1117}
.s0{fill:#56b4e9}.s1{fill:#ff8a3d}.s2{fill:#2fc99a}.s3{fill:#e79ac6}
.s4{fill:#e69f00}.s5{fill:#8cc8f0}.s6{fill:#a5a8ff}.s7{fill:#aab4be}}
)";

// A hundredth of a pixel is enough, and short.
std::string number(double value) {
  if (!std::isfinite(value)) return "0";
  std::string text = fmt::format("{:.2f}", value);
  while (text.back() == '0') text.pop_back();
  if (text.back() == '.') text.pop_back();
  return text == "-0" ? "0" : text;
}

std::string with_tip(std::string_view element, std::string_view attributes, std::string_view tip) {
  if (tip.empty()) return fmt::format("<{} {}/>\n", element, attributes);
  return fmt::format("<{} {}><title>{}</title></{}>\n", element, attributes, xml_text(tip),
                     element);
}

std::string points_text(const std::vector<std::pair<double, double>>& points) {
  std::string text;
  for (const auto& [x, y] : points) {
    if (!text.empty()) text += ' ';
    text += number(x) + "," + number(y);
  }
  return text;
}

double share_of_size(char c) {
  constexpr std::string_view kNarrow = "iljtfrI.,:;'|!()[] -/";
  constexpr std::string_view kWide = "mwMW@%";
  if (kNarrow.find(c) != std::string_view::npos) return 0.31;
  if (kWide.find(c) != std::string_view::npos) return 0.88;
  if (c >= 'A' && c <= 'Z') return 0.67;
  return 0.56;
}

}  // namespace

std::string xml_text(std::string_view text) {
  std::string escaped;
  for (const char c : printable(text)) {
    switch (c) {
      case '&':
        escaped += "&amp;";
        break;
      case '<':
        escaped += "&lt;";
        break;
      case '>':
        escaped += "&gt;";
        break;
      case '"':
        escaped += "&quot;";
        break;
      case '\'':
        escaped += "&#39;";
        break;
      default:
        escaped += c;
    }
  }
  // Two code points that UTF-8 can write and XML 1.0 may not hold.
  for (const std::string_view bad : {"\xEF\xBF\xBE", "\xEF\xBF\xBF"}) {
    for (std::size_t at; (at = escaped.find(bad)) != std::string::npos;) {
      escaped.replace(at, bad.size(), "?");
    }
  }
  return escaped;
}

double svg_text_width(std::string_view text, double size) {
  double width = 0;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte >= 0x80) continue;
    width += share_of_size(c);
  }
  // Other scripts by the columns they take.
  const auto ascii = static_cast<double>(std::count_if(
      text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 0x80; }));
  const double others = static_cast<double>(display_width(text)) - ascii;
  return kWidestFont * size * (width + 0.6 * std::max(0.0, others));
}

std::string svg_cut(std::string_view text, double width, double size) {
  const std::string clean = printable(text);
  if (svg_text_width(clean, size) <= width) return clean;
  std::size_t columns = display_width(clean);
  std::string shorter = clean;
  while (columns > 1 && svg_text_width(shorter, size) > width) {
    columns = std::min(columns - 1, static_cast<std::size_t>(2 * width / size) + 8);
    shorter = cut(clean, columns);
  }
  return shorter;
}

bool SvgBox::overlaps(const SvgBox& other) const {
  return x < other.x + other.width && other.x < x + width && y < other.y + other.height &&
         other.y < y + height;
}

SvgCanvas::SvgCanvas(double width, std::string_view title, std::string_view description)
    : width_(width), title_(title), description_(description) {}

void SvgCanvas::line(double x1, double y1, double x2, double y2, std::string_view style) {
  body_ += fmt::format(R"(<line class="{}" x1="{}" y1="{}" x2="{}" y2="{}"/>)", style, number(x1),
                       number(y1), number(x2), number(y2));
  body_ += '\n';
}

void SvgCanvas::polyline(const std::vector<std::pair<double, double>>& points,
                         std::string_view style) {
  body_ += fmt::format("<polyline class=\"{}\" points=\"{}\"/>\n", style, points_text(points));
}

void SvgCanvas::rect(const SvgBox& box, std::string_view style, std::string_view tip) {
  body_ +=
      with_tip("rect",
               fmt::format(R"(class="{}" x="{}" y="{}" width="{}" height="{}")", style,
                           number(box.x), number(box.y), number(box.width), number(box.height)),
               tip);
}

void SvgCanvas::mark(double x, double y, int shape, int series, std::string_view tip) {
  const std::string style = fmt::format("mark s{}", series % kSeries);
  constexpr double r = kMarkRadius;
  std::vector<std::pair<double, double>> corners;
  switch (shape % 5) {
    case 0:
      body_ += with_tip("circle",
                        fmt::format(R"(class="{}" cx="{}" cy="{}" r="{}")", style, number(x),
                                    number(y), number(r)),
                        tip);
      return;
    case 1:
      corners = {{x - r, y - r}, {x + r, y - r}, {x + r, y + r}, {x - r, y + r}};
      break;
    case 2:
      corners = {{x, y - 1.3 * r}, {x + 1.3 * r, y}, {x, y + 1.3 * r}, {x - 1.3 * r, y}};
      break;
    case 3:
      corners = {{x, y - 1.2 * r}, {x + 1.2 * r, y + r}, {x - 1.2 * r, y + r}};
      break;
    default:
      corners = {{x, y + 1.2 * r}, {x + 1.2 * r, y - r}, {x - 1.2 * r, y - r}};
  }
  body_ += with_tip("polygon",
                    fmt::format(R"(class="{}" points="{}")", style, points_text(corners)), tip);
}

void SvgCanvas::text(double x, double y, std::string_view content, std::string_view style,
                     Anchor anchor, double degrees) {
  std::string attributes = fmt::format(R"(class="{}" x="{}" y="{}")", style, number(x), number(y));
  if (anchor == Anchor::kMiddle) attributes += R"( text-anchor="middle")";
  if (anchor == Anchor::kEnd) attributes += R"( text-anchor="end")";
  if (degrees != 0) {
    attributes +=
        fmt::format(" transform=\"rotate({} {} {})\"", number(degrees), number(x), number(y));
  }
  body_ += fmt::format("<text {}>{}</text>\n", attributes, xml_text(content));
}

std::string SvgCanvas::finish(double height) const {
  return fmt::format(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{0}\" height=\"{1}\" "
      "viewBox=\"0 0 {0} {1}\" role=\"img\" aria-labelledby=\"title desc\">\n"
      "<!-- ridgeline-report/1 -->\n"
      "<title id=\"title\">{2}</title>\n<desc id=\"desc\">{3}</desc>\n<style>{4}</style>\n"
      "<rect class=\"bg\" x=\"0\" y=\"0\" width=\"{0}\" height=\"{1}\"/>\n{5}</svg>\n",
      number(width_), number(height), xml_text(title_), xml_text(description_), kStyle, body_);
}

}  // namespace ridgeline::report
