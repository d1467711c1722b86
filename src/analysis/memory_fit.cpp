// Parts of memory and the linear model of what fits.
#include "analysis/memory_fit.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <nlohmann/json.hpp>

#include "analysis/limit_words.hpp"
#include "base/json_values.hpp"

namespace ridgeline::analysis {
namespace {

constexpr std::array<const char*, 7> kParts = {"weights", "packed",  "cache", "activations",
                                               "inputs",  "outputs", "graphs"};

const Json& metrics_of(const CaseFacts& facts) {
  return entry_of(entry_of(*facts.record, "memory"), "metrics");
}

// Known also when it is 0.
std::optional<double> bytes_of(const Json& metrics, const char* key) {
  const Json& metric = entry_of(metrics, key);
  if (const auto bytes = positive_in(metric, "value")) return bytes;
  return number_in(metric, "value") == 0.0 ? std::optional(0.0) : std::nullopt;
}

void find_capacity(const CaseFacts& facts, MemoryFit& fit) {
  if (!facts.is_cpu()) {
    fit.capacity_of = "GPU memory";
    fit.capacity = positive_in(entry_of(entry_of(*facts.record, "ceilings"), "measured"), "memory");
    if (!fit.capacity && facts.accelerator) fit.capacity = facts.accelerator->memory;
    return;
  }
  const Json& memory = entry_of(entry_of(*facts.record, "machine"), "memory");
  const auto available = positive_in(memory, "available_bytes");
  fit.capacity = available ? available : positive_in(memory, "total_bytes");
  fit.capacity_of = available ? "main memory that was available" : "main memory";
  const auto limit = positive_in(memory, "limit_bytes");
  if (limit && (!fit.capacity || *limit < *fit.capacity)) {
    fit.capacity = limit;
    fit.capacity_of = "the memory limit of the container";
  }
}

struct Model {
  double fixed = 0;    // B, whatever the batch
  double per_row = 0;  // B
  double cache = 0;    // B, of per_row
};

std::string reason_without(const CaseFacts& facts, const char* part) {
  const std::string reason = text_in(entry_of(metrics_of(facts), part), "reason");
  return fmt::format("the bytes of {} are not known: {}; `--metrics memory` measures them", part,
                     reason.empty() ? "the record has none" : short_words(reason));
}

// The parts of the model, or why it cannot be made.
std::string build_model(const CaseFacts& facts, const MemoryFit& fit, Model& model) {
  if (!fit.capacity) return fmt::format("the size of {} is not known", fit.capacity_of);
  const Json& metrics = metrics_of(facts);
  const auto weights = bytes_of(metrics, "weights");
  const auto activations = bytes_of(metrics, "activations");
  if (!weights) return reason_without(facts, "weights");
  if (!activations) return reason_without(facts, "activations");
  const auto part = [&](const char* key) { return bytes_of(metrics, key).value_or(0); };
  model.fixed = *weights + part("packed");
  // Libraries live in main memory.
  if (facts.is_cpu()) model.fixed += part("library");
  model.cache = part("cache") / facts.batch;
  model.per_row =
      (part("cache") + *activations + part("inputs") + part("outputs") + part("graphs")) /
      facts.batch;
  return {};
}

void find_batch(const MemoryFit& fit, const Model& model, Fit& batch) {
  if (model.per_row <= 0) {
    batch.reason = "nothing that grows with the batch was counted";
    return;
  }
  const double free = *fit.capacity - model.fixed;
  batch.value = std::max(0.0, std::floor(free / model.per_row));
  batch.how = fmt::format(
      "({} of {} - {} that do not grow) / {} a row: cache, activations, inputs and outputs, as in "
      "this run; modelled, fragmentation and the driver's own memory left out",
      bytes_words(*fit.capacity), fit.capacity_of, bytes_words(model.fixed),
      bytes_words(model.per_row));
}

void find_context(const CaseFacts& facts, const MemoryFit& fit, const Model& model, Fit& context) {
  if (model.cache <= 0) {
    context.reason =
        "this case keeps no cache, so nothing that was counted tells how memory grows "
        "with the context";
    return;
  }
  if (!facts.context) {
    context.reason = "the record does not say how many tokens the cache has room for";
    return;
  }
  const double per_token = model.cache * facts.batch / *facts.context;
  const double free = *fit.capacity - model.fixed - (model.per_row - model.cache) * facts.batch;
  context.value = std::max(0.0, std::floor(free / per_token));
  context.how = fmt::format(
      "({} of {} - {} that do not grow with it) / {} of cache a token at batch {:.0f}; modelled: "
      "it leaves out activations of a longer prompt, and the context that the model was made for "
      "may be shorter",
      bytes_words(*fit.capacity), fit.capacity_of, bytes_words(*fit.capacity - free),
      bytes_words(per_token), facts.batch);
}

}  // namespace

MemoryFit memory_fit_of(const CaseFacts& facts) {
  MemoryFit fit;
  find_capacity(facts, fit);
  const Json& metrics = metrics_of(facts);
  for (const char* part : kParts) {
    if (const auto bytes = bytes_of(metrics, part)) fit.split.push_back({part, *bytes});
  }
  fit.peak = bytes_of(metrics, "peak");
  if (!fit.peak || *fit.peak <= 0) fit.peak = bytes_of(metrics, "device_peak");
  Model model;
  const std::string why = build_model(facts, fit, model);
  if (!why.empty()) {
    fit.largest_batch.reason = fit.largest_context.reason = why;
    return fit;
  }
  find_batch(fit, model, fit.largest_batch);
  find_context(facts, fit, model, fit.largest_context);
  return fit;
}

}  // namespace ridgeline::analysis
