// Synthetic weights: uniform values from a counter-based generator, and the meta source.
#include <ATen/Parallel.h>
#include <ATen/ops/empty.h>

#include <cmath>

#include "engines/native/scope/source.hpp"

namespace ridgeline::native {
namespace {

// SplitMix64 (Steele, Lea, Flood 2014) as a hash of a counter: any element can be computed alone,
// so the result does not depend on how the work is split.
std::uint64_t mix(std::uint64_t x) {
  x += 0x9e3779b97f4a7c15ull;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ull;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebull;
  return x ^ (x >> 31);
}

std::uint64_t key_of(std::string_view name, std::uint64_t seed) {
  std::uint64_t hash = 0xcbf29ce484222325ull ^ mix(seed);  // FNV-1a over the name
  for (const char c : name) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3ull;
  return mix(hash);
}

struct Distribution {
  float center;
  float half_width;
};

// Half widths of uniform distributions: sqrt(3) times the standard deviation wanted.
Distribution distribution_of(Init init, std::int64_t fan_in) {
  constexpr float kRoot3 = 1.7320508f;
  switch (init) {
    case Init::kWeight:
      return {0.f, kRoot3 / std::sqrt(static_cast<float>(std::max<std::int64_t>(1, fan_in)))};
    case Init::kEmbedding:
      return {0.f, kRoot3};
    case Init::kNormWeight:
      return {1.f, 0.1f * kRoot3};
    case Init::kBias:
      return {0.f, 0.02f * kRoot3};
  }
  return {0.f, 1.f};
}

float uniform(std::uint64_t key, std::uint64_t index, Distribution d) {
  // The top 24 bits fill a float exactly; the half step centres the grid on zero.
  const auto bits = static_cast<float>(mix(key + index * 0x9e3779b97f4a7c15ull) >> 40);
  return d.center + d.half_width * ((bits + 0.5f) * (2.f / 16777216.f) - 1.f);
}

class SyntheticSource final : public Source {
 public:
  explicit SyntheticSource(std::uint64_t seed) : seed_(seed) {}

  std::string_view name() const override { return "synthetic"; }
  bool has(std::string_view) const override { return true; }
  std::optional<Shape> shape_of(std::string_view) const override { return std::nullopt; }
  bool same_bytes(std::string_view, std::string_view) const override { return false; }
  std::vector<std::string> names() const override { return {}; }

  Result<at::Tensor> read(std::string_view stored, const Shape& shape, Init init,
                          at::ScalarType dtype) override {
    at::Tensor tensor = at::empty(shape, at::TensorOptions().dtype(at::kFloat));
    const std::int64_t fan_in = shape.size() > 1 ? tensor.numel() / shape[0] : tensor.numel();
    const Distribution distribution = distribution_of(init, fan_in);
    const std::uint64_t key = key_of(stored, seed_);
    float* data = tensor.data_ptr<float>();
    at::parallel_for(0, tensor.numel(), 1 << 16, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t i = begin; i < end; ++i) {
        data[i] = uniform(key, static_cast<std::uint64_t>(i), distribution);
      }
    });
    return tensor.to(dtype);
  }

 private:
  std::uint64_t seed_;
};

class MetaSource final : public Source {
 public:
  std::string_view name() const override { return "meta"; }
  bool has(std::string_view) const override { return true; }
  std::optional<Shape> shape_of(std::string_view) const override { return std::nullopt; }
  bool same_bytes(std::string_view, std::string_view) const override { return false; }
  std::vector<std::string> names() const override { return {}; }

  Result<at::Tensor> read(std::string_view, const Shape& shape, Init,
                          at::ScalarType dtype) override {
    return at::empty(shape, at::TensorOptions().dtype(dtype).device(at::kMeta));
  }
};

}  // namespace

std::unique_ptr<Source> synthetic_source(std::uint64_t seed) {
  return std::make_unique<SyntheticSource>(seed);
}

std::unique_ptr<Source> meta_source() {
  return std::make_unique<MetaSource>();
}

}  // namespace ridgeline::native
