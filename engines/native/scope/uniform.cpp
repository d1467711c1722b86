// Uniform values on the CPU.
#include "engines/native/scope/uniform.hpp"

#include <c10/util/BFloat16.h>
#include <c10/util/Half.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "engines/native/ops/cpu/parallel.hpp"

namespace ridgeline::native {
namespace {

// Elements for which another thread pays.
constexpr std::int64_t kGrain = 1 << 16;
constexpr std::uint64_t kGolden = 0x9e3779b97f4a7c15ull;

// SplitMix64 (Steele, Lea, Flood 2014) as a hash of a counter: any element can be computed alone,
// so the result does not depend on how the work is split.
constexpr std::uint64_t mix(std::uint64_t x) {
  x += kGolden;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ull;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebull;
  return x ^ (x >> 31);
}

std::uint64_t key_of(std::string_view name, std::uint64_t seed) {
  std::uint64_t hash = 0xcbf29ce484222325ull ^ mix(seed);  // FNV-1a over the name
  for (const char c : name) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3ull;
  return mix(hash);
}

// Elements that are made before they are rounded: loops of a fixed length without branches.
constexpr std::int64_t kBlock = 512;

// The same operations in the same order as the kernel in device_uniform.cpp.
void make_block(float* values, std::uint64_t state, const Uniform& uniform) {
  for (std::int64_t i = 0; i < kBlock; ++i, state += kGolden) {
    // The top 24 bits fill a float exactly; the half step centres the grid on zero.
    const auto bits = static_cast<float>(static_cast<std::int32_t>(mix(state) >> 40));
    values[i] = uniform.center + uniform.half_width * ((bits + 0.5f) * (2.f / 16777216.f) - 1.f);
  }
}

template <typename Element>
void fill(Element* data, std::int64_t begin, std::int64_t end, const Uniform& uniform) {
  std::array<float, kBlock> values;
  for (std::int64_t at = begin; at < end; at += kBlock) {
    make_block(values.data(), uniform.key + static_cast<std::uint64_t>(at) * kGolden, uniform);
    const std::int64_t count = std::min(kBlock, end - at);
    for (std::int64_t i = 0; i < count; ++i) {
      data[at + i] = static_cast<Element>(values[static_cast<std::size_t>(i)]);
    }
  }
}

template <typename Element>
void fill_rows(const at::Tensor& flat, const Uniform& uniform) {
  auto* data = flat.data_ptr<Element>();
  ops::cpu::parallel_parts(flat.numel(), kGrain, [&](std::int64_t begin, std::int64_t end) {
    fill(data, begin, end, uniform);
  });
}

}  // namespace

Uniform uniform_for(std::string_view stored, const Shape& shape, Init init, std::uint64_t seed) {
  // Half widths of uniform distributions: sqrt(3) times the standard deviation wanted.
  constexpr float kRoot3 = 1.7320508f;
  const std::uint64_t key = key_of(stored, seed);
  std::int64_t fan_in = 1;
  for (std::size_t i = shape.size() > 1 ? 1 : 0; i < shape.size(); ++i) fan_in *= shape[i];
  switch (init) {
    case Init::kWeight:
      return {key, 0.f, kRoot3 / std::sqrt(static_cast<float>(std::max<std::int64_t>(1, fan_in)))};
    case Init::kEmbedding:
      return {key, 0.f, kRoot3};
    case Init::kNormWeight:
      return {key, 1.f, 0.1f * kRoot3};
    case Init::kBias:
      return {key, 0.f, 0.02f * kRoot3};
  }
  return {key, 0.f, 1.f};
}

bool is_fillable(at::ScalarType dtype) {
  return dtype == at::kFloat || dtype == at::kBFloat16 || dtype == at::kHalf;
}

void fill_uniform(const at::Tensor& tensor, const Uniform& uniform) {
  if (tensor.numel() == 0) return;
  const at::Tensor flat = tensor.view({-1});
  switch (tensor.scalar_type()) {
    case at::kFloat:
      return fill_rows<float>(flat, uniform);
    case at::kBFloat16:
      return fill_rows<c10::BFloat16>(flat, uniform);
    case at::kHalf:
      return fill_rows<c10::Half>(flat, uniform);
    default:
      TORCH_CHECK(false, "synthetic weights of dtype ", tensor.scalar_type());
  }
}

}  // namespace ridgeline::native
