// Synthetic weights: uniform values, made on the device that they are for; and the meta source.
#include <ATen/ops/empty.h>

#include <memory>
#include <optional>

#include "engines/native/scope/device_uniform.hpp"
#include "engines/native/scope/source.hpp"
#include "engines/native/scope/uniform.hpp"

namespace ridgeline::native {
namespace {

class SyntheticSource final : public Source {
 public:
  explicit SyntheticSource(std::uint64_t seed) : seed_(seed) {}

  std::string_view name() const override { return "synthetic"; }
  bool has(std::string_view) const override { return true; }
  std::optional<Shape> shape_of(std::string_view) const override { return std::nullopt; }
  bool same_bytes(std::string_view, std::string_view) const override { return false; }
  std::vector<std::string> names() const override { return {}; }
  std::string note() const override { return note_; }

  Result<at::Tensor> read(std::string_view stored, const Shape& shape, Init init,
                          const Placement& placement) override {
    const Uniform uniform = uniform_for(stored, shape, init, seed_);
    // Dtypes without a generator of their own are rounded from float32.
    const at::ScalarType made = is_fillable(placement.dtype) ? placement.dtype : at::kFloat;
    if (open_device(placement.device)) {
      const at::Tensor tensor = at::empty(shape, options(made, placement.device));
      RIDGELINE_CHECK(on_device_->fill(tensor, uniform));
      return tensor.to(placement.dtype);
    }
    const at::Tensor tensor = at::empty(shape, options(made, at::kCPU));
    fill_uniform(tensor, uniform);
    return tensor.to(placement.device, placement.dtype);
  }

 private:
  static at::TensorOptions options(at::ScalarType dtype, at::Device device) {
    return at::TensorOptions().dtype(dtype).device(device);
  }

  // Whether the device can make the values itself; tried once.
  bool open_device(at::Device device) {
    if (device.is_cpu()) return false;
    if (tried_) return on_device_ != nullptr;
    tried_ = true;
    auto opened = DeviceUniform::open(device);
    if (opened) {
      on_device_ = std::move(*opened);
    } else {
      note_ = "synthetic weights were made by the CPU and copied: " + opened.error().line();
    }
    return on_device_ != nullptr;
  }

  std::uint64_t seed_;
  bool tried_ = false;
  std::unique_ptr<DeviceUniform> on_device_;
  std::string note_;
};

class MetaSource final : public Source {
 public:
  std::string_view name() const override { return "meta"; }
  bool has(std::string_view) const override { return true; }
  std::optional<Shape> shape_of(std::string_view) const override { return std::nullopt; }
  bool same_bytes(std::string_view, std::string_view) const override { return false; }
  std::vector<std::string> names() const override { return {}; }

  Result<at::Tensor> read(std::string_view, const Shape& shape, Init,
                          const Placement& placement) override {
    return at::empty(shape, at::TensorOptions().dtype(placement.dtype).device(at::kMeta));
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
