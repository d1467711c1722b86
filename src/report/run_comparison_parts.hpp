// What the text and the Markdown of a comparison share: cells of the table, and notes.
#pragma once

#include <string>
#include <vector>

#include "analysis/run_comparison.hpp"
#include "report/run_comparison_text.hpp"

namespace ridgeline::report {

/// "12.34 ms", "437.9 MB", "1.23 J", or a rate; "–" for none.
std::string comparison_value(const std::optional<double>& value, const std::string& unit);

/// "+3.12 % [+2.01, +4.23]"; without an interval only the first part; "–" for none.
std::string change_text(const analysis::MetricComparison& metric);

/// "SLOWER"; of energy and bytes "SLOWER (more)" and "FASTER (less)".
std::string verdict_text(const analysis::MetricComparison& metric);

/// "3.4 %", the smallest slowdown that would have been found; "–" for none.
std::string finds_text(const analysis::MetricComparison& metric);

/// "5/8": values (invocations, energy trials) of BASE and NEW.
std::string count_text(const analysis::MetricComparison& metric);

/// "14", invocations that would be enough; ">10000"; "–" where they are not what lacks.
std::string needs_text(const analysis::MetricComparison& metric);

/// "forward" or, of the whole case, "–".
std::string phase_text(const analysis::MetricComparison& metric);

/// "engine: native → transformers" of members that differ; each once.
std::vector<std::string> unlike_lines(const std::vector<analysis::Unlike>& list);

/// The ignored members in which any pair differs.
std::vector<std::string> ignored_lines(const analysis::RunComparison& comparison);

/// The margin, the confidence and the family in one line.
std::string rule_line(const analysis::RunComparison& comparison);

/// Notes of cases (a note that several share once, with their number) and of the whole, and why
/// verdicts are UNDECIDED.
std::vector<std::string> note_lines(const RunComparisonView& view);

/// Cases without a partner, with the nearest one, and those with several.
std::vector<std::string> unmatched_lines(const RunComparisonView& view);

}  // namespace ridgeline::report
