// The work of a phase as a prediction reads it: from the `cost` reply of an engine.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.hpp"
#include "base/json.hpp"

namespace ridgeline::study {

/// All calls of one op with one dtype.
struct OpWork {
  std::string op;
  std::string op_class;  ///< "matmul", "attention", "norm", …
  std::string dtype;     ///< in which it computes
  double calls = 0;
  double flops = 0;
  /// Read and written, weights included. Of attention without its scores: fused kernels keep them.
  double bytes = 0;
};

/// Bytes of a phase, with the meaning of the record's `memory`.
struct PhaseMemory {
  double weights = 0;
  double packed = 0;
  double cache = 0;
  double inputs = 0;
  double outputs = 0;
  double activations = 0;
  double peak = 0;
};

struct PhaseWork {
  std::string name;
  bool measured = true;  ///< `ridgeline run` times it
  std::string unit;
  std::vector<std::pair<std::string, double>> items;  ///< unit → items of a call
  double flops = 0;
  double flops_minimum = 0;
  double bytes = 0;  ///< weights, cache, inputs and outputs once
  double bytes_unfused = 0;
  double parameters = 0;
  PhaseMemory memory;
  std::vector<OpWork> ops;

  double calls() const;
  /// Items of that unit in a call; 0: it has none.
  double items_of(std::string_view unit_name) const;
};

/// What an engine says of one workload.
struct ModelWork {
  std::vector<PhaseWork> phases;
  bool int8_weights = false;
  bool takes_tokens = true;         ///< else a workload's sequence means nothing
  double product_weight_bytes = 0;  ///< of weights of matrix products, one layout

  const PhaseWork* find(std::string_view phase) const;
};

/// Reads a `cost` reply. Errors: no phases, or numbers that are missing, negative or not finite.
Result<ModelWork> work_from(const Json& reply);

}  // namespace ridgeline::study
