// How close a phase is to what the machine can do: MFU and MBU against measured and datasheet
// limits.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/json.hpp"
#include "machine/ceilings.hpp"
#include "machine/datasheet.hpp"
#include "machine/machine.hpp"
#include "measure/configuration.hpp"
#include "results/metric.hpp"
#include "results/record.hpp"

namespace ridgeline::measure {

/// What a session knows of the machine's limits; read once, before anything is timed.
struct MachineLimits {
  machine::Machine machine;
  machine::Ceilings ceilings;  ///< no sets: none were measured
  std::string reason = {};     ///< why the file of ceilings cannot be used
  std::string enable = {};
};

/// Reads the ceilings that `ridgeline peaks` left for this machine. Never fails: what is wrong with
/// the file is the reason why metrics have no value.
MachineLimits read_limits(const machine::Machine& machine);

/// "0.1.0 (torch 2.13.0)": an engine's version with those of its libraries, of a hello or of
/// record.engine. Ceilings measured with another one are not those of this engine.
std::string engine_version(const Json& engine);

/// The ceilings that were measured as the configuration runs: on its device and, on the CPU, with
/// its threads and cores; by its own engine, else by "native". Null with the reason and the exact
/// command that measures them.
struct ChosenCeilings {
  const machine::CeilingSet* set = nullptr;
  std::string reason;
  std::string enable;
};
ChosenCeilings choose_ceilings(const MachineLimits& limits, const Configuration& configuration,
                               const Json& engine);

/// The vendor's limits of the device that the configuration runs on; `set`: its ceilings, which
/// know what the engine calls it, or null.
machine::Datasheet datasheet_for(const MachineLimits& limits, const Configuration& configuration,
                                 const machine::CeilingSet* set);

/// record.ceilings: {"measured": the chosen set or null, "reason","enable": why none, "datasheet"}.
/// `engine` is record.engine, null when no worker said what it is.
Json ceilings_json(const MachineLimits& limits, const Configuration& configuration,
                   const Json& engine);

/// Why a phase has no FLOPs or bytes: the `reason` that stands in place of its cost, or that its
/// engine stated none.
std::string why_no_cost(const Json& cost);

/// A phase as add_efficiency() needs it.
struct PhaseWork {
  std::string phase;
  /// Of the phase: "flops", "bytes", "ops" with "dtype" and "flops"; or the "reason" of having
  /// none.
  const Json* cost = nullptr;
  const results::Metric* latency = nullptr;
  const Configuration* configuration = nullptr;
  const Json* engine = nullptr;  ///< record.engine
  const MachineLimits* limits = nullptr;
};

/// Appends, each with a value or its reason:
///   ceiling.flops_rate, datasheet.flops_rate   FLOP/s that matrix products can reach: of several
///                                              dtypes the mean that their FLOPs would see
///   ceiling.bytes_rate, datasheet.bytes_rate   B/s: measured read of memory; the vendor's
///   mfu, mfu.datasheet                         cost.flops / (latency · flops_rate)
///   mbu, mbu.datasheet                         cost.bytes / (latency · bytes_rate)
/// Returns flags for shares above 1.05, with what explains them.
std::vector<results::Flag> add_efficiency(const PhaseWork& work, results::Metrics& metrics);

}  // namespace ridgeline::measure
