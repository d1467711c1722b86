// Plan keys as command-line flags.
#include "cli/plan_flags.hpp"

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "catalog/presets.hpp"
#include "catalog/suites.hpp"
#include "measure/plan_keys.hpp"

namespace ridgeline::cli {

PlanFlags::PlanFlags(CLI::App& command, const std::vector<std::string_view>& keys,
                     bool many_models) {
  for (const measure::PlanKey& key : measure::plan_keys()) {
    if (std::find(keys.begin(), keys.end(), key.name) == keys.end()) continue;
    Typed& typed = typed_[std::string(key.name)];
    const std::string help(key.help);
    if (key.name == "models") {
      typed.option = command.add_option("MODEL", typed.values, help);
      if (!many_models) typed.option->required()->expected(1);
    } else if (key.placeholder.empty()) {
      typed.option = command.add_flag(measure::flag_of(key.name), help);
    } else {
      typed.option = command.add_option(measure::flag_of(key.name), typed.values, help)
                         ->allow_extra_args(false);
    }
    typed.option->type_name(std::string(key.name == "models" ? "" : key.placeholder));
  }
}

std::vector<measure::Assignment> PlanFlags::assignments() const {
  std::vector<measure::Assignment> assignments;
  for (const measure::PlanKey& key : measure::plan_keys()) {
    const auto it = typed_.find(key.name);
    if (it == typed_.end() || it->second.option->count() == 0) continue;
    const bool is_switch = key.placeholder.empty();
    assignments.push_back({std::string(key.name),
                           is_switch ? std::vector<std::string>{"true"} : it->second.values,
                           key.name == "models" ? "MODEL" : measure::flag_of(key.name)});
  }
  return assignments;
}

measure::PlanContext plan_context() {
  measure::PlanContext context;
  context.models_of_suite = [](const std::string& suite) { return catalog::suite_presets(suite); };
  context.defaults_of_model = [](const std::string& model) {
    measure::WorkloadDefaults defaults;
    const auto preset = catalog::find_preset(model);
    if (!preset) return defaults;
    const Json& workload = *preset->workload;
    if (const auto batch = get_int(workload, "batch", "preset", 1)) defaults.batch = *batch;
    for (const measure::WorkloadAxis& axis : measure::workload_axes()) {
      const auto value = get_int(workload, axis.key, "preset");
      if (value) defaults.*axis.member = *value;
    }
    return defaults;
  };
  return context;
}

Result<measure::ConfigurationCases> single_case(const std::vector<measure::Assignment>& flags) {
  RIDGELINE_TRY(const measure::Plan asked, measure::make_plan({}, flags));
  RIDGELINE_TRY(const measure::Plan plan, measure::resolve(asked, plan_context()));
  RIDGELINE_TRY(measure::Matrix matrix, measure::expand(plan, plan_context()));
  if (matrix.case_count() != 1) {
    return bad_input("this command takes one value for each flag, no lists");
  }
  return std::move(matrix.configurations.front());
}

}  // namespace ridgeline::cli
