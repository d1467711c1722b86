// A report as a flat table for spreadsheets and data frames.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/json.hpp"

namespace ridgeline::report {

/// A cell as RFC 4180 wants it: quoted where it holds a comma, a quote or a line end. Text from
/// data that a spreadsheet would run as a formula (it begins with = + - @, a tab or a carriage
/// return, also behind blanks) gets an apostrophe in front.
std::string csv_text(std::string_view text);

/// A number with all its digits, in the shortest way; empty when it is not finite.
std::string csv_number(double value);

/// The columns, the same for every report of this version: the manifest of the case, then
/// "phase.<metric>", "load.…", "memory.…" and "cost.…". What the payload's records have beyond
/// these stands behind them, sorted.
std::vector<std::string> csv_columns(const Json& payload);

/// One row for each case and phase, in SI base units, lines ending in CR LF; a case without phases
/// has one row. Cells without a value are empty.
std::string csv_report(const Json& payload);

}  // namespace ridgeline::report
