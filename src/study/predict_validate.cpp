// The model of time against every measured phase.
#include <nlohmann/json.hpp>

#include "base/json_values.hpp"
#include "study/predict.hpp"
#include "study/predict_costs.hpp"

namespace ridgeline::study {
namespace {

using measure::Configuration;
using measure::Workload;

Result<ModelWork> work_of(const ValidationRow& row, Costs& costs) {
  Configuration configuration;
  configuration.engine = kCountingEngine;
  configuration.model = row.model;
  configuration.dtype = row.dtype;
  Workload workload;
  workload.batch = row.batch;
  workload.sequence = row.sequence;
  workload.depth = row.depth;
  return costs.of(configuration, workload);
}

Json error_json(const ValidationError& error) {
  return {{"rows", error.rows},
          {"median", error.median},
          {"worst", error.worst},
          {"worst_row", error.worst_row},
          {"longest_recorded", error.longest_recorded},
          {"longest_plain", error.longest_plain},
          {"devices", error.devices}};
}

}  // namespace

Result<Validation> validate(const Interrupt* interrupt) {
  const auto& rows = validation_table();
  if (!rows) return rows.error();
  const auto& classes = fit_table();
  if (!classes) return classes.error();
  RIDGELINE_TRY(Costs costs, Costs::start(interrupt));
  Validation validation{*rows, *classes};
  for (FittedClass& fitted : validation.classes) {
    std::vector<FitPoint> points;
    std::vector<std::size_t> at;
    for (std::size_t i = 0; i < rows->size(); ++i) {
      const ValidationRow& row = (*rows)[i];
      if (row.device_class != fitted.device_class) continue;
      RIDGELINE_TRY(ModelWork work, work_of(row, costs));
      points.push_back({&row, std::move(work)});
      at.push_back(i);
    }
    RIDGELINE_TRY(const auto left_out, leave_one_out(points, fitted.constants));
    for (std::size_t i = 0; i < at.size(); ++i) validation.rows[at[i]].predicted = left_out[i];
    RIDGELINE_TRY(fitted.constants, fit_constants(points, fitted.constants));
  }
  costs.end();
  return validation;
}

Json to_json(const Validation& validation) {
  Json rows = Json::array();
  for (const ValidationRow& row : validation.rows) {
    rows.push_back({{"device", row.device},
                    {"class", row.device_class},
                    {"model", row.model},
                    {"phase", row.phase},
                    {"dtype", row.dtype},
                    {"batch", row.batch},
                    {"sequence", or_null(row.sequence)},
                    {"depth", or_null(row.depth)},
                    {"recorded", row.recorded},
                    {"measured", row.measured},
                    {"predicted", row.predicted},
                    {"source", row.source}});
  }
  Json classes = Json::object();
  for (const FittedClass& fitted : validation.classes) {
    const TimeConstants& constants = fitted.constants;
    const auto error = error_of(validation.rows, fitted.device_class);
    classes[fitted.device_class] = {{"basis", name_of(constants.basis)},
                                    {"compute", constants.compute},
                                    {"memory", constants.memory},
                                    {"kernel_seconds", constants.kernel_seconds},
                                    {"launch_seconds", constants.launch_seconds},
                                    {"ceiling_compute", or_null(constants.ceiling_compute)},
                                    {"ceiling_memory", or_null(constants.ceiling_memory)},
                                    {"error", error ? error_json(*error) : Json(nullptr)}};
  }
  return {{"schema", "ridgeline-prediction-validation/1"},
          {"rows", std::move(rows)},
          {"classes", std::move(classes)}};
}

}  // namespace ridgeline::study
