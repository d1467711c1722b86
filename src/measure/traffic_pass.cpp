// Reading counters around runs.
#include "measure/traffic_pass.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>

#include "measure/harness.hpp"
#include "telemetry/null_source.hpp"
#include "telemetry/sampler.hpp"

namespace ridgeline::measure {
namespace {

using telemetry::DomainRef;
using telemetry::Series;

// NVML's samples are refreshed every 100 ms, at times that it does not tell, and are means over the
// time between two refreshes. Read within a steady load they are right whenever the refresh was;
// read before and after a run they would be off by 100 ms of it.
constexpr double kLeadSeconds = 0.4;
constexpr std::int64_t kReadingInterval = 250'000'000;
constexpr double kSettleSeconds = 1;
constexpr double kIdleSeconds = 1;

// By how much a series rose from its first to its last reading within a window.
struct Rise {
  telemetry::Span span;
  double value = 0;
};

std::optional<Rise> rise_within(const Series& series, const telemetry::Span& window) {
  std::optional<std::size_t> first;
  Rise rise;
  for (std::size_t i = 0; i < series.ns.size(); ++i) {
    if (series.ns[i] < window.begin_ns || series.ns[i] > window.end_ns) continue;
    if (!first) {
      first = i;
      rise.span = {series.ns[i], series.ns[i]};
      continue;
    }
    double step = series.values[i] - series.values[i - 1];
    if (step < 0) step += series.domain.wraps_at.value_or(std::nan(""));
    rise.value += step;
    rise.span.end_ns = series.ns[i];
  }
  if (rise.span.seconds() <= 0 || !std::isfinite(rise.value)) return std::nullopt;
  return rise;
}

// Rises of all domains between two readings; NaN where one of them failed.
struct Rises {
  double seconds = 0;
  std::vector<double> values;
};

class TrafficPass {
 public:
  TrafficPass(protocol::Worker& worker, const TrafficPassOptions& options,
              std::vector<DomainRef> domains)
      : worker_(worker), options_(options), domains_(std::move(domains)) {}

  Result<Json> run(const std::vector<PhaseToRun>& phases);

 private:
  std::vector<telemetry::Reading> read() const;
  Status wait(double seconds) const;
  Rises between(const std::vector<telemetry::Reading>& before,
                const std::vector<telemetry::Reading>& after) const;
  Result<Json> measure(const PhaseToRun& phase, const Rises& idle);
  Json domains_json() const;

