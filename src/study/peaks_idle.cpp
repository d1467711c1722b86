// Sums over meters.
#include "study/peaks_idle.hpp"

#include <nlohmann/json.hpp>

#include "base/clock.hpp"
#include "telemetry/sampler.hpp"

namespace ridgeline::study {
namespace {

// The sum of what idle_power() found for the primary meters, or why there is none.
machine::IdlePower sum_of(const std::vector<measure::CalibratedMeter>& meters, const Json& found) {
  machine::IdlePower power;
  double sum = 0;
  bool counted = true;
  for (const measure::CalibratedMeter& one : meters) {
    if (!one.meter.is_primary) continue;
    const Json entry = found.value(one.meter.id, Json::object());
    if (!entry.value("watts", Json()).is_number()) {
      power.reason = entry.value("reason", "power was not measured");
      return power;
    }
    sum += entry.at("watts").get<double>();
    counted = counted && entry.value("method", "") == "counter";
  }
  power.value = sum;
  power.source = counted ? "counter" : "sampled";
  power.reason.clear();
  return power;
}

}  // namespace

Result<Json> measure_idle(const measure::Instruments& instruments, const Interrupt* interrupt) {
  const auto meters = instruments.all_meters();
  if (meters.empty()) return Json::object();
  return measure::idle_power(meters, measure::default_window_seconds(meters), interrupt);
}

machine::IdlePower idle_power_of(const measure::Instruments& instruments,
                                 const std::string& pci_address, const Json& idle) {
  const auto meters = instruments.meters(pci_address);
  if (measure::has_primary(meters)) return sum_of(meters, idle);
  machine::IdlePower power;
  const telemetry::Absence why = instruments.why_absent(telemetry::Kind::kEnergy, pci_address);
  power.reason = why.reason;
  power.enable = why.enable;
  return power;
}

bool has_power(const machine::Ceiling& ceiling) {
  return ceiling.id == "read" || ceiling.kind == "gemm";
}

PowerReading PowerReading::of(const measure::Instruments& instruments,
                              const std::string& pci_address) {
  PowerReading reading;
  reading.meters = instruments.meters(pci_address);
  if (!measure::has_primary(reading.meters)) reading.meters.clear();
  if (!reading.meters.empty()) reading.window = measure::default_window_seconds(reading.meters);
  return reading;
}

Result<Json> PowerReading::during(const std::function<Result<Json>()>& work,
                                  std::optional<double>& watts) const {
  // Probes of large devices try sizes and ways for a while before their load is steady.
  constexpr double kMostSeconds = 120;
  const measure::ChannelPlan plan = measure::plan_channels(meters, {});
  telemetry::Sampler sampler(plan.channels, kMostSeconds);
  Result<Json> answer = work();
  const std::int64_t end = now_ns();
  const std::vector<telemetry::Series> series = sampler.stop();
  const telemetry::Span span{end - static_cast<std::int64_t>(1e9 * window), end};
  watts = sum_of(meters, measure::power_within(meters, plan, series, span)).value;
  return answer;
}

}  // namespace ridgeline::study
