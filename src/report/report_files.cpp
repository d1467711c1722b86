// Formats to files.
#include "report/report_files.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/descriptor.hpp"
#include "base/file.hpp"
#include "report/csv.hpp"
#include "report/markdown.hpp"
#include "report/payload.hpp"
#include "report/svg_bars.hpp"
#include "report/svg_roofline.hpp"

namespace ridgeline::report {
namespace {

namespace fs = std::filesystem;

struct FormatRow {
  ReportFormat format;
  std::string_view word;
  std::string_view file;
};

constexpr std::array kFormats = {
    FormatRow{ReportFormat::kHtml, "html", "report.html"},
    FormatRow{ReportFormat::kMarkdown, "md", "report.md"},
    FormatRow{ReportFormat::kCsv, "csv", "report.csv"},
    FormatRow{ReportFormat::kJson, "json", "report.json"},
    FormatRow{ReportFormat::kRoofline, "roofline.svg", "roofline.svg"},
    FormatRow{ReportFormat::kBars, "bars.svg", "bars.svg"},
};
constexpr std::string_view kBothPictures = "svg";

// Bytes in which a report says what it is; plotly.js has its licence there.
constexpr std::size_t kHead = 4096;
constexpr std::string_view kCsvHead = "schema,run,id,created,label,";
constexpr std::string_view kPlotlyHead = "plotly.js v";

bool asks_for(std::string_view word, const FormatRow& row) {
  if (word == row.word) return true;
  const bool is_picture =
      row.format == ReportFormat::kRoofline || row.format == ReportFormat::kBars;
  return is_picture && word == kBothPictures;
}

std::string head_of(const std::string& path) {
  const Descriptor fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!fd.is_open()) return "unreadable";
  std::string head(kHead, '\0');
  const ssize_t got = ::read(fd.get(), head.data(), head.size());
  head.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
  return head;
}

Status check_target(const std::string& path, bool force) {
  std::error_code error;
  const fs::file_status status = fs::status(path, error);
  if (!fs::exists(status)) return {};
  // Renaming over a device or a folder would take it away.
  if (!fs::is_regular_file(status)) {
    return bad_input(fmt::format("{} is not a regular file", path), "give another --output");
  }
  if (force || is_own_report(path)) return {};
  return bad_input(fmt::format("{} is there and is no report of ridgeline", path),
                   "give another --output, or --force to replace it");
}

Result<std::string> text_of(ReportFormat format, const Json& payload, const PageParts& parts,
                            Assets assets) {
  switch (format) {
    case ReportFormat::kHtml:
      return html_report(payload, parts, assets);
    case ReportFormat::kMarkdown:
      return markdown_report(payload);
    case ReportFormat::kCsv:
      return csv_report(payload);
    case ReportFormat::kJson:
      return to_line(payload) + "\n";
    case ReportFormat::kRoofline:
      return roofline_svg(payload);
    case ReportFormat::kBars:
      return bars_svg(payload);
  }
  return Error{ErrorClass::kInternal, "unknown format"};
}

}  // namespace

Result<std::vector<ReportFormat>> parse_formats(std::string_view text) {
  std::vector<bool> asked(kFormats.size(), false);
  for (std::size_t at = 0; at <= text.size();) {
    const std::size_t end = std::min(text.find(',', at), text.size());
    const std::string_view word = text.substr(at, end - at);
    at = end + 1;
    bool known = false;
    for (std::size_t i = 0; i < kFormats.size(); ++i) {
      if (!asks_for(word, kFormats[i])) continue;
      known = true;
      asked[i] = true;
    }
    if (!known) {
      return bad_input(fmt::format("--format: unknown format '{}'", word),
                       "there are html, md, csv, json, svg (both pictures), roofline.svg and "
                       "bars.svg");
    }
  }
  std::vector<ReportFormat> formats;
  for (std::size_t i = 0; i < kFormats.size(); ++i) {
    if (asked[i]) formats.push_back(kFormats[i].format);
  }
  return formats;
}

std::string_view file_name(ReportFormat format) {
  const auto row = std::find_if(kFormats.begin(), kFormats.end(),
                                [&](const FormatRow& one) { return one.format == format; });
  return row == kFormats.end() ? "report" : row->file;
}

Result<std::vector<ReportFile>> make_files(const Json& payload,
                                           const std::vector<ReportFormat>& formats,
                                           const PageParts& parts, Assets assets) {
  std::vector<ReportFile> files;
  for (const ReportFormat format : formats) {
    RIDGELINE_TRY(std::string text, text_of(format, payload, parts, assets));
    files.push_back({std::string(file_name(format)), std::move(text)});
    const bool shares = format == ReportFormat::kHtml && assets == Assets::kShared;
    if (shares && !parts.plotly.empty()) {
      files.push_back({std::string(kPlotlyName), std::string(parts.plotly)});
    }
  }
  return files;
}

bool is_own_report(const std::string& path) {
  const std::string head = head_of(path);
  if (head.empty()) return true;
  const auto holds = [&](std::string_view mark) { return head.find(mark) != std::string::npos; };
  return holds(kReportMark) || holds(kPlotlyHead) || head.starts_with(kCsvHead) ||
         head.starts_with(fmt::format(R"({{"schema":"{}")", kReportSchema));
}

Result<std::vector<std::string>> write_files(const std::vector<ReportFile>& files,
                                             const std::string& folder, bool force) {
  std::vector<std::string> paths;
  for (const ReportFile& file : files) {
    paths.push_back(folder.empty() ? file.name : (fs::path(folder) / file.name).string());
    RIDGELINE_CHECK(check_target(paths.back(), force));
  }
  if (!folder.empty()) {
    std::error_code error;
    fs::create_directories(folder, error);
    if (error) {
      return environment_error(fmt::format("cannot make {}: {}", folder, error.message()));
    }
  }
  for (std::size_t i = 0; i < files.size(); ++i) {
    const Status written = write_text_file(paths[i], files[i].text);
    if (!written) return environment_error(written.error().message, written.error().remedy);
  }
  return paths;
}

}  // namespace ridgeline::report
