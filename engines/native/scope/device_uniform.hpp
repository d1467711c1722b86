// Synthetic weights made where they are used: the generator as a kernel of the device.
#pragma once

#include <ATen/core/Tensor.h>

#include <memory>
#include <string>

#include "base/error.hpp"
#include "engines/native/device/cuda/module.hpp"
#include "engines/native/scope/uniform.hpp"

namespace ridgeline::native {

/// CUDA C++ (C++17) for NVRTC. Kernels "fill_f32", "fill_bf16" and "fill_f16" with the parameters
/// (void* to, std::int64_t count, std::uint64_t key, float center, float half_width) write the
/// values of fill_uniform(), bit by bit, with any number of blocks of kUniformThreads.
std::string uniform_source();

inline constexpr unsigned kUniformThreads = 256;

/// The kernels loaded on one device.
class DeviceUniform {
 public:
  /// Compiles and loads them. Errors: no CUDA device, no NVRTC here.
  static Result<std::unique_ptr<DeviceUniform>> open(at::Device device);

  /// Waits for the work that still uses the kernels.
  ~DeviceUniform();
  DeviceUniform(const DeviceUniform&) = delete;
  DeviceUniform& operator=(const DeviceUniform&) = delete;

  /// Fills a contiguous tensor on the device, on its current stream; returns at once.
  Status fill(const at::Tensor& tensor, const Uniform& uniform) const;

 private:
  DeviceUniform(at::Device device, cuda::Module module, cuda::Kernel f32, cuda::Kernel bf16,
                cuda::Kernel f16)
      : device_(device),
        module_(std::move(module)),
        f32_(std::move(f32)),
        bf16_(std::move(bf16)),
        f16_(std::move(f16)) {}

  at::Device device_;
  cuda::Module module_;
  cuda::Kernel f32_, bf16_, f16_;
};

}  // namespace ridgeline::native
