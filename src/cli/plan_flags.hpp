// Flags of commands, from the one table of plan keys: the same spelling everywhere.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "measure/configuration.hpp"
#include "measure/matrix.hpp"
#include "measure/plan.hpp"

namespace CLI {
class App;
class Option;
}  // namespace CLI

namespace ridgeline::cli {

/// Flags of some plan keys on one command, and what was typed.
class PlanFlags {
 public:
  /// Adds a flag for each of `keys`; `models` becomes the positional argument, one or (for `run`)
  /// several.
  PlanFlags(CLI::App& command, const std::vector<std::string_view>& keys, bool many_models);

  /// What was typed, in the order of the table.
  std::vector<measure::Assignment> assignments() const;
  /// Whether any of them was typed.
  bool any() const { return !assignments().empty(); }

 private:
  struct Typed {
    std::vector<std::string> values;
    CLI::Option* option = nullptr;
  };
  std::map<std::string, Typed, std::less<>> typed_;
};

/// The catalog as the plan asks for it.
measure::PlanContext plan_context();

/// The one configuration (and its one workload) that the flags of a tensor command name; lists that
/// would make several are refused.
Result<measure::ConfigurationCases> single_case(const std::vector<measure::Assignment>& flags);

}  // namespace ridgeline::cli
