// Uniform values on a CUDA device.
#include "engines/native/scope/device_uniform.hpp"

#include <ATen/ops/empty.h>
#include <c10/core/DeviceGuard.h>

#include <algorithm>

#include "engines/native/device/device.hpp"

namespace ridgeline::native {
namespace {

// Enough to fill any device several times over; each block then takes more than one turn.
constexpr std::int64_t kMostBlocks = 8192;
// Elements that a thread writes at once.
constexpr std::int64_t kRun = 8;

}  // namespace

std::string uniform_source() {
  // Each thread writes runs of 8 neighbouring elements. Sums and products are spelled as intrinsics
  // so that the compiler does not fuse them: a fused one rounds once where the CPU rounds twice.
  return R"cuda(
using Index = long long;
using Word = unsigned long long;

constexpr Word kGolden = 0x9e3779b97f4a7c15ull;
constexpr int kRun = 8;

__device__ __forceinline__ Word mix(Word x) {
  x += kGolden;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ull;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebull;
  return x ^ (x >> 31);
}

__device__ __forceinline__ float value(Word state, float center, float half_width) {
  const float bits = __int2float_rn((int)(mix(state) >> 40));
  const float grid = __fmul_rn(__fadd_rn(bits, 0.5f), 2.f / 16777216.f);
  return __fadd_rn(center, __fmul_rn(half_width, __fadd_rn(grid, -1.f)));
}

struct Bf16 {
  unsigned short bits;
};
struct F16 {
  unsigned short bits;
};

__device__ __forceinline__ void round_to(float& to, float from) { to = from; }

// To the nearest, ties to even; all values are finite.
__device__ __forceinline__ void round_to(Bf16& to, float from) {
  const unsigned bits = __float_as_uint(from);
  to.bits = (unsigned short)((bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16);
}

__device__ __forceinline__ void round_to(F16& to, float from) {
  asm("cvt.rn.f16.f32 %0, %1;" : "=h"(to.bits) : "f"(from));
}

template <typename Element>
struct alignas(16) Run {
  Element elements[kRun];
};

template <typename Element>
__device__ __forceinline__ void fill(Element* to, Index count, Word key, float center,
                                     float half_width) {
  const Index step = (Index)gridDim.x * blockDim.x * kRun;
  Index at = ((Index)blockIdx.x * blockDim.x + threadIdx.x) * kRun;
  for (; at < count; at += step) {
    Run<Element> run;
    Word state = key + (Word)at * kGolden;
#pragma unroll
    for (int i = 0; i < kRun; ++i, state += kGolden) {
      round_to(run.elements[i], value(state, center, half_width));
    }
    if (at + kRun <= count) {
      *reinterpret_cast<Run<Element>*>(to + at) = run;
    } else {
#pragma unroll
      for (int i = 0; i < kRun; ++i) {
        if (at + i < count) to[at + i] = run.elements[i];
      }
    }
  }
}

#define FILL(name, Element)                                                       \
  extern "C" __global__ void __launch_bounds__(256)                               \
  name(Element* to, Index count, Word key, float center, float half_width) {      \
    fill(to, count, key, center, half_width);                                     \
  }
FILL(fill_f32, float)
FILL(fill_bf16, Bf16)
FILL(fill_f16, F16)
)cuda";
}

Result<std::unique_ptr<DeviceUniform>> DeviceUniform::open(at::Device device) {
  if (!device.is_cuda()) return unsupported("kernels are compiled for CUDA devices only");
  const c10::DeviceGuard guard(device);
  // The first tensor of a device makes its context, which the driver's calls need.
  at::empty({1}, at::TensorOptions().device(device));
  RIDGELINE_TRY(cuda::Module module,
                cuda::compile_module(uniform_source(), "synthetic.cu", device));
  RIDGELINE_TRY(cuda::Kernel f32, module.kernel("fill_f32"));
  RIDGELINE_TRY(cuda::Kernel bf16, module.kernel("fill_bf16"));
  RIDGELINE_TRY(cuda::Kernel f16, module.kernel("fill_f16"));
  return std::unique_ptr<DeviceUniform>(new DeviceUniform(device, std::move(module), std::move(f32),
                                                          std::move(bf16), std::move(f16)));
}

DeviceUniform::~DeviceUniform() {
  try {
    synchronize(device_);
  } catch (const c10::Error&) {
    // A failed device has nothing left to wait for, and whoever reads the weights is told.
  }
}

Status DeviceUniform::fill(const at::Tensor& tensor, const Uniform& uniform) const {
  if (tensor.numel() == 0) return {};
  const c10::DeviceGuard guard(device_);
  const bool is_float = tensor.scalar_type() == at::kFloat;
  const cuda::Kernel& kernel = is_float ? f32_ : (tensor.scalar_type() == at::kHalf ? f16_ : bf16_);
  const std::int64_t in_a_block = kUniformThreads * kRun;
  const std::int64_t blocks = (tensor.numel() + in_a_block - 1) / in_a_block;
  return kernel.launch(
      {.blocks = static_cast<unsigned>(std::min(blocks, kMostBlocks)), .threads = kUniformThreads},
      cuda::current_stream(device_), tensor.mutable_data_ptr(), tensor.numel(), uniform.key,
      uniform.center, uniform.half_width);
}

}  // namespace ridgeline::native
