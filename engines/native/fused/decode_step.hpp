// One decoding step of a gated decoder at batch 1, by kernels that do everything between two matrix
// products inside them: five a layer, each weight streamed once.
#pragma once

#include <ATen/core/Tensor.h>

#include <memory>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "engines/native/device/cuda/module.hpp"
#include "engines/native/fused/source.hpp"
#include "engines/native/nn/gated_decoder.hpp"
#include "engines/native/nn/kv_cache.hpp"
#include "engines/native/nn/rotary.hpp"

namespace ridgeline::native::fused {

/// Why a shape has no fused step; empty when it has one. Asks no device.
std::string why_not(const DecodeShape& shape, at::Device device);

/// The kernels of a shape, compiled for a device and loaded there.
class DecodeKernels {
 public:
  /// kUnsupported with the reason where why_not() has one; an environment error without NVRTC or
  /// driver.
  static Result<std::shared_ptr<const DecodeKernels>> build(const DecodeShape& shape,
                                                            at::Device device,
                                                            const DecodeTuning& tuning = {});

  const DecodeShape& shape() const { return shape_; }
  at::Device device() const { return device_; }

 private:
  friend class DecodeStep;

  /// A product with its launch: the grid is as large as it has units, or as the tuning says.
  struct Product {
    cuda::Kernel kernel;
    cuda::Grid grid;
  };

  DecodeKernels(const DecodeShape& shape, at::Device device, cuda::Module module,
                cuda::Kernel embed, cuda::Kernel attend)
      : shape_(shape),
        device_(device),
        module_(std::move(module)),
        embed_(std::move(embed)),
        attend_(std::move(attend)) {}

  /// One product of a step, as its kernel sees it.
  struct Work {
    const char* kernel;
    std::int64_t units;
    std::int64_t unit_rows;
    std::int64_t columns;
    bool shared_input = false;  ///< StoredInput: lies in shared memory
  };
  Status add_product(const Work& work, const ProductTuning& tuning);

  DecodeShape shape_;
  at::Device device_;
  cuda::Module module_;
  cuda::Kernel embed_;
  cuda::Kernel attend_;
  unsigned attend_shared_ = 0;
  int multiprocessors_ = 1;
  std::vector<Product> products_;  // heads, output, gate, down, logits
};

/// Weights of a decoder with its head. All of one dtype, contiguous, on one device.
struct DecoderTensors {
  at::Tensor table;  ///< embedding [vocabulary, hidden]
  std::vector<nn::GatedLayerTensors> layers;
  at::Tensor last_norm;  ///< [hidden]
  at::Tensor head;       ///< [vocabulary, hidden]
};

/// The step with its scratch memory. Everything goes to torch's current stream, and nothing is
/// waited for: it can be recorded in a graph.
class DecodeStep {
 public:
  DecodeStep(std::shared_ptr<const DecodeKernels> kernels, DecoderTensors tensors);

  /// token [1], int64; angles of its position [1, 1, 1, pairs]; the cache [1, G, slots, head_dim] a
  /// layer holds what comes before it and gets its key and value → logits [1, vocabulary]. The
  /// caller advances the cache. A launch that fails throws.
  at::Tensor operator()(const at::Tensor& token, const nn::Rotary::Angles& angles,
                        const nn::KvCache& cache) const;

 private:
  void layer(std::size_t index, const nn::Rotary::Angles& angles, const nn::KvCache& cache,
             const c10::Stream& stream) const;
  void attend(std::size_t index, const nn::KvCache& cache, const c10::Stream& stream) const;

  std::shared_ptr<const DecodeKernels> kernels_;
  DecoderTensors tensors_;
  at::Tensor x_;         // [hidden] float32: the residual stream
  at::Tensor query_;     // [H, head_dim] float32
  at::Tensor attended_;  // [H, head_dim] float32
  at::Tensor hidden_;    // [intermediate]
  at::Tensor sums_;      // [splits, H, head_dim] float32
  at::Tensor states_;    // [splits, H, 2] float32
  at::Tensor arrivals_;  // [G] int32, zeros
};

}  // namespace ridgeline::native::fused
