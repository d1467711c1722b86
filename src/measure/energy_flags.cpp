// What the energy pass says against its own numbers.
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "measure/machine_state.hpp"
#include "measure/sensor_metrics.hpp"

namespace ridgeline::measure {
namespace {

using results::Flag;

// The states of a trial in the form of an invocation's, for the same judgement.
Json state_of(const Json& trial) {
  Json domains = Json::object();
  const Json state = trial.value("state", Json::object());
  for (const auto& [id, domain] : state.items()) {
    if (domain.contains("start") && domain.contains("end")) domains[id] = domain;
  }
  return {{"seconds", trial.value("seconds", 0.0)}, {"domains", std::move(domains)}};
}

Flag invalid_sensor(const Json& calibration) {
  const std::string id = calibration.value("id", "");
  const Json ratio = calibration.value("cross_check", Json());
  const std::string why =
      ratio.is_number()
          ? fmt::format("shows {:.3g} times the integral of power, which is used instead",
                        ratio.get<double>())
          : "stood still under load";
  return {"sensor_disagrees", Flag::Severity::kWarn, fmt::format("{}: the counter {}", id, why),
          "update the driver, and compare with a meter at the wall"};
}

}  // namespace

std::vector<Flag> energy_flags(const Json& energy) {
  std::vector<Flag> flags;
  if (!energy.is_object() || !energy.contains("phases")) return flags;
  for (const Json& meter : energy.value("meters", Json::array())) {
    // Of the others the record tells; they are no part of the figures.
    if (!meter.value("primary", false)) continue;
    for (const Json& one : meter.value("calibration", Json::array())) {
      if (!one.value("valid", true)) flags.push_back(invalid_sensor(one));
    }
  }
  std::vector<Json> states;
  std::int64_t resets = 0;
  for (const auto& [name, phase] : energy.at("phases").items()) {
    for (const Json& trial : phase.value("trials", Json::array())) {
      states.push_back(state_of(trial));
      const Json meters = trial.value("meters", Json::object());
      for (const auto& [id, meter] : meters.items()) {
        resets += meter.value("had_reset", false) ? 1 : 0;
      }
    }
  }
  if (resets > 0) {
    flags.push_back({"counter_reset", Flag::Severity::kWarn,
                     fmt::format("an energy counter was reset within {} trial(s); the longer part "
                                 "counts",
                                 resets),
                     "turn persistence mode on, or look who reloads the driver"});
  }
  for (Flag& flag : state_flags(states)) {
    flag.detail = "energy pass: " + flag.detail;
    flags.push_back(std::move(flag));
  }
  return flags;
}

}  // namespace ridgeline::measure
