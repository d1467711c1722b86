// ridgeline-prediction/1.
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "base/json_values.hpp"
#include "results/metric.hpp"
#include "study/predict.hpp"

namespace ridgeline::study {
namespace {

Json metric(double value, const char* unit) {
  return results::to_json(results::measured(value, unit, results::Source::kModelled));
}

Json no_metric(const char* unit, const std::string& reason) {
  return results::to_json(results::absent(unit, reason, {}, results::Source::kModelled));
}

// A value with the range it may lie in; `high` may be unknown.
Json ranged(double low, double central, const std::optional<double>& high, const char* unit) {
  Json json = metric(central, unit);
  json["low"] = low;
  json["high"] = or_null(high);
  return json;
}

Json chip_json(const Chip& chip) {
  Json flops = Json::object();
  for (const auto& [dtype, rate] : chip.rates.flops) flops[dtype] = rate;
  return {{"name", chip.name},
          {"vendor", text_or_null(chip.vendor)},
          {"kind", chip.kind},
          {"here", chip.here},
          {"rates",
           {{"basis", name_of(chip.rates.basis)},
            {"flops_rate", std::move(flops)},
            {"bytes_rate", chip.rates.bytes > 0 ? Json(chip.rates.bytes) : Json(nullptr)}}},
          {"datasheet", machine::to_json(chip.datasheet)},
          {"power", or_null(chip.power)},
          {"capacities", chip.capacities},
          {"capacity_of", text_or_null(chip.capacities.empty() ? "" : chip.capacity_of)},
          {"reason", text_or_null(chip.missing)},
          {"validated", is_validated(chip)}};
}

Json memory_json(const PhaseMemory& memory) {
  return {
      {"weights", metric(memory.weights, "B")}, {"packed", metric(memory.packed, "B")},
      {"cache", metric(memory.cache, "B")},     {"inputs", metric(memory.inputs, "B")},
      {"outputs", metric(memory.outputs, "B")}, {"activations", metric(memory.activations, "B")},
      {"peak", metric(memory.peak, "B")}};
}

Json cost_json(const PhaseWork& phase) {
  return {{"flops", phase.flops},
          {"flops_minimum", phase.flops_minimum},
          {"bytes", phase.bytes},
          {"bytes_unfused", phase.bytes_unfused},
          {"parameters", phase.parameters},
          {"measured", phase.measured},
          {"memory", memory_json(phase.memory)}};
}

Json case_json(const PredictedCase& one) {
  Json cost = Json::object();
  for (const PhaseWork& phase : one.work.phases) cost[phase.name] = cost_json(phase);
  Json workload = measure::to_json(one.workload.workload);
  if (!one.work.takes_tokens) workload["sequence"] = nullptr;
  return {{"id", one.workload.id},
          {"configuration", measure::to_json(one.configuration)},
          {"optimize", measure::optimize_json(one.configuration)},
          {"workload", std::move(workload)},
          {"int8_weights", one.work.int8_weights},
          {"cost", std::move(cost)}};
}

Json limit_json(const Limit& limit) {
  return {{"id", limit.id}, {"among", limit.among}};
}

// What the chip would take at its full power limit all the time: above what it does take.
void add_energy(const PhasePrediction& phase, const PhaseWork& work, const Chip& chip,
                Json& metrics) {
  const double items = work.items_of(work.unit);
  const std::string of_item = fmt::format("energy_per_{}.at_power_limit", work.unit);
  const auto put = [&](const std::string& name, double count) {
    if (!chip.power) {
      metrics[name] = no_metric("J", "the vendor's power limit is not known");
      return;
    }
    const double watts = *chip.power / count;
    Json energy = metric(phase.time.central * watts, "J");
    energy["low"] = phase.time.low * watts;
    energy["high"] = phase.high ? Json(*phase.high * watts) : Json(nullptr);
    metrics[name] = std::move(energy);
  };
  put("energy.at_power_limit", 1);
  if (items > 0) put(of_item, items);
}

// Everything about one phase is per call.
Json phase_json(const PhasePrediction& phase, const PhaseWork& work, const Chip& chip) {
  Json metrics = Json::object();
  if (!phase.reason.empty()) {
    metrics["latency"] = no_metric("s", phase.reason);
    return {{"limit", nullptr}, {"shares", nullptr}, {"metrics", std::move(metrics)}};
  }
  const PhaseTime& time = phase.time;
  metrics["latency"] = ranged(time.low, time.central, phase.high, "s");
  for (const auto& [unit, count] : work.items) {
    Json rate = metric(count / time.central, "");
    rate["unit"] = unit + "/s";
    rate["low"] = phase.high ? Json(count / *phase.high) : Json(nullptr);
    rate["high"] = count / time.low;
    metrics["throughput." + unit] = std::move(rate);
  }
  add_energy(phase, work, chip, metrics);
  return {{"limit", limit_json(phase.limit)},
          {"shares",
           {{"compute", time.compute / time.central},
            {"memory", time.memory / time.central},
            {"kernels", time.kernels / time.central},
            {"host", time.host / time.central}}},
          {"metrics", std::move(metrics)}};
}

Json largest_json(const Largest& largest) {
  return {{"value", or_null(largest.value)},
          {"limited_by", text_or_null(largest.limited_by)},
          {"reason", text_or_null(largest.reason)}};
}

Json prediction_json(const Predictions& all, const Prediction& one) {
  const Chip& chip = all.chips[one.chip];
  const PredictedCase& of = all.cases[one.of];
  Json memory = memory_json(one.memory);
  memory["second_layout"] = metric(one.second_layout, "B");
  Json phases = Json::object();
  for (const PhasePrediction& phase : one.phases) {
    phases[phase.name] = phase_json(phase, *of.work.find(phase.name), chip);
  }
  const double kept = one.capacity ? *one.capacity - usable_bytes(*one.capacity) : 0;
  return {{"chip", one.chip},
          {"case", one.of},
          {"fits", or_null(one.fits)},
          {"capacity", or_null(one.capacity)},
          {"reserve", one.capacity ? Json(kept) : Json(nullptr)},
          {"missing", one.fits ? Json(one.missing) : Json(nullptr)},
          {"reason", one.fits ? Json(nullptr) : Json(chip.no_capacity)},
          {"largest_batch", largest_json(one.largest_batch)},
          {"largest_context", largest_json(one.largest_context)},
          {"memory", std::move(memory)},
          {"phases", std::move(phases)}};
}

// For every kind of the chips, how well times of it are known.
Json validation_json(const std::vector<Chip>& chips) {
  Json json = Json::object();
  const auto& table = validation_table();
  if (!table) return json;
  for (const Chip& chip : chips) {
    if (json.contains(chip.kind)) continue;
    const auto error = error_of(*table, chip.kind);
    if (!error) {
      json[chip.kind] = {{"rows", 0}, {"reason", "no measured phase of this class"}};
      continue;
    }
    json[chip.kind] = {{"rows", error->rows},
                       {"median", error->median},
                       {"worst", error->worst},
                       {"worst_row", error->worst_row},
                       {"longest_recorded", error->longest_recorded},
                       {"longest_plain", error->longest_plain},
                       {"devices", error->devices}};
  }
  return json;
}

}  // namespace

Json to_json(const Predictions& predictions, const std::string& command, const std::string& now) {
  Json chips = Json::array();
  for (const Chip& chip : predictions.chips) chips.push_back(chip_json(chip));
  Json cases = Json::array();
  for (const PredictedCase& one : predictions.cases) cases.push_back(case_json(one));
  Json list = Json::array();
  for (const Prediction& one : predictions.predictions) {
    list.push_back(prediction_json(predictions, one));
  }
  return {{"schema", "ridgeline-prediction/1"},
          {"created", now},
          {"command", command},
          {"rank", name_of(predictions.rank)},
          {"validation", validation_json(predictions.chips)},
          {"chips", std::move(chips)},
          {"cases", std::move(cases)},
          {"predictions", std::move(list)},
          {"notes", predictions.notes}};
}

}  // namespace ridgeline::study
