// Ceilings and bound times.
#include "analysis/roofline.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <functional>
#include <map>
#include <nlohmann/json.hpp>

#include "base/json_values.hpp"

namespace ridgeline::analysis {
namespace {

// Ledgers count a tied or looked-up weight in their own way; real steps read all of them again.
constexpr double kSeveralSteps = 1.5;

constexpr std::array<std::string_view, 3> kCacheReads = {"read.l1", "read.l2", "read.l3"};

// The smallest measured cache that holds so many bytes.
const CeilingFact* holding_cache(const CaseFacts& facts, double bytes) {
  for (const std::string_view id : kCacheReads) {
    const CeilingFact* cache = facts.ceiling(id);
    if (cache != nullptr && cache->capacity && bytes <= *cache->capacity) return cache;
  }
  return nullptr;
}

double largest_cache(const CaseFacts& facts) {
  double largest = facts.is_cpu() ? 0 : kAcceleratorCache;
  for (const std::string_view id : kCacheReads) {
    const CeilingFact* cache = facts.ceiling(id);
    if (cache != nullptr) largest = std::max(largest, cache->capacity.value_or(0));
  }
  return largest;
}

// Bytes that must move: a call of several steps (a generation) reads weights that no cache holds
// once in each of them.
void count_bytes(const CaseFacts& facts, const PhaseCost& cost, Roofline& roofline) {
  roofline.flops = cost.flops;
  roofline.bytes = cost.bytes;
  const double again = cost.op_weights();
  if (!cost.bytes || cost.weights <= largest_cache(facts)) return;
  if (again < kSeveralSteps * cost.weights) return;
  roofline.weights_again = true;
  roofline.bytes = *cost.bytes - std::min(cost.weights, *cost.bytes) + again;
}

std::map<std::string, double> flops_by_dtype(const CaseFacts& facts, const PhaseCost& cost) {
  std::map<std::string, double> flops;
  for (const OpCost& op : cost.ops) {
    if (op.flops > 0) flops[op.dtype] += op.flops;
  }
  if (flops.empty()) flops[facts.dtype] = 1;
  return flops;
}

// The rate at which the FLOPs of all dtypes are done, each at its own; nothing when one is missing.
std::optional<double> combined(
    const std::map<std::string, double>& flops,
    const std::function<std::optional<double>(const std::string&)>& rate_of) {
  double total = 0;
  double seconds = 0;
  for (const auto& [dtype, count] : flops) {
    const auto rate = rate_of(dtype);
    if (!rate) return std::nullopt;
    total += count;
    seconds += count / *rate;
  }
  return seconds > 0 ? std::optional(total / seconds) : std::nullopt;
}

std::optional<double> gemm_rate(const CaseFacts& facts, const std::string& dtype, bool steady) {
  const CeilingFact* gemm = facts.ceiling("gemm." + dtype);
  if (gemm == nullptr) return std::nullopt;
  return steady ? gemm->steady() : gemm->value;
}

std::string first_of(std::string a, std::string b) {
  return a.empty() ? std::move(b) : std::move(a);
}

// What measures ceilings as the case ran, where the record does not say it.
std::string peaks_command(const CaseFacts& facts) {
  return "ridgeline peaks" + (facts.device.empty() ? "" : " --device " + facts.device);
}

Roof measured_roof(const CaseFacts& facts, const PhaseFacts& phase, const Roofline& roofline,
                   const std::map<std::string, double>& flops) {
  Roof roof;
  roof.kind = "measured";
  roof.level = "memory";
  roof.flops_rate = phase.metric("ceiling.flops_rate");
  if (!roof.flops_rate) {
    roof.flops_rate =
        combined(flops, [&](const std::string& dtype) { return gemm_rate(facts, dtype, false); });
  }
  roof.bytes_rate = phase.metric("ceiling.bytes_rate");
  const CeilingFact* read = facts.ceiling("read");
  if (!roof.bytes_rate && read != nullptr) roof.bytes_rate = read->value;
  const CeilingFact* cache = roofline.bytes ? holding_cache(facts, *roofline.bytes) : nullptr;
  if (cache != nullptr && facts.is_cpu()) {
    roof.bytes_rate = cache->value;
    roof.level = cache->level.empty() ? cache->id.substr(5) : cache->level;
  }
  if (roof.flops_rate && roof.bytes_rate) return roof;
  const char* missing = roof.flops_rate ? "ceiling.bytes_rate" : "ceiling.flops_rate";
  roof.reason = first_of(first_of(phase.reason_of(missing), facts.ceilings_reason),
                         "the record has no measured ceilings");
  roof.enable =
      first_of(first_of(phase.enable_of(missing), facts.ceilings_enable), peaks_command(facts));
  return roof;
}

Roof datasheet_roof(const CaseFacts& facts, const PhaseFacts& phase, const Roof& measured,
                    const std::map<std::string, double>& flops) {
  const Json& sheet = entry_of(entry_of(*facts.record, "ceilings"), "datasheet");
  const Json& rates = entry_of(sheet, "rates");
  Roof roof;
  roof.kind = "datasheet";
  roof.level = "memory";
  roof.flops_rate = phase.metric("datasheet.flops_rate");
  if (!roof.flops_rate) {
    roof.flops_rate = combined(flops, [&](const std::string& dtype) {
      return positive_in(entry_of(rates, dtype), "value");
    });
  }
  roof.bytes_rate = phase.metric("datasheet.bytes_rate");
  if (!roof.bytes_rate) roof.bytes_rate = positive_in(entry_of(sheet, "bandwidth"), "value");
  if (measured.level != "memory") {
    roof.level = measured.level;
    roof.bytes_rate.reset();
    roof.reason = "no vendor states the rate of a cache, which holds all bytes of a call";
  }
  if (roof.flops_rate && roof.bytes_rate) return roof;
  const char* missing = roof.flops_rate ? "datasheet.bytes_rate" : "datasheet.flops_rate";
  roof.reason = first_of(first_of(std::move(roof.reason), phase.reason_of(missing)),
                         "the hardware table has no figure for this device and dtype");
  return roof;
}

BoundTimes times_of(const std::optional<double>& flops, const std::optional<double>& bytes,
                    const std::optional<double>& flops_rate,
                    const std::optional<double>& bytes_rate) {
  BoundTimes times;
  // Nothing to do takes no time at any rate.
  if (flops && *flops == 0) times.compute = 0;
  if (bytes && *bytes == 0) times.memory = 0;
  if (flops && flops_rate) times.compute = *flops / *flops_rate;
  if (bytes && bytes_rate) times.memory = *bytes / *bytes_rate;
  return times;
}

// Times at the rates that are kept up, which under a power limit are lower than the best ones.
BoundTimes steady_times(const CaseFacts& facts, const Roofline& roofline,
                        const std::map<std::string, double>& flops) {
  const auto flops_rate =
      combined(flops, [&](const std::string& dtype) { return gemm_rate(facts, dtype, true); });
  const std::string id =
      roofline.measured.level == "memory" ? "read" : "read." + roofline.measured.level;
  const CeilingFact* read = facts.ceiling(id);
  BoundTimes times = times_of(roofline.flops, roofline.bytes, flops_rate,
                              read == nullptr ? std::nullopt : read->steady());
  if (!times.compute) times.compute = roofline.by_measured.compute;
  if (!times.memory) times.memory = roofline.by_measured.memory;
  return times;
}

std::vector<ExtraRoof> extra_roofs(const CaseFacts& facts) {
  std::vector<ExtraRoof> extra;
  for (const std::string_view id : kCacheReads) {
    const CeilingFact* cache = facts.ceiling(id);
    if (cache == nullptr) continue;
    std::string label = std::string(id.substr(5)) + " read";
    label[0] = static_cast<char>(std::toupper(static_cast<unsigned char>(label[0])));
    extra.push_back({std::move(label), *cache->value});
  }
  return extra;
}

// A generation does its prompt at once and each further token in a step of its own: the sum of both
// knows more than ops that were added up over prompt and steps.
std::optional<double> generation_seconds(const CaseFacts& facts, const Roofline& roofline) {
  if (!roofline.weights_again || !facts.new_tokens) return std::nullopt;
  const Json& costs = entry_of(*facts.record, "cost");
  const PhaseCost prompt = read_cost(entry_of(costs, "prefill"));
  const PhaseCost step = read_cost(entry_of(costs, "decode"));
  const auto first = serial_seconds(prompt, OpRates(facts, prompt, roofline));
  const auto each = serial_seconds(step, OpRates(facts, step, roofline));
  if (!first || !each) return std::nullopt;
  return *first + (std::max(1.0, *facts.new_tokens) - 1) * *each;
}

}  // namespace

std::optional<double> Roof::ridge() const {
  return flops_rate && bytes_rate ? std::optional(*flops_rate / *bytes_rate) : std::nullopt;
}

std::optional<double> BoundTimes::bound() const {
  return compute && memory ? std::optional(std::max(*compute, *memory)) : std::nullopt;
}

OpRates::OpRates(const CaseFacts& facts, const PhaseCost& cost, const Roofline& roofline)
    : facts_(&facts),
      has_cache_(cost.cache > 0),
      flops_rate_(roofline.measured.flops_rate ? roofline.measured.flops_rate
                                               : roofline.datasheet.flops_rate),
      bytes_rate_(roofline.measured.bytes_rate ? roofline.measured.bytes_rate
                                               : roofline.datasheet.bytes_rate) {}

BoundTimes OpRates::times(const OpCost& op) const {
  BoundTimes times;
  if (op.flops > 0) {
    auto rate = gemm_rate(*facts_, op.dtype, false);
    if (!rate) rate = flops_rate_;
    if (rate) times.compute = op.flops / *rate;
  } else {
    times.compute = 0;
  }
  if (!bytes_rate_) return times;
  const bool reads_cache = has_cache_ && op.op_class == "attention";
  const double streamed = op.weights + (reads_cache ? op.read : 0);
  const double operands = op.bytes() - streamed;
  const CeilingFact* cache =
      facts_->is_cpu() ? holding_cache(*facts_, operands / op.calls) : nullptr;
  times.memory =
      streamed / *bytes_rate_ + operands / (cache == nullptr ? *bytes_rate_ : *cache->value);
  return times;
}

std::optional<double> serial_seconds(const PhaseCost& cost, const OpRates& rates) {
  if (cost.ops.empty()) return std::nullopt;
  double sum = 0;
  for (const OpCost& op : cost.ops) {
    const auto bound = rates.times(op).bound();
    if (!bound) return std::nullopt;
    sum += *bound;
  }
  return sum;
}

Roofline roofline_of(const CaseFacts& facts, const PhaseFacts& phase) {
  Roofline roofline;
  count_bytes(facts, phase.cost, roofline);
  const auto flops = flops_by_dtype(facts, phase.cost);
  roofline.measured = measured_roof(facts, phase, roofline, flops);
  roofline.datasheet = datasheet_roof(facts, phase, roofline.measured, flops);
  roofline.measured.dtype = roofline.datasheet.dtype =
      std::max_element(flops.begin(), flops.end(), [](const auto& a, const auto& b) {
        return a.second < b.second;
      })->first;
  roofline.extra = extra_roofs(facts);
  if (roofline.flops && roofline.bytes && *roofline.bytes > 0) {
    roofline.intensity = *roofline.flops / *roofline.bytes;
  }
  if (phase.latency && roofline.flops) roofline.flops_rate = *roofline.flops / *phase.latency;
  if (phase.latency && roofline.bytes) roofline.bytes_rate = *roofline.bytes / *phase.latency;

  const auto by = [&](const Roof& roof) {
    return times_of(roofline.flops, roofline.bytes, roof.flops_rate, roof.bytes_rate);
  };
  roofline.by_measured = by(roofline.measured);
  roofline.by_datasheet = by(roofline.datasheet);
  roofline.by_steady = steady_times(facts, roofline, flops);
  roofline.best = roofline.by_measured;
  if (!roofline.best.compute && roofline.by_datasheet.compute) {
    roofline.best.compute = roofline.by_datasheet.compute;
    roofline.compute_is_datasheet = true;
  }
  if (!roofline.best.memory && roofline.by_datasheet.memory) {
    roofline.best.memory = roofline.by_datasheet.memory;
    roofline.memory_is_datasheet = true;
  }
  roofline.serial = serial_seconds(phase.cost, OpRates(facts, phase.cost, roofline));
  if (const auto steps = generation_seconds(facts, roofline)) {
    roofline.serial = std::max(roofline.serial.value_or(0), *steps);
  }
  if (roofline.serial && roofline.best.bound()) {
    roofline.serial = std::max(*roofline.serial, *roofline.best.bound());
  }
  return roofline;
}

}  // namespace ridgeline::analysis
