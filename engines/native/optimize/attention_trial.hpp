// Trying the implementations of attention on the shapes that were planned.
#pragma once

#include <ATen/core/Tensor.h>

#include <span>
#include <vector>

#include "engines/native/models/model.hpp"
#include "engines/native/ops/ops.hpp"

namespace ridgeline::native {

/// Inputs of one kind of attention in a model, laid out as a forward pass lays them out.
struct AttentionInputs {
  at::Tensor query, key, value;
  at::Tensor mask;  ///< undefined, or boolean with nothing masked
  bool causal = false;

  ops::AttentionCase call() const;
};

/// Normally distributed values (uninitialised ones for meta tensors).
AttentionInputs attention_inputs(const Model::AttentionProbe& probe, at::ScalarType dtype,
                                 at::Device device);

/// What came of one implementation.
struct AttentionTrial {
  ops::AttentionKernel kernel;
  double seconds = 0;  ///< of one call, on the device
  double error = 0;    ///< largest difference to float32, over the largest value
};

/// The largest error that is taken for rounding: 1e-4 in float32, 2e-2 in bfloat16, 5e-3 in
/// float16.
double attention_bound(at::ScalarType dtype);

/// The fastest one that is right, or kAuto: where that is what ATen would run by itself (`own`), or
/// no more than 3 % faster than it (noise must not choose), or where none is right.
ops::AttentionKernel best_of(std::span<const AttentionTrial> trials, std::string_view own,
                             double bound);

/// Runs every implementation that takes these inputs: looks at what it computes, then times it.
/// Step by step only where the scores are few.
std::vector<AttentionTrial> try_attention(const AttentionInputs& inputs);

/// How far an implementation is off, as in AttentionTrial.
double attention_error(const AttentionInputs& inputs, ops::AttentionKernel kernel);

}  // namespace ridgeline::native
