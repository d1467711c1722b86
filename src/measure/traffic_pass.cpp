// Reading counters around runs.
#include "measure/traffic_pass.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

#include "measure/harness.hpp"
#include "telemetry/null_source.hpp"
#include "telemetry/recorder.hpp"

namespace ridgeline::measure {
namespace {

using telemetry::DomainRef;
using telemetry::Series;

// NVML's samples are refreshed every 100 ms: what happened since is not in them.
constexpr double kPublicationSeconds = 0.15;
constexpr double kIdleSeconds = 1;

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
  Json runs = Json::array();
  for (std::int64_t i = 0; i < options_.runs; ++i) {
    RIDGELINE_CHECK(wait(kPublicationSeconds));
    const auto before = read();
    RIDGELINE_TRY(const PhaseRun ran, run_phase(worker_, phase, "counters", options_.seconds));
    RIDGELINE_CHECK(wait(kPublicationSeconds));
    const Rises rises = between(before, read());
    const auto calls = static_cast<double>(ran.calls.size());
    Json values = Json::object();
    for (std::size_t d = 0; d < domains_.size(); ++d) {
      const double at_rest = rises.seconds * idle.values[d] / idle.seconds;
      const double per_call = (rises.values[d] - at_rest) / calls;
      values[domains_[d]->id] =
          std::isfinite(per_call) ? Json(std::max(0.0, per_call)) : Json(nullptr);
    }
    runs.push_back({{"calls", ran.calls.size()},
                    {"seconds", ran.span.seconds()},
                    {"values", std::move(values)}});
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
  const bool any = std::any_of(domains.begin(), domains.end(), [](const DomainRef& domain) {
    return domain->kind == telemetry::Kind::kTraffic;
  });
  if (!any) {
    const telemetry::Absence why =
        options.instruments->why_absent(telemetry::Kind::kTraffic, options.device);
    return Json{{"reason", why.reason}, {"enable", why.enable}};
  }
  return TrafficPass(worker, options, std::move(domains)).run(phases);
}

}  // namespace ridgeline::measure
