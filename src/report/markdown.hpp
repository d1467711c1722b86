// A report as Markdown for GitHub.
#pragma once

#include <string>
#include <string_view>

#include "base/json.hpp"

namespace ridgeline::report {

/// Text that Markdown and HTML read as it stands: one line, markup characters escaped.
std::string markdown_text(std::string_view text);

/// A span of code that holds `text` as it stands, whatever backticks it has.
std::string markdown_code(std::string_view text);

/// Machine, table, what limits each phase with evidence and advice, engines side by side, warnings
/// and the command, out of a payload of make_payload().
std::string markdown_report(const Json& payload);

}  // namespace ridgeline::report