  protocol::Worker& worker_;
  const TrafficPassOptions& options_;
  std::vector<DomainRef> domains_;
};

std::vector<telemetry::Reading> TrafficPass::read() const {
  std::vector<telemetry::Reading> all;
  for (std::size_t i = 0; i < domains_.size();) {
    // Domains of a source lie together: one read for all of them.
    std::vector<std::size_t> indices;
    telemetry::Source* source = domains_[i].source;
    for (; i < domains_.size() && domains_[i].source == source; ++i) {
      indices.push_back(domains_[i].domain);
    }
    source->read(indices, all);
  }
  return all;
}

Status TrafficPass::wait(double seconds) const {
  if (sleep_for(seconds, options_.interrupt)) return {};
  return Error{ErrorClass::kInterrupted, "interrupted"};
}

Rises TrafficPass::between(const std::vector<telemetry::Reading>& before,
                           const std::vector<telemetry::Reading>& after) const {
  Rises rises;
  for (std::size_t i = 0; i < domains_.size(); ++i) {
    double value = std::numeric_limits<double>::quiet_NaN();
    if (i < before.size() && i < after.size()) {
      rises.seconds =
          std::max(rises.seconds, 1e-9 * static_cast<double>(after[i].ns - before[i].ns));
      value = after[i].value - before[i].value;
      if (value < 0) value += domains_[i]->wraps_at.value_or(std::nan(""));
    }
    rises.values.push_back(value);
  }
  return rises;
}

Result<Json> TrafficPass::measure(const PhaseToRun& phase, const Rises& idle) {
  std::vector<telemetry::Channel> channels;
  for (const DomainRef& domain : domains_) {
    channels.push_back({domain.source, domain.domain, kReadingInterval, std::nullopt, 0});
  }
  Json runs = Json::array();
  for (std::int64_t i = 0; i < options_.runs; ++i) {
    const double seconds = kLeadSeconds + options_.seconds;
    telemetry::Sampler sampler(channels, seconds + 2);
    const auto ran = run_phase(worker_, phase, "counters", seconds);
    const std::vector<Series> series = sampler.stop();
    if (!ran) return ran.error();
    telemetry::Span window = ran->span;
    window.begin_ns += static_cast<std::int64_t>(1e9 * kLeadSeconds);
    Json values = Json::object();
    double longest = 0;
    for (std::size_t d = 0; d < domains_.size(); ++d) {
      const auto rise = rise_within(series[d], window);
      values[domains_[d]->id] = nullptr;
      if (!rise) continue;
      const double calls = calls_within(ran->calls, rise->span).calls;
      const double at_rest = rise->span.seconds() * idle.values[d] / idle.seconds;
      const double per_call = (rise->value - at_rest) / calls;
      if (std::isfinite(per_call)) values[domains_[d]->id] = std::max(0.0, per_call);
      longest = std::max(longest, rise->span.seconds());
    }
    runs.push_back(
        {{"calls", ran->calls.size()}, {"seconds", longest}, {"values", std::move(values)}});
  }
  return Json{{"runs", std::move(runs)}};
}

Json TrafficPass::domains_json() const {
  Json list = Json::array();
  for (const DomainRef& domain : domains_) {
    list.push_back({{"id", domain->id},
                    {"kind", name_of(domain->kind)},
                    {"scope", domain->scope},
                    {"source", domain.source->name()}});
  }
  return list;
}

Result<Json> TrafficPass::run(const std::vector<PhaseToRun>& phases) {
  const HarnessMeter harness;
  // What ran before is still in a reading that is published late.
  RIDGELINE_CHECK(wait(kSettleSeconds));
  const auto before = read();
  RIDGELINE_CHECK(wait(kIdleSeconds));
  const Rises idle = between(before, read());
  Json idle_rates = Json::object();
  for (std::size_t d = 0; d < domains_.size(); ++d) {
    const double rate = idle.values[d] / idle.seconds;
    idle_rates[domains_[d]->id] = std::isfinite(rate) ? Json(rate) : Json(nullptr);
  }
  Json results = Json::object();
  for (const PhaseToRun& phase : phases) {
    RIDGELINE_TRY(results[phase.name], measure(phase, idle));
  }
  return Json{{"idle", std::move(idle_rates)},
              {"domains", domains_json()},
              {"phases", std::move(results)},
              {"harness", to_json(harness.elapsed())}};
}

}  // namespace

Result<Json> traffic_pass(protocol::Worker& worker, const std::vector<PhaseToRun>& phases,
                          const TrafficPassOptions& options) {
  std::vector<DomainRef> domains =
      telemetry::traffic_domains(options.instruments->sources(), options.device);
  const bool has_bytes = std::any_of(domains.begin(), domains.end(), [](const DomainRef& domain) {
    return domain->kind == telemetry::Kind::kTraffic && domain->scope == "dram";
  });
  const telemetry::Absence why =
      has_bytes ? telemetry::Absence()
                : options.instruments->why_absent(telemetry::Kind::kTraffic, options.device);
  const Json reason = {{"reason", why.reason}, {"enable", why.enable}};
  if (domains.empty()) return reason;
  RIDGELINE_TRY(Json traffic, TrafficPass(worker, options, std::move(domains)).run(phases));
  if (!has_bytes) traffic["dram"] = reason;
  return traffic;
}

}  // namespace ridgeline::measure
