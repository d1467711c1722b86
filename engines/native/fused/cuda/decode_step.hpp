// The fused decoding step on CUDA devices: five kernels a layer, compiled at run time.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "engines/native/device/cuda/module.hpp"
#include "engines/native/fused/cuda/source.hpp"
#include "engines/native/fused/decode_step.hpp"

namespace ridgeline::native::fused {

/// Why a shape has no fused step on any CUDA device; empty when it has one. Asks no device.
std::string why_no_cuda_kernels(const DecodeShape& shape);

/// The kernels of a shape, compiled for a device and loaded there.
class CudaDecodeKernels final : public DecodeKernels,
                                public std::enable_shared_from_this<CudaDecodeKernels> {
 public:
  /// kUnsupported with the reason where why_no_cuda_kernels() has one; an environment error without
  /// NVRTC or driver.
  static Result<std::shared_ptr<const CudaDecodeKernels>> build(const DecodeShape& shape,
                                                                at::Device device,
                                                                const DecodeTuning& tuning = {});

  std::unique_ptr<DecodeStep> step(DecoderTensors tensors) const override;

  const DecodeShape& shape() const { return shape_; }
  at::Device device() const { return device_; }

 private:
  friend class CudaDecodeStep;

  /// A product with its launch: the grid is as large as it has units, or as the tuning says.
  struct Product {
    cuda::Kernel kernel;
    cuda::Grid grid;
  };

  CudaDecodeKernels(const DecodeShape& shape, at::Device device, cuda::Module module,
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

/// Everything goes to torch's current stream, and nothing is waited for: it can be recorded in a
/// graph. A launch that fails throws.
class CudaDecodeStep final : public DecodeStep {
 public:
  CudaDecodeStep(std::shared_ptr<const CudaDecodeKernels> kernels, DecoderTensors tensors);

  at::Tensor operator()(const at::Tensor& token, const nn::Rotary::Angles& angles,
                        const nn::KvCache& cache) override;

 private:
  void layer(std::size_t index, const nn::Rotary::Angles& angles, const nn::KvCache& cache,
             const c10::Stream& stream) const;
  void attend(std::size_t index, const nn::KvCache& cache, const c10::Stream& stream) const;

  std::shared_ptr<const CudaDecodeKernels> kernels_;
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
