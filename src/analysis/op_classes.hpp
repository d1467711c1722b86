// The op classes of a phase: what each costs, the least time that the ceilings allow, and the time
// that a trace found.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "analysis/roofline.hpp"

namespace ridgeline::analysis {

struct OpClass {
  std::string name;  ///< "matmul"
  double flops = 0;
  double bytes = 0;                     ///< every read and write of its ops
  std::optional<double> bound_seconds;  ///< of a call of the phase, modelled
  std::string limit;                    ///< "compute" or "memory"; empty without a bound
  std::optional<double> seconds;        ///< of a call of the phase, from a trace
  std::optional<double> flops_rate;     ///< with `seconds`
  std::optional<double> bytes_rate;     ///< with `seconds`
};

/// In the order of their bounds, the largest first; classes that only the trace knows last.
std::vector<OpClass> op_classes_of(const CaseFacts& facts, const PhaseFacts& phase,
                                   const Roofline& roofline);

/// Seconds of all ops in one traced call; nothing without a trace.
std::optional<double> traced_seconds(const PhaseFacts& phase);

}  // namespace ridgeline::analysis
