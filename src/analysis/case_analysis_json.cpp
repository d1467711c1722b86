// The JSON form of an analysis.
#include <cmath>
#include <nlohmann/json.hpp>

#include "analysis/case_analysis.hpp"
#include "base/json_values.hpp"

namespace ridgeline::analysis {
namespace {

Json number(const std::optional<double>& value) {
  return value && std::isfinite(*value) ? Json(*value) : Json(nullptr);
}

Json limit_json(const Limit& limit) {
  return {{"id", limit.id},
          {"among", limit.among},
          {"headline", limit.headline},
          {"evidence", limit.evidence}};
}

Json shares_json(const LimitShares& shares) {
  return {{"compute", number(shares.compute)},
          {"memory", number(shares.memory)},
          {"host", number(shares.host)},
          {"throttled", number(shares.throttled)}};
}

Json advice_json(const std::vector<Advice>& list) {
  Json json = Json::array();
  for (const Advice& advice : list) {
    Json gain;
    if (advice.gain) gain = {{"low", advice.gain->low}, {"high", advice.gain->high}};
    json.push_back({{"do", advice.what}, {"gain", std::move(gain)}, {"why", advice.why}});
  }
  return json;
}

Json roof_json(const Roof& roof) {
  return {{"kind", roof.kind},
          {"flops_rate", number(roof.flops_rate)},
          {"bytes_rate", number(roof.bytes_rate)},
          {"ridge", number(roof.ridge())},
          {"dtype", text_or_null(roof.dtype)},
          {"level", roof.level},
          {"reason", text_or_null(roof.reason)}};
}

Json roofline_json(const Roofline& roofline) {
  Json extra = Json::array();
  for (const ExtraRoof& roof : roofline.extra) {
    extra.push_back({{"label", roof.label}, {"bytes_rate", number(roof.bytes_rate)}});
  }
  return {{"intensity", number(roofline.intensity)},
          {"flops_rate", number(roofline.flops_rate)},
          {"bytes_rate", number(roofline.bytes_rate)},
          {"ceilings", Json::array({roof_json(roofline.measured), roof_json(roofline.datasheet)})},
          {"extra_roofs", std::move(extra)}};
}

Json waterfall_json(const Waterfall& waterfall) {
  Json steps = Json::array();
  for (const WaterfallStep& step : waterfall.steps) {
    steps.push_back({{"id", step.id},
                     {"label", step.label},
                     {"seconds", step.seconds},
                     {"how", step.how},
                     {"source", step.source}});
  }
  return {{"latency", number(waterfall.latency)},
          {"steps", std::move(steps)},
          {"reason", text_or_null(waterfall.reason)}};
}

Json classes_json(const std::vector<OpClass>& classes) {
  Json json = Json::array();
  for (const OpClass& one : classes) {
    json.push_back({{"class", one.name},
                    {"flops", number(one.flops)},
                    {"bytes", number(one.bytes)},
                    {"bound_seconds", number(one.bound_seconds)},
                    {"limit", text_or_null(one.limit)},
                    {"seconds", number(one.seconds)},
                    {"flops_rate", number(one.flops_rate)},
                    {"bytes_rate", number(one.bytes_rate)}});
  }
  return json;
}

Json energy_json(const EnergyEfficiency& energy) {
  return {{"score", number(energy.score)},
          {"formula", energy.formula},
          {"bound_joules", number(energy.bound_joules)},
          {"attained_joules", number(energy.attained_joules)},
          {"reason", text_or_null(energy.reason)}};
}

Json fit_json(const Fit& fit) {
  return {{"value", number(fit.value)},
          {"how", text_or_null(fit.how)},
          {"reason", text_or_null(fit.reason)}};
}

Json memory_json(const MemoryFit& memory) {
  Json split = Json::array();
  for (const MemoryPart& part : memory.split) {
    split.push_back({{"id", part.id}, {"bytes", number(part.bytes)}});
  }
  return {{"capacity", number(memory.capacity)},
          {"capacity_of", memory.capacity_of},
          {"split", std::move(split)},
          {"peak", number(memory.peak)},
          {"largest_batch", fit_json(memory.largest_batch)},
          {"largest_context", fit_json(memory.largest_context)}};
}

}  // namespace

Json to_json(const CaseAnalysis& analysis) {
  Json phases = Json::object();
  for (const PhaseAnalysis& phase : analysis.phases) {
    phases[phase.name] = {{"limit", limit_json(phase.limit)},
                          {"shares", shares_json(phase.shares)},
                          {"advice", advice_json(phase.advice)},
                          {"roofline", roofline_json(phase.roofline)},
                          {"waterfall", waterfall_json(phase.waterfall)},
                          {"classes", classes_json(phase.classes)},
                          {"energy_efficiency", energy_json(phase.energy)}};
  }
  return {{"schema", kAnalysisSchema},
          {"phases", std::move(phases)},
          {"memory", memory_json(analysis.memory)}};
}

}  // namespace ridgeline::analysis
