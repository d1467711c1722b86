// Chooses the reason that helps most among those that sources give.
#include "telemetry/null_source.hpp"

#include <fmt/format.h>

#include <array>
#include <limits>
#include <utility>

#include "telemetry/absence.hpp"
#include "telemetry/sources.hpp"

namespace ridgeline::telemetry {
namespace {

using Sources = std::vector<std::unique_ptr<Source>>;

constexpr std::array kKinds = {Kind::kEnergy, Kind::kPower, Kind::kTraffic};

// The first of the best rank: sources stand in order of preference. Reasons about the whole host go
// before those about one device, and those about one scope come last.
const Absence* best_absence(Kind kind, const Sources& sources) {
  const Absence* best = nullptr;
  int best_rank = std::numeric_limits<int>::max();
  for (const auto& source : sources) {
    for (const Absence& absence : source->probe().absences) {
      if (absence.kind != kind) continue;
      const int special = (absence.scope.empty() ? 0 : 2) + (absence.device.empty() ? 0 : 1);
      const int rank = 4 * rank_of(absence) + special;
      if (rank >= best_rank) continue;
      best = &absence;
      best_rank = rank;
    }
  }
  return best;
}

std::string_view reader_of(Kind kind, const Sources& sources) {
  for (const auto& source : sources) {
    for (const Domain& domain : source->probe().domains) {
      if (domain.kind == kind) return source->name();
    }
  }
  return {};
}

Sources host_sources(const std::string& root) {
  Environment environment;
  environment.root = root;
  Sources sources;
  for (const auto open :
       {open_perf_power, open_rapl, open_hwmon, open_cpufreq, open_perf_uncore, open_perf_cpu}) {
    sources.push_back(open(environment));
  }
  return sources;
}

class NullSource final : public Source {
 public:
  explicit NullSource(const std::string& root) {
    const Sources sources = host_sources(root);
    for (const Kind kind : kKinds) {
      const std::string_view reader = reader_of(kind, sources);
      probe_.absences.push_back(
          reader.empty() ? absent_reason(kind, sources)
                         : Absence{kind, fmt::format("left out: {} reads it here", reader)});
    }
  }
  std::string_view name() const override { return "null"; }
  const Probe& probe() const override { return probe_; }
  void read(std::span<const std::size_t> domains, std::vector<Reading>& readings) override {
    for (const std::size_t index : domains) {
      readings.push_back({index, 0, std::numeric_limits<double>::quiet_NaN()});
    }
  }

 private:
  Probe probe_;
};

}  // namespace

Absence absent_reason(Kind kind, const Sources& sources, const std::string& root) {
  if (sources.empty()) {
    const Sources host = host_sources(root);
    const std::string_view reader = reader_of(kind, host);
    if (!reader.empty()) return {kind, fmt::format("left out: {} reads it here", reader)};
    return absent_reason(kind, host, root);
  }
  if (const std::string_view reader = reader_of(kind, sources); !reader.empty()) {
    return {kind, fmt::format("{} gave no value", reader)};
  }
  const Absence* best = best_absence(kind, sources);
  // Power is also the slope of energy, so what stands in the way of energy may explain more.
  if (kind == Kind::kPower && reader_of(Kind::kEnergy, sources).empty()) {
    const Absence* energy = best_absence(Kind::kEnergy, sources);
    const bool tells_more =
        energy != nullptr && (best == nullptr || rank_of(*energy) < rank_of(*best));
    if (tells_more) best = energy;
  }
  if (best == nullptr) return {kind, fmt::format("no source reads {} here", name_of(kind))};
  Absence absence = *best;
  absence.kind = kind;
  return absence;
}

std::unique_ptr<Source> null_source(const std::string& root) {
  return std::make_unique<NullSource>(root);
}

}  // namespace ridgeline::telemetry
