// Opening sensors, planning what to read, and power at rest.
#include "measure/instruments.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <set>

#include "base/clock.hpp"
#include "telemetry/null_source.hpp"
#include "telemetry/window_energy.hpp"

namespace ridgeline::measure {
namespace {

using telemetry::DomainRef;

const telemetry::Calibration* calibration_of(const telemetry::CalibrationCache& cache,
                                             const std::optional<DomainRef>& domain) {
  return domain ? cache.find(domain->source->name(), (*domain)->id) : nullptr;
}

// As measured; a period shorter than calibration can see is taken from the documentation.
std::optional<double> period_of(const telemetry::CalibrationCache& cache,
                                const std::optional<DomainRef>& domain) {
  if (!domain) return std::nullopt;
  const telemetry::Calibration* known = calibration_of(cache, domain);
  const auto documented = (*domain)->update_period;
  if (known == nullptr || !known->update_period) return documented;
  const bool unresolved = *known->update_period < 2e-9 * telemetry::kCalibrationInterval;
  return unresolved && documented ? documented : known->update_period;
}

void add_channel(const std::optional<DomainRef>& domain, std::optional<double> period,
                 double read_seconds, std::int64_t fixed_interval_ns, ChannelPlan& plan,
                 int& place) {
  if (!domain) return;
  telemetry::Channel channel{domain->source, domain->domain, fixed_interval_ns, period, 0};
  if (channel.interval_ns <= 0) {
    telemetry::Domain as_calibrated = **domain;
    if (period) as_calibrated.update_period = period;
    channel.interval_ns = telemetry::reading_interval_ns(as_calibrated);
    channel.jump_ns = telemetry::jump_ns(period.value_or(0), read_seconds, channel.interval_ns);
  }
  place = static_cast<int>(plan.channels.size());
  plan.channels.push_back(channel);
}

}  // namespace

Result<Instruments> Instruments::open(const std::vector<std::string>& choice,
                                      const telemetry::Environment& environment,
                                      std::string cache_folder, std::string fingerprint) {
  RIDGELINE_TRY(telemetry::Sources sources, telemetry::open_sources(choice, environment));
  return Instruments(std::move(sources),
                     telemetry::CalibrationCache(std::move(cache_folder), std::move(fingerprint)));
}

std::vector<CalibratedMeter> Instruments::meters(const std::string& device) const {
  std::vector<CalibratedMeter> calibrated;
  for (telemetry::Meter& meter : telemetry::meters_of(sources_, device)) {
    CalibratedMeter& one = calibrated.emplace_back();
    const double counter = period_of(calibrations_, meter.counter).value_or(0);
    const double power = period_of(calibrations_, meter.power).value_or(0);
    one.update_period = meter.counter ? counter : power;
    const telemetry::Calibration* known = calibration_of(calibrations_, meter.counter);
    if (known != nullptr) one.read_seconds = known->read_seconds;
    const std::optional<DomainRef>& main = meter.counter ? meter.counter : meter.power;
    one.systematic = (*main)->systematic;
    one.meter = std::move(meter);
  }
  return calibrated;
}

std::vector<CalibratedMeter> Instruments::all_meters() const {
  std::set<std::string> devices = {""};
  for (const auto& source : sources_) {
    for (const telemetry::Domain& domain : source->probe().domains) devices.insert(domain.device);
  }
  std::vector<CalibratedMeter> all;
  for (const std::string& device : devices) {
    for (CalibratedMeter& one : meters(device)) {
      // The host's are among those of every device.
      if (one.meter.device == device) all.push_back(std::move(one));
    }
  }
  return all;
}

telemetry::Absence Instruments::why_absent(telemetry::Kind kind, const std::string& device) const {
  for (const auto& source : sources_) {
    for (const telemetry::Absence& absence : source->probe().absences) {
      if (absence.kind == kind && absence.device == device && !device.empty()) return absence;
    }
  }
  if (sources_.empty()) return {kind, "sensors are switched off", "leave --sensors none out"};
  return telemetry::absent_reason(kind, sources_);
}

bool has_primary(const std::vector<CalibratedMeter>& meters) {
  return std::any_of(meters.begin(), meters.end(),
                     [](const CalibratedMeter& one) { return one.meter.is_primary; });
}

double longest_period(const std::vector<CalibratedMeter>& meters) {
  double longest = 0;
  for (const CalibratedMeter& one : meters) {
    if (one.meter.is_primary) longest = std::max(longest, one.update_period);
  }
  return longest;
}

double default_window_seconds(const std::vector<CalibratedMeter>& meters) {
  // A counter of 100 ms read without care is off by 4 % over 5 s; ticks make it far better.
  constexpr double kShortest = 5;
  constexpr double kPeriods = 50;
  return std::max(kShortest, kPeriods * longest_period(meters));
}

ChannelPlan plan_channels(const std::vector<CalibratedMeter>& meters,
                          const std::vector<DomainRef>& state, std::int64_t fixed_interval_ns) {
  ChannelPlan plan;
  for (const CalibratedMeter& one : meters) {
    MeterSeries& series = plan.meters.emplace_back();
    const auto period =
        one.update_period > 0 ? std::optional(one.update_period) : std::optional<double>();
    add_channel(one.meter.counter, period, one.read_seconds, fixed_interval_ns, plan,
                series.counter);
    add_channel(one.meter.power, one.meter.counter ? std::nullopt : period, 0, fixed_interval_ns,
                plan, series.power);
  }
  for (const telemetry::Channel& channel : plan.channels) {
    plan.longest_jump = std::max(plan.longest_jump, 1e-9 * static_cast<double>(channel.jump_ns));
  }
  plan.first_state = plan.channels.size();
  for (const DomainRef& domain : state) {
    plan.channels.push_back(
        {domain.source, domain.domain, telemetry::reading_interval_ns(*domain), std::nullopt, 0});
  }
  return plan;
}

bool sleep_for(double seconds, const Interrupt* interrupt) {
  return sleep_unless(interrupt, static_cast<std::int64_t>(1e9 * std::max(seconds, 0.0)));
}

Json power_within(const std::vector<CalibratedMeter>& meters, const ChannelPlan& plan,
                  const std::vector<telemetry::Series>& series, const telemetry::Span& window) {
  Json result = Json::object();
  for (std::size_t i = 0; i < meters.size(); ++i) {
    const auto at = [&](int place) {
      return place < 0 ? nullptr : &series[static_cast<std::size_t>(place)];
    };
    const telemetry::WindowResult found =
        telemetry::window_energy(at(plan.meters[i].counter), at(plan.meters[i].power), window);
    Json& entry = result[meters[i].meter.id];
    if (!found.energy) {
      entry = {{"reason", found.reason}};
      continue;
    }
    const double span = found.energy->span.seconds();
    entry = {{"watts", found.energy->joules / span},
             {"seconds", span},
             {"bound", found.energy->bound / span},
             {"method", name_of(found.energy->method)}};
  }
  return result;
}

Result<Json> idle_power(const std::vector<CalibratedMeter>& meters, double seconds,
                        const Interrupt* interrupt) {
  const ChannelPlan plan = plan_channels(meters, {});
  telemetry::Sampler sampler(plan.channels, seconds + 1);
  const std::int64_t begin = now_ns();
  if (!sleep_for(seconds, interrupt)) return Error{ErrorClass::kInterrupted, "interrupted"};
  const telemetry::Span window{begin, now_ns()};
  return power_within(meters, plan, sampler.stop(), window);
}

}  // namespace ridgeline::measure
