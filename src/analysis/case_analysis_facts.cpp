// Tolerant reading of a record.
#include "analysis/case_analysis_facts.hpp"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <set>

#include "analysis/limit_words.hpp"
#include "base/json_values.hpp"

namespace ridgeline::analysis {
namespace {

// No time, size or rate lies beyond these; within them no quotient of two overflows.
constexpr double kLeast = 1e-18;
constexpr double kMost = 1e24;
// Of a damaged record; a real one has a handful of phases and some dozen of ops.
constexpr std::size_t kMostPhases = 200;
constexpr std::size_t kMostOps = 20'000;

constexpr std::array<std::string_view, 6> kOffValues = {"",       "off",   "none",
                                                        "serial", "false", "eager"};

const Json& list_in(const Json& object, std::string_view key) {
  static const Json none = Json::array();
  const Json& list = entry_of(object, key);
  return list.is_array() ? list : none;
}

OpCost read_op(const Json& json) {
  OpCost op;
  op.op_class = short_words(text_in(json, "class"));
  op.dtype = short_words(text_in(json, "dtype"));
  op.calls = std::max(1.0, amount_in(json, "calls"));
  op.flops = amount_in(json, "flops");
  op.weights = amount_in(json, "bytes_weights");
  op.read = amount_in(json, "bytes_read");
  op.written = amount_in(json, "bytes_written");
  return op;
}

std::vector<CeilingFact> read_ceilings(const Json& measured) {
  std::vector<CeilingFact> ceilings;
  for (const Json& one : list_in(measured, "ceilings")) {
    if (ceilings.size() >= kMostPhases) break;
    CeilingFact fact;
    fact.id = text_in(one, "id");
    fact.level = text_in(one, "level");
    fact.value = positive_in(one, "value");
    fact.median = positive_in(one, "median");
    fact.capacity = positive_in(one, "capacity");
    fact.power = positive_in(one, "power");
    if (!fact.id.empty()) ceilings.push_back(std::move(fact));
  }
  return ceilings;
}

std::string scalar_in(const Json& object, std::string_view key) {
  const Json& value = entry_of(object, key);
  if (value.is_string()) return short_words(value.get<std::string>());
  return value.is_primitive() && !value.is_null() ? to_line(value) : std::string();
}

std::vector<KnobFact> read_knobs(const Json& record) {
  std::vector<KnobFact> knobs;
  for (const Json& one : list_in(record, "optimizations")) {
    if (knobs.size() >= kMostPhases) break;
    KnobFact knob;
    knob.id = text_in(one, "id");
    knob.value = scalar_in(one, "value");
    knob.reason = short_words(text_in(one, "reason"));
    const Json& requested = entry_of(one, "requested");
    knob.requested = !requested.is_null() && requested != Json(false);
    knob.applied = entry_of(one, "applied") == Json(true);
    if (!knob.id.empty()) knobs.push_back(std::move(knob));
  }
  return knobs;
}

PhaseFacts read_phase(const Json& json, const Json& costs) {
  PhaseFacts phase;
  phase.name = text_in(json, "name");
  phase.phase = &json;
  phase.latency = phase.metric("latency");
  phase.device = phase.metric("latency.device");
  phase.host = phase.metric("latency.host");
  // Tokens that arrive one by one are taken off the device one by one.
  phase.waits_within = phase.metric("ttft").has_value();
  phase.item = text_in(json, "unit");
  phase.items = positive_in(entry_of(json, "items"), phase.item).value_or(1);
  phase.cost = read_cost(entry_of(costs, phase.name));
  if (!phase.cost.flops && phase.cost.reason.empty()) {
    phase.cost.reason = phase.reason_of("flops_rate");
    if (phase.cost.reason.empty()) phase.cost.reason = phase.reason_of("mfu");
  }
  return phase;
}

// The accelerator that the case ran on. The driver's list has no ordinals, so of several only one
// that the ceilings name by its address is known.
std::optional<DeviceFact> read_device(const Json& record, const Json& measured) {
  const Json& devices = list_in(entry_of(record, "machine"), "devices");
  const std::string address = text_in(measured, "pci_address");
  for (const Json& device : devices) {
    const std::string own = text_in(device, "pci_address");
    if (own.empty() || (own != address && devices.size() != 1)) continue;
    return DeviceFact{own, positive_in(device, "memory_total"), positive_in(device, "power_limit"),
                      positive_in(device, "power_limit_default"), positive_in(device, "clock_max")};
  }
  return std::nullopt;
}

// Positions of the cache: the prompt and what is generated, or the depth of the decoding step.
std::optional<double> context_of(const Json& workload) {
  const auto sequence = positive_in(workload, "sequence");
  const auto depth = positive_in(workload, "depth");
  const auto tokens = positive_in(workload, "new_tokens");
  if (!sequence && !depth) return std::nullopt;
  return std::max(sequence.value_or(0) + tokens.value_or(0),
                  depth ? *depth + 1 : sequence.value_or(0));
}

// Flags of work beside the measured one (docs/reducing-variance.md).
std::string disturbance_of(const Json& record) {
  constexpr std::array<std::string_view, 3> kOthers = {"busy", "device_busy", "steal"};
  for (const Json& flag : list_in(entry_of(record, "validity"), "flags")) {
    const std::string id = text_in(flag, "id");
    if (std::find(kOthers.begin(), kOthers.end(), id) == kOthers.end()) continue;
    const std::string detail = text_in(flag, "detail");
    return short_words(detail.empty() ? id : detail);
  }
  return {};
}

void read_configuration(const Json& record, CaseFacts& facts) {
  const Json& configuration = entry_of(record, "configuration");
  facts.device = text_in(configuration, "device");
  const std::string engine = text_in(configuration, "engine");
  facts.engine = short_words(text_in(entry_of(record, "engine"), "name"));
  if (facts.engine.empty()) facts.engine = short_words(engine.substr(0, engine.find(':')));
  facts.mode = short_words(text_in(entry_of(record, "engine"), "mode"));
  facts.dtype = short_words(text_in(configuration, "dtype"));
  if (facts.dtype.empty()) facts.dtype = short_words(text_in(entry_of(record, "model"), "dtype"));
  facts.status = text_in(entry_of(record, "outcome"), "status");
  facts.error_class = text_in(entry_of(record, "outcome"), "class");
  const Json& workload = entry_of(record, "workload");
  facts.batch = positive_in(workload, "batch").value_or(1);
  facts.context = context_of(workload);
  facts.new_tokens = positive_in(workload, "new_tokens");
}

}  // namespace

std::optional<double> positive_in(const Json& object, std::string_view key) {
  const auto value = number_in(object, key);
  // A comparison with NaN is false.
  return value && *value >= kLeast && *value <= kMost ? value : std::nullopt;
}

double amount_in(const Json& object, std::string_view key) {
  return positive_in(object, key).value_or(0);
}

double PhaseCost::op_weights() const {
  double sum = 0;
  for (const OpCost& op : ops) sum += op.weights;
  return sum;
}

double PhaseCost::calls() const {
  double sum = 0;
  for (const OpCost& op : ops) sum += op.calls;
  return sum;
}

PhaseCost read_cost(const Json& cost) {
  PhaseCost read;
  const auto known = [&](const char* key) -> std::optional<double> {
    if (const auto value = positive_in(cost, key)) return value;
    return number_in(cost, key) == 0.0 ? std::optional(0.0) : std::nullopt;
  };
  read.flops = known("flops");
  read.bytes = known("bytes");
  read.weights = amount_in(cost, "bytes_weights");
  read.cache = amount_in(cost, "bytes_cache");
  for (const Json& op : list_in(cost, "ops")) {
    if (read.ops.size() >= kMostOps) break;
    if (op.is_object()) read.ops.push_back(read_op(op));
  }
  read.reason = short_words(text_in(cost, "reason"));
  return read;
}

bool KnobFact::is_on() const {
  return applied && std::find(kOffValues.begin(), kOffValues.end(), value) == kOffValues.end();
}

bool KnobFact::could_be_on() const {
  return !is_on() && (reason.empty() || reason == "not asked for");
}

std::optional<double> PhaseFacts::metric(std::string_view key) const {
  if (phase == nullptr) return std::nullopt;
  return positive_in(entry_of(entry_of(*phase, "metrics"), key), "value");
}

std::string PhaseFacts::reason_of(std::string_view key) const {
  if (phase == nullptr) return {};
  return short_words(text_in(entry_of(entry_of(*phase, "metrics"), key), "reason"));
}

std::string PhaseFacts::enable_of(std::string_view key) const {
  if (phase == nullptr) return {};
  return short_words(text_in(entry_of(entry_of(*phase, "metrics"), key), "enable"));
}

const CeilingFact* CaseFacts::ceiling(std::string_view id) const {
  const auto at = std::find_if(ceilings.begin(), ceilings.end(),
                               [&](const CeilingFact& one) { return one.id == id; });
  return at == ceilings.end() || !at->value ? nullptr : &*at;
}

const KnobFact* CaseFacts::knob(std::string_view id) const {
  const auto at =
      std::find_if(knobs.begin(), knobs.end(), [&](const KnobFact& one) { return one.id == id; });
  return at == knobs.end() ? nullptr : &*at;
}

const PhaseFacts* CaseFacts::phase(std::string_view name) const {
  const auto at = std::find_if(phases.begin(), phases.end(),
                               [&](const PhaseFacts& one) { return one.name == name; });
  return at == phases.end() ? nullptr : &*at;
}

CaseFacts read_facts(const Json& record) {
  CaseFacts facts;
  facts.record = &record;
  read_configuration(record, facts);
  const Json& ceilings = entry_of(record, "ceilings");
  const Json& measured = entry_of(ceilings, "measured");
  facts.ceilings = read_ceilings(measured);
  facts.ceilings_reason = short_words(text_in(ceilings, "reason"));
  facts.ceilings_enable = short_words(text_in(ceilings, "enable"));
  facts.knobs = read_knobs(record);
  if (!facts.is_cpu()) facts.accelerator = read_device(record, measured);
  facts.cores = positive_in(entry_of(entry_of(record, "machine"), "cpu"), "physical_cores");
  facts.disturbance = disturbance_of(record);
  const Json& costs = entry_of(record, "cost");
  std::set<std::string> names;
  for (const Json& phase : list_in(record, "phases")) {
    if (facts.phases.size() >= kMostPhases) break;
    const std::string name = text_in(phase, "name");
    if (name.empty() || !names.insert(name).second) continue;
    facts.phases.push_back(read_phase(phase, costs));
  }
  return facts;
}

}  // namespace ridgeline::analysis
