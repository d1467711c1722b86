// Ops summed by class.
#include "analysis/op_classes.hpp"

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>

#include "analysis/limit_words.hpp"
#include "base/json_values.hpp"

namespace ridgeline::analysis {
namespace {

struct Sum {
  OpClass entry;
  double compute = 0;
  double memory = 0;
  double bound = 0;
  bool is_known = true;
};

// Seconds of a call by class, of phases[].ops.
std::map<std::string, double> traced_by_class(const PhaseFacts& phase) {
  std::map<std::string, double> seconds;
  if (phase.phase == nullptr) return seconds;
  const Json& ops = entry_of(entry_of(*phase.phase, "ops"), "ops");
  if (!ops.is_array()) return seconds;
  for (const Json& op : ops) {
    const double spent = amount_in(op, "seconds");
    if (spent > 0) seconds[short_words(text_in(op, "class"))] += spent;
  }
  return seconds;
}

}  // namespace

std::optional<double> traced_seconds(const PhaseFacts& phase) {
  double sum = 0;
  for (const auto& [name, seconds] : traced_by_class(phase)) sum += seconds;
  return sum > 0 ? std::optional(sum) : std::nullopt;
}

std::vector<OpClass> op_classes_of(const CaseFacts& facts, const PhaseFacts& phase,
                                   const Roofline& roofline) {
  const OpRates rates(facts, phase.cost, roofline);
  std::map<std::string, Sum> sums;
  for (const OpCost& op : phase.cost.ops) {
    Sum& sum = sums[op.op_class];
    sum.entry.flops += op.flops;
    sum.entry.bytes += op.bytes();
    const BoundTimes times = rates.times(op);
    if (!times.bound()) {
      sum.is_known = false;
      continue;
    }
    sum.bound += *times.bound();
    (*times.compute > *times.memory ? sum.compute : sum.memory) += *times.bound();
  }
  const auto traced = traced_by_class(phase);
  for (const auto& [name, seconds] : traced) sums[name].entry.seconds = seconds;

  std::vector<OpClass> classes;
  for (auto& [name, sum] : sums) {
    OpClass& entry = sum.entry;
    entry.name = name;
    if (sum.is_known && sum.bound > 0) {
      entry.bound_seconds = sum.bound;
      entry.limit = sum.compute > sum.memory ? "compute" : "memory";
    }
    if (entry.seconds) {
      if (entry.flops > 0) entry.flops_rate = entry.flops / *entry.seconds;
      if (entry.bytes > 0) entry.bytes_rate = entry.bytes / *entry.seconds;
    }
    classes.push_back(std::move(entry));
  }
  std::stable_sort(classes.begin(), classes.end(), [](const OpClass& a, const OpClass& b) {
    return a.bound_seconds.value_or(0) > b.bound_seconds.value_or(0);
  });
  return classes;
}

}  // namespace ridgeline::analysis
