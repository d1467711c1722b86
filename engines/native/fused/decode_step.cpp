// The kernels of each kind of device.
#include "engines/native/fused/decode_step.hpp"

#include <fmt/format.h>

#include "engines/native/fused/cuda/decode_step.hpp"
#include "engines/native/fused/host/decode_step.hpp"

namespace ridgeline::native::fused {

Result<std::shared_ptr<const DecodeKernels>> build_kernels(const DecodeShape& shape,
                                                           const DecoderTensors& tensors) {
  const at::Device device = tensors.table.device();
  if (device.is_cuda()) {
    RIDGELINE_TRY(auto kernels, CudaDecodeKernels::build(shape, device));
    return std::shared_ptr<const DecodeKernels>(std::move(kernels));
  }
  if (device.is_cpu()) {
    RIDGELINE_TRY(auto kernels, HostDecodeKernels::build(shape, tensors));
    return std::shared_ptr<const DecodeKernels>(std::move(kernels));
  }
  return unsupported(
      fmt::format("there are fused kernels for CUDA devices and CPUs, none for {}", device.str()));
}

}  // namespace ridgeline::native::fused
