// Windows, calibration, idle, and what came of them.
#include "measure/energy_pass.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <random>

#include "base/clock.hpp"
#include "base/file.hpp"
#include "base/statistics.hpp"
#include "measure/energy_trial.hpp"
#include "measure/harness.hpp"
#include "measure/timeline.hpp"
#include "telemetry/null_source.hpp"
#include "telemetry/sampler.hpp"

namespace ridgeline::measure {
namespace {

using telemetry::DomainRef;
using telemetry::Series;
using telemetry::Span;

// A device that has just worked falls back to rest within a few seconds.
constexpr double kSettleSeconds = 3;

class EnergyPass {
 public:
  EnergyPass(protocol::Worker& worker, const EnergyPassOptions& options)
      : worker_(worker),
        options_(options),
        state_(telemetry::state_domains(options.instruments->sources(), options.device)),
        random_(options.seed) {
    take_meters();
  }

  Result<Json> run(const std::vector<PhaseToRun>& phases);

 private:
  void take_meters();
  bool is_calibrated() const;
  Status calibrate(const PhaseToRun& phase);
  Result<Json> loaded_idle();
  Result<Json> trial(const PhaseToRun& phase, std::int64_t index);
  Status pause();
  void check_counters(const Json& phases);
  Json meters_json() const;

