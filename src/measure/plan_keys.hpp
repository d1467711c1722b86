// The table of a plan's keys: one row serves the plan file, the flags and the help.
#pragma once

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "measure/plan.hpp"

namespace ridgeline::measure {

/// Groups of metrics that can be asked for.
inline constexpr std::array<std::string_view, 8> kMetricGroups = {
    "time", "load", "memory", "cost", "ops", "energy", "traffic", "counters"};

struct PlanKey {
  std::string_view name;         ///< as in the plan file: "text_file"
  std::string_view placeholder;  ///< for help: "N,N,…"; empty: a switch
  std::string_view help;
  bool repeatable;  ///< the flag may be repeated and the file may hold an array
  /// Replaces the key's value; `values` has one entry a flag or array element.
  Status (*set)(Plan& plan, const std::vector<std::string>& values, std::string_view where);
};

const std::vector<PlanKey>& plan_keys();

/// The row of a key, or nullptr.
const PlanKey* find_plan_key(std::string_view name);

/// "--text-file" for "text_file".
std::string flag_of(std::string_view key);

/// Applies one assignment; an unknown key is an error that names the nearest one.
Status assign(Plan& plan, const Assignment& assignment);

}  // namespace ridgeline::measure
