// Which domains measure the same thing, and which of them make up the energy of the work.
#include "telemetry/meter.hpp"

#include <algorithm>
#include <array>
#include <set>
#include <string_view>

namespace ridgeline::telemetry {
namespace {

template <typename Wanted>
std::vector<DomainRef> select(const Sources& sources, const Wanted& wanted) {
  std::vector<DomainRef> found;
  for (const auto& source : sources) {
    const auto& domains = source->probe().domains;
    for (std::size_t i = 0; i < domains.size(); ++i) {
      if (wanted(domains[i])) found.push_back({source.get(), i});
    }
  }
  return found;
}

bool is_averaged(const Domain& domain) {
  return domain.id.ends_with(".average") || domain.note.find("average") != std::string::npos;
}

bool same_boundary(const Domain& counter, const Domain& power) {
  if (counter.device != power.device || counter.scope != power.scope) return false;
  return !counter.device.empty() || power.id.starts_with(counter.id);
}

std::optional<DomainRef> power_beside(const Domain& counter, const std::vector<DomainRef>& powers) {
  std::optional<DomainRef> best;
  for (const DomainRef& power : powers) {
    if (!same_boundary(counter, *power)) continue;
    if (!best || (is_averaged(**best) && !is_averaged(*power))) best = power;
  }
  return best;
}

void mark_primary(std::vector<Meter>& meters, const std::string& device) {
  // A boundary is one row of scopes; the first that any meter has is taken.
  using Row = std::vector<std::string_view>;
  const std::vector<Row> rows = device.empty()
                                    ? std::vector<Row>{{"package", "dram"}, {"node"}, {"psys"}}
                                    : std::vector<Row>{{"board"}, {"module"}, {"gpu"}};
  for (const Row& row : rows) {
    bool any = false;
    for (Meter& meter : meters) {
      const bool inside = std::find(row.begin(), row.end(), meter.scope) != row.end();
      // DRAM alone is not the energy of the work.
      meter.is_primary = meter.device == device && inside;
      any = any || (meter.is_primary && meter.scope == row.front());
    }
    if (any) return;
  }
  for (Meter& meter : meters) meter.is_primary = false;
}

}  // namespace

std::vector<Meter> meters_of(const Sources& sources, const std::string& device) {
  const auto mine = [&](const Domain& domain, Kind kind) {
    return domain.kind == kind && (domain.device.empty() || domain.device == device);
  };
  const auto counters =
      select(sources, [&](const Domain& domain) { return mine(domain, Kind::kEnergy); });
  const auto powers =
      select(sources, [&](const Domain& domain) { return mine(domain, Kind::kPower); });
  std::vector<Meter> meters;
  std::set<std::string> seen;
  std::set<const Domain*> used;
  for (const DomainRef& counter : counters) {
    if (!seen.insert(counter->id).second) continue;
    Meter meter{counter->id, counter->scope, counter->device, counter, std::nullopt, false};
    meter.power = power_beside(*counter, powers);
    for (const DomainRef& power : powers) {
      if (same_boundary(*counter, *power)) used.insert(&*power);
    }
    meters.push_back(std::move(meter));
  }
  for (const DomainRef& power : powers) {
    if (used.contains(&*power)) continue;
    const auto same = std::find_if(meters.begin(), meters.end(), [&](const Meter& meter) {
      return !meter.counter && meter.device == power->device && meter.scope == power->scope &&
             !power->device.empty();
    });
    if (same == meters.end()) {
      if (!seen.insert(power->id).second) continue;
      meters.push_back({power->id, power->scope, power->device, std::nullopt, power, false});
    } else if (is_averaged(**same->power) && !is_averaged(*power)) {
      same->power = power;
      same->id = power->id;
    }
  }
  mark_primary(meters, device);
  return meters;
}

std::string boundary_name(const std::vector<Meter>& meters) {
  struct Name {
    std::string_view scope;
    bool host;
    std::string_view name;
  };
  constexpr std::array kNames = {
      Name{"board", false, "GPU board"},
      Name{"module", false, "GPU module"},
      Name{"gpu", false, "GPU"},
      Name{"package", true, "CPU packages"},
      Name{"dram", true, "DRAM"},
      Name{"node", true, "whole node"},
      Name{"psys", true, "platform (psys)"},
  };
  std::string name;
  for (const Name& row : kNames) {
    const bool any = std::any_of(meters.begin(), meters.end(), [&](const Meter& meter) {
      return meter.is_primary && meter.scope == row.scope && meter.device.empty() == row.host;
    });
    if (!any) continue;
    if (!name.empty()) name += " and ";
    name += row.name;
  }
  return name;
}

std::vector<DomainRef> state_domains(const Sources& sources, const std::string& device) {
  return select(sources, [&](const Domain& domain) {
    const bool state = domain.kind == Kind::kTemperature || domain.kind == Kind::kClock ||
                       domain.kind == Kind::kThrottleTime;
    return state && domain.device == device;
  });
}

std::vector<DomainRef> traffic_domains(const Sources& sources, const std::string& device) {
  return select(sources, [&](const Domain& domain) {
    const bool traffic = domain.kind == Kind::kTraffic || domain.kind == Kind::kActivity ||
                         domain.kind == Kind::kEvents;
    return traffic && domain.device == device;
  });
}

}  // namespace ridgeline::telemetry
