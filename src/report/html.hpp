// The report as one HTML page that needs nothing else.
#pragma once

#include <string>
#include <string_view>

#include "base/error.hpp"
#include "base/json.hpp"

namespace ridgeline::report {

/// What the page is made of; the texts must outlive the calls.
struct PageParts {
  std::string_view page;  ///< with the four marks, each once
  std::string_view style;
  std::string script;
  std::string_view plotly;  ///< empty: this build has none
};

/// Those that the build put in: data/report and plotly.js.
PageParts embedded_parts();

enum class Assets {
  kInline,  ///< everything in the page
  kShared,  ///< plotly.min.js beside it
};

/// Name of the file that a page with shared assets loads.
inline constexpr std::string_view kPlotlyName = "plotly.min.js";

/// First words of a report, by which it is known again.
inline constexpr std::string_view kReportMark = "<!-- ridgeline-report/1 -->";

/// `json` as text that cannot end the script element it stands in: '<', '>', '&', U+2028 and U+2029
/// are \u escapes, which JSON reads as the same characters.
std::string script_safe(const Json& json);

/// The page with `payload`, of which details are left out when it is very large. Without plotly the
/// payload gets "svg" with static pictures of the charts. A page without its marks, or parts that
/// would end their element, are internal errors.
Result<std::string> html_report(const Json& payload, const PageParts& parts, Assets assets);

}  // namespace ridgeline::report
