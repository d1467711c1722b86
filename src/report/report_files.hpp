// The files of a report: formats, names, and writing them without harm to what is there.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "base/json.hpp"
#include "report/html.hpp"

namespace ridgeline::report {

enum class ReportFormat { kHtml, kMarkdown, kCsv, kJson, kRoofline, kBars };

/// Of "html,md,csv,json,svg": each once, in this order. "svg" is both pictures; "roofline.svg" and
/// "bars.svg" are one of them. An unknown word is an error that names the others.
Result<std::vector<ReportFormat>> parse_formats(std::string_view text);

/// Name of a format's file in a folder: "report.html", "roofline.svg", ….
std::string_view file_name(ReportFormat format);

struct ReportFile {
  std::string name;
  std::string text;
};

/// The texts of all formats, and plotly.min.js behind the page that shares it.
Result<std::vector<ReportFile>> make_files(const Json& payload,
                                           const std::vector<ReportFormat>& formats,
                                           const PageParts& parts, Assets assets);

/// Whether a file is a report of any format (or plotly.js), by its first bytes; an empty file is
/// taken for one.
bool is_own_report(const std::string& path);

/// Writes each file below `folder` (empty: names are paths), all or none of them being refused:
/// what is there and is no report of ours stays unless `force`, and what is no regular file always.
/// Each is written whole or not at all. Gives the paths.
Result<std::vector<std::string>> write_files(const std::vector<ReportFile>& files,
                                             const std::string& folder, bool force);

}  // namespace ridgeline::report
