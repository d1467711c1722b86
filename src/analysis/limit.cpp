// The rule of the verdict.
#include "analysis/limit.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <utility>

#include "analysis/limit_evidence.hpp"
#include "analysis/limit_words.hpp"
#include "base/json_values.hpp"

namespace ridgeline::analysis {
namespace {

constexpr std::array<std::pair<std::string_view, std::string_view>, 9> kHeadlines = {{
    {"compute", "matrix products"},
    {"memory", "memory bandwidth"},
    {"host", "the host"},
    {"input", "input preparation"},
    {"capacity", "memory capacity"},
    {"power", "the power limit"},
    {"thermal", "heat"},
    {"kernels", "kernels"},
    {"unknown", "not known"},
}};

std::optional<double> share(const std::optional<double>& part, const std::optional<double>& whole) {
  return part && whole ? std::optional(*part / *whole) : std::nullopt;
}

bool is_host_work(const PhaseFacts& phase) {
  return phase.name == "preprocess" || phase.name == "postprocess";
}

// A request waits longer for its input than for the model.
bool waits_for_input(const LimitInput& input) {
  const Request& request = *input.request;
  if (!request.prepare || !request.model || *request.prepare < *request.model) return false;
  // A step among many is no request.
  return input.phase->name != "decode" && input.phase->name != "postprocess";
}

bool host_leads(const LimitInput& input, const LimitShares& shares) {
  const PhaseFacts& phase = *input.phase;
  const auto idle = share(phase.device, phase.latency);
  if (!input.facts->is_cpu() && idle && *idle <= kLeads) return true;
  return shares.host && *shares.host >= kHostBusy;
}

// Of compute and memory those that lead; both when they are close.
std::vector<std::string> leading_ceilings(const LimitShares& shares) {
  const double compute = shares.compute.value_or(0);
  const double memory = shares.memory.value_or(0);
  const double larger = std::max(compute, memory);
  const bool is_close = kMixed * std::min(compute, memory) >= larger;
  if (larger < kLeads && !(is_close && compute + memory >= kTogether)) return {};
  std::vector<std::string> leading;
  if (memory >= compute || is_close) leading.emplace_back("memory");
  if (compute > memory || is_close) leading.emplace_back("compute");
  if (leading.size() == 2 && compute > memory) std::swap(leading[0], leading[1]);
  return leading;
}

std::vector<std::string> limits_of(const LimitInput& input, const LimitShares& shares) {
  if (input.phase->name == "preprocess" || waits_for_input(input)) return {"input"};
  if (!input.phase->latency) return {"unknown"};
  const Throttle& throttle = *input.throttle;
  if (throttle.heat.value_or(0) >= kHot) return {"thermal"};
  std::vector<std::string> limits = leading_ceilings(shares);
  if (limits == std::vector<std::string>{"memory"} && batch_does_not_fit(input)) {
    limits = {"capacity"};
  }
  if (throttle.power.value_or(0) >= kLeads) limits.emplace_back("power");
  if (host_leads(input, shares)) limits.emplace_back("host");
  if (!limits.empty()) return limits;
  if (!shares.compute || !shares.memory || is_host_work(*input.phase)) return {"unknown"};
  return {"kernels"};
}

}  // namespace

std::string headline_of(std::string_view id) {
  for (const auto& [name, words] : kHeadlines) {
    if (name == id) return std::string(words);
  }
  return std::string(id);
}

Request request_of(const CaseFacts& facts) {
  Request request;
  if (const PhaseFacts* phase = facts.phase("preprocess")) request.prepare = phase->latency;
  const PhaseFacts* generate = facts.phase("generate");
  const PhaseFacts* prefill = facts.phase("prefill");
  const PhaseFacts* decode = facts.phase("decode");
  if (generate != nullptr && generate->latency) {
    request.model = generate->latency;
  } else if (prefill != nullptr && prefill->latency && decode != nullptr && decode->latency) {
    const double steps = std::max(1.0, facts.new_tokens.value_or(1)) - 1;
    request.model = *prefill->latency + steps * *decode->latency;
  } else {
    for (const PhaseFacts& phase : facts.phases) {
      if (is_host_work(phase) || !phase.latency) continue;
      request.model = request.model.value_or(0) + *phase.latency;
    }
  }
  return request;
}

LimitShares shares_of(const LimitInput& input) {
  const PhaseFacts& phase = *input.phase;
  LimitShares shares;
  shares.compute = share(input.roofline->best.compute, phase.latency);
  shares.memory = share(input.roofline->best.memory, phase.latency);
  // Where tokens are taken off one by one the host's time is that of the device it waits for.
  if (!phase.waits_within) shares.host = share(phase.host, phase.latency);
  if (shares.host) shares.host = std::min(1.0, *shares.host);
  shares.throttled = input.throttle->largest();
  return shares;
}

bool batch_does_not_fit(const LimitInput& input) {
  const auto& largest = input.memory->largest_batch.value;
  const Roofline& roofline = *input.roofline;
  if (!largest || *largest >= 2 * input.facts->batch || !roofline.bytes) return false;
  // Only where a batch shares the weights, and below the ridge, where more FLOPs cost nothing.
  const double weights =
      roofline.weights_again ? input.phase->cost.op_weights() : input.phase->cost.weights;
  return weights >= kLeads * *roofline.bytes;
}

Limit limit_of(const LimitInput& input, const LimitShares& shares) {
  Limit limit;
  std::vector<std::string> limits = limits_of(input, shares);
  if (limits.size() == 1) {
    limit.id = limits.front();
    limit.headline = headline_of(limit.id);
    const bool in_cache = limit.id == "memory" && input.roofline->measured.level != "memory";
    if (in_cache) {
      limit.headline = fmt::format("bandwidth of the {} cache", input.roofline->measured.level);
    }
    limit.evidence = evidence_of(limit.id, input, shares);
    return limit;
  }
  limit.id = "mixed";
  for (const std::string& one : limits) {
    limit.headline += (limit.headline.empty() ? "" : " and ") + headline_of(one);
  }
  limit.evidence = mixed_evidence(limits, input, shares);
  limit.among = std::move(limits);
  return limit;
}

Limit out_of_memory(const CaseFacts& facts, const MemoryFit& memory) {
  Limit limit;
  limit.id = "capacity";
  limit.headline = headline_of(limit.id);
  const Json& outcome = entry_of(*facts.record, "outcome");
  const auto needed = positive_in(outcome, "bytes");
  const std::string reason = short_words(text_in(outcome, "reason"));
  limit.evidence = fmt::format(
      "It ran out of memory ({}){}{}{}.", facts.error_class, reason.empty() ? "" : ": " + reason,
      needed ? fmt::format("; {} were needed", bytes_words(*needed)) : std::string(),
      memory.capacity ? fmt::format("; {} is {}", memory.capacity_of, bytes_words(*memory.capacity))
                      : std::string());
  return limit;
}

}  // namespace ridgeline::analysis
