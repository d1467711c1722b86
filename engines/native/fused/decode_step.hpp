// One decoding step of a gated decoder at batch 1 as a whole, not op by op: what lies between two
// matrix products is done inside them, and each weight is streamed once.
#pragma once

#include <ATen/core/Tensor.h>

#include <memory>
#include <vector>

#include "base/error.hpp"
#include "engines/native/nn/gated_decoder.hpp"
#include "engines/native/nn/kv_cache.hpp"
#include "engines/native/nn/rotary.hpp"

namespace ridgeline::native::fused {

/// What kernels are made for.
struct DecodeShape {
  nn::GatedDecoderShape decoder;
  std::int64_t pairs = 0;  ///< rotary pairs of a head
  at::ScalarType dtype = at::kBFloat16;
};

/// Weights of a decoder with its head. All of one dtype, contiguous, on one device.
struct DecoderTensors {
  at::Tensor table;  ///< embedding [vocabulary, hidden]
  std::vector<nn::GatedLayerTensors> layers;
  at::Tensor last_norm;     ///< [hidden]
  ops::ProductWeight head;  ///< [vocabulary, hidden]
};

/// The step with its scratch memory.
class DecodeStep {
 public:
  virtual ~DecodeStep() = default;

  /// token [1], int64; angles of its position [1, 1, 1, pairs]; the cache [1, G, slots, head_dim] a
  /// layer holds what comes before it and gets its key and value → logits [1, vocabulary]. The
  /// caller advances the cache. Throws where the device refuses.
  virtual at::Tensor operator()(const at::Tensor& token, const nn::Rotary::Angles& angles,
                                const nn::KvCache& cache) = 0;
};

/// The kernels of a shape on a device.
class DecodeKernels {
 public:
  virtual ~DecodeKernels() = default;

  virtual std::unique_ptr<DecodeStep> step(DecoderTensors tensors) const = 0;
};

/// The kernels for these weights, by their device. kUnsupported with the reason where there are
/// none; an environment error where they cannot be made.
Result<std::shared_ptr<const DecodeKernels>> build_kernels(const DecodeShape& shape,
                                                           const DecoderTensors& tensors);

}  // namespace ridgeline::native::fused
