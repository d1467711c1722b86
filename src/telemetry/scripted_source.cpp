// Reading a script of sensors, and playing it.
#include "telemetry/scripted_source.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

#include "base/clock.hpp"
#include "base/file.hpp"
#include "base/json.hpp"
#include "telemetry/waveform.hpp"

namespace ridgeline::telemetry {
namespace {

constexpr std::string_view kWhat = "script of sensors";
constexpr std::size_t kMostDomains = 1000;
constexpr std::size_t kMostBytes = 1 << 20;

struct ScriptedDomain {
  Waveform wave;
  double period = 0.001;
  double start = 0;
  double latency = 0;
  std::vector<double> resets;
  std::vector<std::pair<double, double>> fails;
};

Result<Kind> kind_from(const std::string& name) {
  constexpr std::array kAll = {Kind::kEnergy,      Kind::kPower,   Kind::kClock,
                               Kind::kTemperature, Kind::kTraffic, Kind::kThrottleTime,
                               Kind::kActivity,    Kind::kEvents};
  for (const Kind kind : kAll) {
    if (name_of(kind) == name) return kind;
  }
  return bad_input(fmt::format("{}: no kind '{}'", kWhat, name.substr(0, 40)));
}

Result<std::optional<double>> optional_number(const Json& json, const char* key) {
  if (!json.contains(key) || json.at(key).is_null()) return std::optional<double>();
  RIDGELINE_TRY(const double value, get_number(json, key, kWhat));
  return std::optional(value);
}

Result<ScriptedDomain> read_behaviour(const Json& json) {
  ScriptedDomain scripted;
  RIDGELINE_TRY(scripted.wave, Waveform::from_json(json.value("power", Json(0))));
  RIDGELINE_TRY(scripted.period, get_number(json, "period", kWhat, 0.001));
  RIDGELINE_TRY(scripted.start, get_number(json, "start", kWhat, 0));
  RIDGELINE_TRY(scripted.latency, get_number(json, "latency", kWhat, 0));
  if (!(scripted.period > 0) || !(scripted.latency >= 0)) {
    return bad_input(fmt::format("{}: 'period' must be positive, 'latency' not negative", kWhat));
  }
  for (const Json& second : json.value("resets", Json::array())) {
    if (!second.is_number()) return bad_input(fmt::format("{}: 'resets' are seconds", kWhat));
    scripted.resets.push_back(second.get<double>());
  }
  std::sort(scripted.resets.begin(), scripted.resets.end());
  for (const Json& span : json.value("fails", Json::array())) {
    if (!span.is_array() || span.size() != 2 || !span[0].is_number() || !span[1].is_number()) {
      return bad_input(fmt::format("{}: 'fails' are pairs [from, to)", kWhat));
    }
    scripted.fails.emplace_back(span[0].get<double>(), span[1].get<double>());
  }
  return scripted;
}

Result<Domain> read_domain(const Json& json) {
  Domain domain;
  RIDGELINE_TRY(domain.id, get_string(json, "id", kWhat));
  RIDGELINE_TRY(const std::string kind, get_string(json, "kind", kWhat));
  RIDGELINE_TRY(domain.kind, kind_from(kind));
  RIDGELINE_TRY(domain.scope, get_string(json, "scope", kWhat, "package"));
  RIDGELINE_TRY(domain.device, get_string(json, "device", kWhat, ""));
  domain.provenance = is_cumulative(domain.kind) ? "counter" : "sampled";
  RIDGELINE_TRY(domain.resolution, get_number(json, "resolution", kWhat, 0));
  RIDGELINE_TRY(const double period, get_number(json, "period", kWhat, 0.001));
  domain.update_period = period;
  RIDGELINE_TRY(domain.wraps_at, optional_number(json, "wraps_at"));
  RIDGELINE_TRY(domain.systematic, optional_number(json, "systematic"));
  domain.note = "scripted";
  return domain;
}

class ScriptedSource final : public Source {
 public:
  ScriptedSource(Probe probe, std::vector<ScriptedDomain> scripted, ClockFunction clock)
      : probe_(std::move(probe)),
        scripted_(std::move(scripted)),
        clock_(std::move(clock)),
        begin_ns_(clock_()) {}

  std::string_view name() const override { return "scripted"; }
  const Probe& probe() const override { return probe_; }

  void read(std::span<const std::size_t> domains, std::vector<Reading>& readings) override {
    const std::int64_t ns = clock_();
    const double seconds = 1e-9 * static_cast<double>(ns - begin_ns_);
    for (const std::size_t index : domains) readings.push_back({index, ns, value(index, seconds)});
  }

 private:
  double value(std::size_t index, double seconds) const {
    const Domain& domain = probe_.domains[index];
    const ScriptedDomain& scripted = scripted_[index];
    for (const auto& [from, to] : scripted.fails) {
      if (seconds >= from && seconds < to) return std::numeric_limits<double>::quiet_NaN();
    }
    const double shown =
        scripted.period * std::floor((seconds - scripted.latency) / scripted.period);
    if (!is_cumulative(domain.kind)) return scripted.wave.watts(shown);
    double value = scripted.start + scripted.wave.joules(shown);
    for (const double reset : scripted.resets) {
      if (reset <= shown) value = scripted.wave.joules(shown) - scripted.wave.joules(reset);
    }
    if (domain.wraps_at) value = std::fmod(value, *domain.wraps_at);
    return domain.resolution > 0 ? domain.resolution * std::floor(value / domain.resolution)
                                 : value;
  }

  Probe probe_;
  std::vector<ScriptedDomain> scripted_;
  ClockFunction clock_;
  std::int64_t begin_ns_;
};

}  // namespace

Result<std::unique_ptr<Source>> open_scripted(const std::string& script) {
  return open_scripted(script, [] { return now_ns(); });
}

Result<std::unique_ptr<Source>> open_scripted(const std::string& script, ClockFunction clock) {
  std::string text = script;
  if (!script.starts_with('{')) {
    RIDGELINE_TRY(text, read_text_file(script, kMostBytes));
  }
  RIDGELINE_TRY(const Json json, parse_json(text, kWhat));
  Probe probe;
  std::vector<ScriptedDomain> scripted;
  if (!json.is_object() || !json.value("domains", Json::array()).is_array() ||
      json.value("domains", Json::array()).size() > kMostDomains) {
    return bad_input(fmt::format("{}: 'domains' must be a list", kWhat));
  }
  for (const Json& domain : json.value("domains", Json::array())) {
    RIDGELINE_TRY(probe.domains.emplace_back(), read_domain(domain));
    RIDGELINE_TRY(scripted.emplace_back(), read_behaviour(domain));
  }
  for (const Json& one : json.value("absences", Json::array())) {
    Absence absence;
    RIDGELINE_TRY(const std::string kind, get_string(one, "kind", kWhat));
    RIDGELINE_TRY(absence.kind, kind_from(kind));
    RIDGELINE_TRY(absence.reason, get_string(one, "reason", kWhat));
    RIDGELINE_TRY(absence.enable, get_string(one, "enable", kWhat, ""));
    probe.absences.push_back(std::move(absence));
  }
  return std::unique_ptr<Source>(
      new ScriptedSource(std::move(probe), std::move(scripted), std::move(clock)));
}

}  // namespace ridgeline::telemetry
