// Sums over meters.
#include "study/peaks_idle.hpp"

#include <nlohmann/json.hpp>

namespace ridgeline::study {

Result<Json> measure_idle(const measure::Instruments& instruments, const Interrupt* interrupt) {
  const auto meters = instruments.all_meters();
  if (meters.empty()) return Json::object();
  return measure::idle_power(meters, measure::default_window_seconds(meters), interrupt);
}

machine::IdlePower idle_power_of(const measure::Instruments& instruments,
                                 const std::string& pci_address, const Json& idle) {
  machine::IdlePower power;
  double sum = 0;
  bool counted = true;
  const auto meters = instruments.meters(pci_address);
  for (const measure::CalibratedMeter& one : meters) {
    if (!one.meter.is_primary) continue;
    const Json entry = idle.value(one.meter.id, Json::object());
    if (!entry.value("watts", Json()).is_number()) {
      power.reason = entry.value("reason", "idle power was not measured");
      return power;
    }
    sum += entry.at("watts").get<double>();
    counted = counted && entry.value("method", "") == "counter";
  }
  if (!measure::has_primary(meters)) {
    const telemetry::Absence why = instruments.why_absent(telemetry::Kind::kEnergy, pci_address);
    power.reason = why.reason;
    power.enable = why.enable;
    return power;
  }
  power.value = sum;
  power.source = counted ? "counter" : "sampled";
  power.reason.clear();
  return power;
}

}  // namespace ridgeline::study
