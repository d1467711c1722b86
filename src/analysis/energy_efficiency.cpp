// Joules allowed over joules taken.
#include "analysis/energy_efficiency.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace ridgeline::analysis {
namespace {

constexpr const char* kFormula =
    "score = bound joules / attained joules of a call; bound joules = max(bytes * P_read / R_read, "
    "sum over dtypes of FLOP * P_gemm / R_gemm), with the power P and the median rate R of the "
    "ceiling's own steady load; attained joules: energy.gross, idle power included";

struct Joules {
  std::optional<double> value;
  std::string reason;
};

// Joules of a unit of work at a ceiling.
Joules each_at(const CaseFacts& facts, const std::string& id, double amount) {
  if (amount <= 0) return {0.0, {}};
  const CeilingFact* ceiling = facts.ceiling(id);
  if (ceiling == nullptr) {
    return {std::nullopt, fmt::format("the record has no measured ceiling {}", id)};
  }
  if (!ceiling->power) {
    return {std::nullopt,
            fmt::format("the power at the ceiling {} was not measured; `ridgeline peaks --power "
                        "--device {}` measures it",
                        id, facts.device)};
  }
  return {amount * *ceiling->power / *ceiling->steady(), {}};
}

Joules of_arithmetic(const CaseFacts& facts, const PhaseFacts& phase, const Roofline& roofline) {
  double counted = 0;
  Joules sum{0.0, {}};
  for (const OpCost& op : phase.cost.ops) {
    if (op.flops <= 0) continue;
    const Joules one = each_at(facts, "gemm." + op.dtype, op.flops);
    if (!one.value) return one;
    *sum.value += *one.value;
    counted += op.flops;
  }
  if (counted > 0) return sum;
  return each_at(facts, "gemm." + roofline.measured.dtype, *roofline.flops);
}

}  // namespace

EnergyEfficiency energy_efficiency_of(const CaseFacts& facts, const PhaseFacts& phase,
                                      const Roofline& roofline) {
  EnergyEfficiency result;
  result.formula = kFormula;
  result.attained_joules = phase.metric("energy.gross");
  if (!roofline.flops || !roofline.bytes) {
    result.reason = phase.cost.reason.empty() ? "FLOPs and bytes of this phase are not known"
                                              : phase.cost.reason;
    return result;
  }
  const std::string read =
      roofline.measured.level == "memory" ? "read" : "read." + roofline.measured.level;
  const Joules bytes = each_at(facts, read, *roofline.bytes);
  const Joules flops = of_arithmetic(facts, phase, roofline);
  if (bytes.value && flops.value) {
    result.bound_joules = std::max(*bytes.value, *flops.value);
  } else {
    result.reason = bytes.value ? flops.reason : bytes.reason;
  }
  if (!result.attained_joules) {
    const std::string why = phase.reason_of("energy.gross");
    result.reason = why.empty() ? "the record has no energy of this phase"
                                : fmt::format("no energy was measured: {}", why);
    return result;
  }
  if (!result.bound_joules) return result;
  if (*result.bound_joules <= 0) {
    result.reason = "the phase has no FLOPs and no bytes";
    return result;
  }
  result.score = *result.bound_joules / *result.attained_joules;
  return result;
}

}  // namespace ridgeline::analysis
