// Reads plan.toml into assignments with their positions.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "measure/plan.hpp"

namespace ridgeline::measure {

/// The keys of a plan file in the order of their position. Errors say file:line:column; keys are
/// checked by make_plan.
Result<std::vector<Assignment>> read_plan_file(const std::string& path);

/// The same from text; `name` stands for the file in errors.
Result<std::vector<Assignment>> parse_plan(std::string_view text, const std::string& name);

}  // namespace ridgeline::measure
