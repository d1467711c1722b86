// What the memory of a case is made of, and what would still fit.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "analysis/case_analysis_facts.hpp"

namespace ridgeline::analysis {

/// A size that still fits, or why none can be said.
struct Fit {
  std::optional<double> value;  ///< whole rows or tokens
  std::string how;              ///< the model it follows from
  std::string reason;           ///< why there is no value
};

struct MemoryPart {
  std::string id;  ///< "weights", "packed", "cache", "activations", "inputs", "outputs", "graphs"
  double bytes = 0;
};

struct MemoryFit {
  std::optional<double> capacity;  ///< B
  std::string capacity_of;         ///< "GPU memory", "the container's memory limit", …
  std::vector<MemoryPart> split;   ///< parts that the record knows
  std::optional<double> peak;      ///< B
  Fit largest_batch;
  Fit largest_context;
};

/// The model is linear: weights are fixed; cache, activations, inputs, outputs and what graphs keep
/// grow with the batch; the cache grows with batch times context.
MemoryFit memory_fit_of(const CaseFacts& facts);

}  // namespace ridgeline::analysis
