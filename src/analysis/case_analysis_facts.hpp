// What an analysis needs of a record, read once and checked: what is missing, of a wrong type or
// absurd is simply not there.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.hpp"

namespace ridgeline::analysis {

/// One op of a phase's cost: sums over its calls.
struct OpCost {
  std::string op_class;  ///< "matmul", "attention", "elementwise", …
  std::string dtype;     ///< of its arithmetic
  double calls = 1;
  double flops = 0;
  double weights = 0;  ///< B of parameters, once for every call
  double read = 0;     ///< B of operands, cache included
  double written = 0;  ///< B

  double bytes() const { return weights + read + written; }
};

/// record.cost of a phase; all of it modelled.
struct PhaseCost {
  std::optional<double> flops;
  std::optional<double> bytes;  ///< that must move: weights, cache, inputs and outputs once
  double weights = 0;           ///< of it
  double cache = 0;             ///< of it
  std::vector<OpCost> ops;
  std::string reason;  ///< why there are no FLOPs and bytes

  double op_weights() const;  ///< over all calls of all ops
  double calls() const;       ///< of ops
};

/// One of record.ceilings.measured.ceilings.
struct CeilingFact {
  std::string id;     ///< "read", "read.l3", "gemm.bfloat16", "launch"
  std::string level;  ///< "l1", "l2", "l3", "memory"
  std::optional<double> value;
  std::optional<double> median;
  std::optional<double> capacity;  ///< B
  std::optional<double> power;     ///< W while it was measured

  /// What it keeps up: the median, else the best.
  std::optional<double> steady() const { return median ? median : value; }
};

/// One of record.optimizations.
struct KnobFact {
  std::string id;
  std::string value;
  std::string reason;
  bool requested = false;
  bool applied = false;

  bool is_on() const;
  /// Off, though nothing speaks against it: nobody asked, or it is off by default.
  bool could_be_on() const;
  bool is_refused() const { return requested && !applied; }
};

/// What an accelerator's driver says.
struct DeviceFact {
  std::string address;
  std::optional<double> memory;  ///< B
  std::optional<double> power_limit;
  std::optional<double> power_limit_default;
  std::optional<double> clock_best;  ///< Hz
};

/// A phase of the case.
struct PhaseFacts {
  std::string name;
  const Json* phase = nullptr;    ///< its element of record.phases
  std::optional<double> latency;  ///< s
  std::optional<double> device;   ///< s, latency.device
  std::optional<double> host;     ///< s, latency.host
  bool waits_within = false;      ///< the host waits for tokens inside a call
  double items = 1;               ///< of its unit, a call
  std::string item;               ///< the unit
  PhaseCost cost;

  /// A metric of the phase that is above 0.
  std::optional<double> metric(std::string_view key) const;
  /// Why a metric has no value, and what would give it one.
  std::string reason_of(std::string_view key) const;
  std::string enable_of(std::string_view key) const;
};

struct CaseFacts {
  const Json* record = nullptr;
  std::string device;  ///< "cpu", "cuda:0"
  std::string engine;  ///< "native", "transformers"
  std::string mode;    ///< of it: "eager", "compile"
  std::string dtype;
  std::string status;
  std::string error_class;
  double batch = 1;
  std::optional<double> context;  ///< tokens that the cache has room for
  std::optional<double> new_tokens;
  std::vector<PhaseFacts> phases;
  std::vector<CeilingFact> ceilings;
  std::string ceilings_reason;
  std::string ceilings_enable;
  std::vector<KnobFact> knobs;
  std::optional<DeviceFact> accelerator;
  std::optional<double> cores;  ///< physical ones of the machine
  std::string disturbance;      ///< detail of a flag: other work ran beside this; empty: none seen

  bool is_cpu() const { return device == "cpu"; }
  const CeilingFact* ceiling(std::string_view id) const;
  const KnobFact* knob(std::string_view id) const;
  const PhaseFacts* phase(std::string_view name) const;
};

/// Never fails; `record` must outlive the result.
CaseFacts read_facts(const Json& record);

/// A member that is a number above 0 and of a size that a machine can have.
std::optional<double> positive_in(const Json& object, std::string_view key);

/// The same, 0 included; 0 where it is missing.
double amount_in(const Json& object, std::string_view key);

/// record.cost.<phase>, also of a phase that was not measured.
PhaseCost read_cost(const Json& cost);

}  // namespace ridgeline::analysis
