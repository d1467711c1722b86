// From the energy and traffic passes of a case to the metrics of a phase.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "base/json.hpp"
#include "results/record.hpp"

namespace ridgeline::measure {

/// A phase as its metrics need it.
struct PhaseFacts {
  std::string name;
  std::vector<std::pair<std::string, double>> items;  ///< of a call, by unit
  const Json* cost = nullptr;                         ///< of the phase; null when unknown
};

/// Appends, of one call: `energy.gross`, `energy.net` (less the power of the machine with the model
/// loaded and idle), and of each unit `energy_per_<unit>.gross` and `.net`, `<unit>_per_joule` and
/// `throughput_per_watt.<unit>`; `power.mean`, `power.peak`, `power.idle`, `power.cold_idle`, and
/// `flops_per_joule`. What `energy` (facts.energy) lacks is null with its reason. Intervals are t
/// intervals over trials; `quantisation` is the mean bound of the trials, `systematic` the largest
/// of the primary meters' sources. Rates come from `metrics`, which must hold `latency`,
/// `throughput.<unit>` and may hold `flops_rate`.
void add_energy(const Json& energy, const PhaseFacts& phase, results::Metrics& metrics);

/// Appends, of one call: `traffic.dram` (counted, else the bytes of the cost model, whose source
/// says so), `traffic.pcie_rx` …, `activity.<unit>`, `events.instructions`, `bandwidth.dram`
/// (counted bytes over the latency; null without counters) and `traffic.dram.over_model`.
void add_traffic(const Json& traffic, const PhaseFacts& phase, results::Metrics& metrics);

/// What the energy pass says against its own numbers: "sensor_disagrees" (a counter and integrated
/// power of one boundary differ too much), "counter_reset", and flags of clocks, heat and throttle
/// time within its windows.
std::vector<results::Flag> energy_flags(const Json& energy);

/// The parts of facts.energy and facts.traffic that belong to one phase, as its record keeps them;
/// null where that pass did not run.
Json energy_of_phase(const Json& energy, const std::string& phase);
Json traffic_of_phase(const Json& traffic, const std::string& phase);

}  // namespace ridgeline::measure