  protocol::Worker& worker_;
  const EnergyPassOptions& options_;
  std::vector<DomainRef> state_;
  std::vector<CalibratedMeter> meters_;
  double window_ = 0;
  PowerTimeline timeline_;
  std::mt19937_64 random_;
};

void EnergyPass::take_meters() {
  meters_ = options_.instruments->meters(options_.device);
  window_ = options_.window_seconds.value_or(default_window_seconds(meters_));
}

template <typename Visit>
void for_each_domain(const std::vector<CalibratedMeter>& meters, const Visit& visit) {
  for (const CalibratedMeter& one : meters) {
    if (one.meter.counter) visit(*one.meter.counter);
    if (one.meter.power) visit(*one.meter.power);
  }
}

bool EnergyPass::is_calibrated() const {
  bool all = true;
  for_each_domain(meters_, [&](const DomainRef& domain) {
    all = all && options_.instruments->calibrations().find(domain.source->name(), domain->id);
  });
  return all;
}

// Polls everything at 1 kHz while the phase runs; also the warm-up of what follows.
Status EnergyPass::calibrate(const PhaseToRun& phase) {
  const ChannelPlan plan = plan_channels(meters_, {}, telemetry::kCalibrationInterval);
  std::vector<double> costs;
  costs.reserve(plan.channels.size());
  for (const telemetry::Channel& channel : plan.channels) {
    costs.push_back(telemetry::read_cost({channel.source, channel.domain}));
  }
  telemetry::Sampler sampler(plan.channels, telemetry::kCalibrationSeconds + 1);
  const auto ran = run_phase(worker_, phase, "energy", telemetry::kCalibrationSeconds);
  const std::vector<Series> series = sampler.stop();
  if (!ran) return ran.error();
  for (std::size_t i = 0; i < series.size(); ++i) {
    options_.instruments->calibrations().put(telemetry::calibrate(series[i], costs[i]));
  }
  timeline_.add(series);
  timeline_.mark("calibration", ran->span);
  take_meters();
  return {};
}

Status EnergyPass::pause() {
  // Of up to a second, or of two periods where those are shorter: enough to sweep the sensor.
  const double longest = longest_period(meters_);
  const double most = longest > 0 ? std::min(1.0, 2 * longest) : 1.0;
  std::uniform_real_distribution<double> seconds(0, most);
  if (sleep_for(seconds(random_), options_.interrupt)) return {};
  return Error{ErrorClass::kInterrupted, "interrupted"};
}

Result<Json> EnergyPass::loaded_idle() {
  if (options_.on_window) options_.on_window();
  const double settle = std::min(kSettleSeconds, window_);
  if (!sleep_for(settle, options_.interrupt)) {
    return Error{ErrorClass::kInterrupted, "interrupted"};
  }
  return idle_power(meters_, window_, options_.interrupt);
}

Result<Json> EnergyPass::trial(const PhaseToRun& phase, std::int64_t index) {
  if (options_.on_window) options_.on_window();
  RIDGELINE_CHECK(pause());
  const double period = longest_period(meters_);
  // A window that the user made short stays as short, also in its lead.
  const double lead = std::min(std::max(0.3, 2 * period), window_);
  const ChannelPlan plan = plan_channels(meters_, state_);
  // So that a window from tick to tick is no shorter than what was asked for.
  const double slack = 2 * period + 2 * plan.longest_jump;
  const double run_seconds = lead + window_ + (options_.window_seconds ? 0 : slack);
  telemetry::Sampler sampler(plan.channels, run_seconds + 2);
  const auto ran = run_phase(worker_, phase, "energy", run_seconds);
  const std::vector<Series> series = sampler.stop();
  if (!ran) return ran.error();
  Span window = ran->span;
  window.begin_ns += static_cast<std::int64_t>(1e9 * lead);
  if (options_.window_seconds) {
    window.end_ns =
        std::min(window.end_ns, window.begin_ns + static_cast<std::int64_t>(1e9 * window_));
  }
  timeline_.add(series);
  timeline_.mark(fmt::format("{}, trial {}", phase.name, index + 1), window);
  return energy_trial(meters_, plan, series, ran->calls, window);
}

// Remembers what the trials say about counters beside integrated power.
void EnergyPass::check_counters(const Json& phases) {
  for (const CalibratedMeter& one : meters_) {
    std::vector<double> ratios;
    for (const auto& [name, phase] : phases.items()) {
      for (const Json& trial : phase.at("trials")) {
        const Json& meter = trial.at("meters").at(one.meter.id);
        const Json ratio = meter.value("cross_check", Json());
        if (ratio.is_number()) ratios.push_back(ratio.get<double>());
      }
    }
    if (ratios.empty() || !one.meter.counter) continue;
    const DomainRef& counter = *one.meter.counter;
    auto& cache = options_.instruments->calibrations();
    const telemetry::Calibration* known = cache.find(counter.source->name(), counter->id);
    if (known == nullptr) continue;
    telemetry::Calibration checked = *known;
    checked.cross_check = median_in_place(ratios);
    cache.put(std::move(checked));
  }
}

Json EnergyPass::meters_json() const {
  Json list = Json::array();
  for (const CalibratedMeter& one : meters_) {
    const telemetry::Meter& meter = one.meter;
    const auto id = [](const std::optional<DomainRef>& domain) {
      return domain ? Json((*domain)->id) : Json(nullptr);
    };
    Json calibrations = Json::array();
    for_each_domain({one}, [&](const DomainRef& domain) {
      const auto* known =
          options_.instruments->calibrations().find(domain.source->name(), domain->id);
      if (known != nullptr) calibrations.push_back(to_json(*known));
    });
    const DomainRef& main = meter.counter ? *meter.counter : *meter.power;
    list.push_back({{"id", meter.id},
                    {"scope", meter.scope},
                    {"device", meter.device},
                    {"primary", meter.is_primary},
                    {"source", main.source->name()},
                    {"counter", id(meter.counter)},
                    {"power", id(meter.power)},
                    {"update_period", one.update_period > 0 ? Json(one.update_period) : Json()},
                    {"systematic", one.systematic ? Json(*one.systematic) : Json()},
                    {"calibration", std::move(calibrations)}});
  }
  return list;
}

Result<Json> EnergyPass::run(const std::vector<PhaseToRun>& phases) {
  if (!has_primary(meters_)) {
    const telemetry::Absence why =
        options_.instruments->why_absent(telemetry::Kind::kEnergy, options_.device);
    return Json{{"reason", why.reason}, {"enable", why.enable}};
  }
  if (phases.empty()) return Json{{"reason", "no phase of the case is given an energy pass"}};
  const HarnessMeter harness;
  if (!is_calibrated()) RIDGELINE_CHECK(calibrate(phases.front()));
  RIDGELINE_TRY(const Json idle, loaded_idle());
  Json results = Json::object();
  for (const PhaseToRun& phase : phases) {
    Json trials = Json::array();
    for (std::int64_t i = 0; i < options_.trials; ++i) {
      RIDGELINE_TRY(Json one, trial(phase, i));
      trials.push_back(std::move(one));
    }
    results[phase.name] = {{"trials", std::move(trials)}};
  }
  check_counters(results);
  Json energy = {
      {"boundary", telemetry::boundary_name([&] {
         std::vector<telemetry::Meter> all;
         all.reserve(meters_.size());
         for (const CalibratedMeter& one : meters_) all.push_back(one.meter);
         return all;
       }())},
      {"device", options_.device},
      {"window_seconds", window_},
      {"meters", meters_json()},
      {"idle",
       {{"cold", options_.cold_idle != nullptr ? *options_.cold_idle : Json()}, {"loaded", idle}}},
      {"phases", std::move(results)},
      {"harness", to_json(harness.elapsed())},
      {"timeline", nullptr}};
  if (!options_.timeline_path.empty() && !timeline_.empty()) {
    RIDGELINE_CHECK(write_text_file(options_.timeline_path, timeline_.to_json().dump() + "\n"));
    energy["timeline"] = options_.timeline_name;
  }
  return energy;
}

}  // namespace

Result<Json> energy_pass(protocol::Worker& worker, const std::vector<PhaseToRun>& phases,
                         const EnergyPassOptions& options) {
  return EnergyPass(worker, options).run(phases);
}

}  // namespace ridgeline::measure
