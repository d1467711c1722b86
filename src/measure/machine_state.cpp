// Two readings and their difference.
#include "measure/machine_state.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/clock.hpp"
#include "measure/window_flags.hpp"

namespace ridgeline::measure {
namespace {

// The cause of a throttle-time domain, the scope; its device or "CPU".
struct Throttled {
  std::map<std::string, double> seconds;  // by cause
  double window = 0;
};

std::string what_of(const Json& domain) {
  const std::string device = domain.value("device", "");
  return device.empty() ? "CPU" : device;
}

// The worst flag of an id on each device.
class Worst {
 public:
  void add(const std::string& what, results::Flag flag) {
    const auto [place, is_new] = flags_.try_emplace({what, flag.id}, flag);
    if (!is_new && flag.severity > place->second.severity) place->second = std::move(flag);
  }
  std::vector<results::Flag> take() const {
    std::vector<results::Flag> flags;
    for (const auto& [key, flag] : flags_) flags.push_back(flag);
    return flags;
  }

 private:
  std::map<std::pair<std::string, std::string>, results::Flag> flags_;
};

}  // namespace

StateWindow::StateWindow(std::vector<telemetry::DomainRef> domains)
    : domains_(std::move(domains)), before_(read()), begin_ns_(now_ns()) {}

std::vector<double> StateWindow::read() const {
  std::vector<double> values(domains_.size(), std::numeric_limits<double>::quiet_NaN());
  std::vector<telemetry::Reading> readings;
  for (std::size_t i = 0; i < domains_.size(); ++i) {
    readings.clear();
    const std::size_t index[] = {domains_[i].domain};
    domains_[i].source->read(index, readings);
    if (!readings.empty()) values[i] = readings.front().value;
  }
  return values;
}

Json StateWindow::close() const {
  const std::vector<double> after = read();
  Json domains = Json::object();
  for (std::size_t i = 0; i < domains_.size(); ++i) {
    if (!std::isfinite(before_[i]) || !std::isfinite(after[i])) continue;
    const telemetry::Domain& domain = *domains_[i];
    const bool grows = is_cumulative(domain.kind);
    domains[domain.id] = {{"kind", name_of(domain.kind)},
                          {"scope", domain.scope},
                          {"device", domain.device},
                          {"start", grows ? 0.0 : before_[i]},
                          {"end", grows ? std::max(0.0, after[i] - before_[i]) : after[i]}};
  }
  return {{"seconds", 1e-9 * static_cast<double>(now_ns() - begin_ns_)},
          {"domains", std::move(domains)}};
}

std::vector<results::Flag> state_flags(const std::vector<Json>& states) {
  std::map<std::string, Throttled> throttled;  // by device
  Worst worst;
  for (const Json& state : states) {
    if (!state.is_object()) continue;
    const double seconds = state.value("seconds", 0.0);
    std::map<std::string, bool> counted;
    const Json domains = state.value("domains", Json::object());
    for (const auto& [id, domain] : domains.items()) {
      const std::string kind = domain.value("kind", "");
      const std::string what = what_of(domain);
      const double start = domain.value("start", 0.0);
      const double end = domain.value("end", 0.0);
      if (kind == "throttle_time") {
        Throttled& one = throttled[what];
        one.seconds[domain.value("scope", "")] += end;
        if (!counted[what]) one.window += seconds;
        counted[what] = true;
      } else if (kind == "temperature") {
        if (auto flag = temperature_drift(what, start, end)) worst.add(what, std::move(*flag));
      } else if (kind == "clock") {
        if (auto flag = check_clock(what, start, end)) worst.add(what, std::move(*flag));
      }
    }
  }
  for (const auto& [what, one] : throttled) {
    const std::vector<std::pair<std::string, double>> causes(one.seconds.begin(),
                                                             one.seconds.end());
    for (results::Flag& flag : throttle_flags(what, causes, one.window)) {
      worst.add(what, std::move(flag));
    }
  }
  return worst.take();
}

}  // namespace ridgeline::measure
