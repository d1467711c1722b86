// From series and stamps to joules a call.
#include "measure/energy_trial.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/json_values.hpp"
#include "base/statistics.hpp"
#include "telemetry/counter.hpp"
#include "telemetry/window_energy.hpp"

namespace ridgeline::measure {
namespace {

using telemetry::Series;
using telemetry::Span;
using telemetry::WindowEnergy;

Json meter_json(const WindowEnergy& energy, const CallsWithin& within) {
  return {{"method", name_of(energy.method)},
          {"seconds", energy.span.seconds()},
          {"calls", within.calls},
          {"joules", energy.joules},
          {"bound", energy.bound},
          {"peak_watts", or_null(energy.peak_watts)},
          {"cross_check", or_null(energy.cross_check)},
          {"had_reset", energy.had_reset},
          {"note", energy.note.empty() ? Json(nullptr) : Json(energy.note)}};
}

// Start, end, mean and largest value of a state domain within the window.
Json state_json(const Series& series, const Span& window) {
  std::vector<double> inside;
  for (std::size_t i = 0; i < series.ns.size(); ++i) {
    if (series.ns[i] >= window.begin_ns && series.ns[i] <= window.end_ns) {
      inside.push_back(series.values[i]);
    }
  }
  Json json = {{"kind", name_of(series.domain.kind)},
               {"scope", series.domain.scope},
               {"device", series.domain.device}};
  if (inside.empty()) {
    json["reason"] = series.values.empty() ? "it could not be read" : "the window is too short";
    return json;
  }
  const bool grows = is_cumulative(series.domain.kind);
  json["start"] = grows ? 0.0 : inside.front();
  json["end"] = grows ? std::max(0.0, inside.back() - inside.front()) : inside.back();
  if (grows) return json;
  json["mean"] = mean(inside);
  json["max"] = *std::max_element(inside.begin(), inside.end());
  return json;
}

// Sums of the primary meters for one call.
struct PerCall {
  double joules = 0;
  double bound = 0;
  double peak_watts = 0;
  double seconds = 0;  // of a call, by the first primary meter
  bool all_counters = true;
  bool has_peak = true;
  std::string reason;
};

void add_primary(const CalibratedMeter& meter, const telemetry::WindowResult& found,
                 const CallsWithin& within, PerCall& sum) {
  if (!found.energy || within.calls <= 0) {
    sum.reason = fmt::format("{}: {}", meter.meter.id,
                             found.energy ? "no call lies within its span" : found.reason);
    return;
  }
  const WindowEnergy& energy = *found.energy;
  sum.joules += energy.joules / within.calls;
  sum.bound += energy.bound / within.calls;
  if (sum.seconds == 0) sum.seconds = energy.span.seconds() / within.calls;
  sum.all_counters = sum.all_counters && energy.method == telemetry::EnergyMethod::kCounter;
  sum.has_peak = sum.has_peak && energy.peak_watts.has_value();
  sum.peak_watts += energy.peak_watts.value_or(0);
}

}  // namespace

Json energy_trial(const std::vector<CalibratedMeter>& meters, const ChannelPlan& plan,
                  const std::vector<Series>& series, const std::vector<protocol::SampleRow>& calls,
                  const Span& window) {
  const auto at = [&](int place) {
    return place < 0 ? nullptr : &series[static_cast<std::size_t>(place)];
  };
  PerCall sum;
  Json parts = Json::object();
  for (std::size_t i = 0; i < meters.size(); ++i) {
    const telemetry::WindowResult found =
        telemetry::window_energy(at(plan.meters[i].counter), at(plan.meters[i].power), window);
    const CallsWithin within =
        found.energy ? calls_within(calls, found.energy->span) : CallsWithin();
    parts[meters[i].meter.id] =
        found.energy ? meter_json(*found.energy, within) : Json{{"reason", found.reason}};
    if (meters[i].meter.is_primary) add_primary(meters[i], found, within, sum);
  }
  Json state = Json::object();
  for (std::size_t i = plan.first_state; i < series.size(); ++i) {
    state[series[i].domain.id] = state_json(series[i], window);
  }
  const CallsWithin whole = calls_within(calls, window);
  Json trial = {{"seconds", window.seconds()},
                {"calls", whole.calls},
                {"busy_share", whole.busy_share},
                {"joules", nullptr}};
  if (sum.reason.empty() && sum.joules > 0) {
    trial["joules"] = sum.joules;
    trial["bound"] = sum.bound;
    trial["seconds_per_call"] = sum.seconds;
    trial["method"] = sum.all_counters ? "counter" : "integral";
    trial["peak_watts"] = sum.has_peak ? Json(sum.peak_watts) : Json(nullptr);
  } else {
    trial["reason"] = sum.reason.empty() ? "the sensors showed no energy" : sum.reason;
  }
  trial["meters"] = std::move(parts);
  trial["state"] = std::move(state);
  return trial;
}

}  // namespace ridgeline::measure
