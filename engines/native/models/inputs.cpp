// Checking inputs that a user gave, and making synthetic ones, from a model's input specification.
#include <ATen/CPUGeneratorImpl.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/randint.h>
#include <ATen/ops/randn.h>
#include <c10/core/ScalarType.h>
#include <fmt/format.h>

#include "engines/native/models/model.hpp"

namespace ridgeline::native {
namespace {

bool fits(const Shape& wanted, at::IntArrayRef got) {
  if (wanted.size() != got.size()) return false;
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    if (wanted[i] != -1 && wanted[i] != got[i]) return false;
  }
  return true;
}

Result<at::Tensor> check_flag(const InputSpec& spec, const at::Tensor& tensor) {
  if (tensor.dim() > 1 || tensor.numel() != 1) {
    return bad_input(fmt::format("input '{}' is {}, expected [] or [1]", spec.name,
                                 to_string(tensor.sizes().vec())));
  }
  if (tensor.is_floating_point()) {
    return bad_input(fmt::format("input '{}' must be true or false", spec.name));
  }
  return tensor.reshape(at::IntArrayRef()).ne(0).to(at::kLong);
}

Result<at::Tensor> check_one(const InputSpec& spec, const at::Tensor& tensor,
                             at::ScalarType dtype) {
  if (spec.kind == InputSpec::Kind::kFlag) return check_flag(spec, tensor);
  if (!fits(spec.shape, tensor.sizes())) {
    return bad_input(fmt::format("input '{}' is {}, expected {}", spec.name,
                                 to_string(tensor.sizes().vec()), to_string(spec.shape)));
  }
  if (spec.kind == InputSpec::Kind::kFeatures) {
    if (!tensor.is_floating_point()) {
      return bad_input(fmt::format("input '{}' must hold floating-point values", spec.name));
    }
    return tensor.to(dtype);
  }
  if (tensor.is_floating_point() && spec.kind == InputSpec::Kind::kIds) {
    return bad_input(fmt::format("input '{}' must hold integers", spec.name));
  }
  const at::Tensor integers = tensor.to(at::kLong);
  if (spec.kind == InputSpec::Kind::kIds && integers.numel() > 0) {
    const auto lowest = integers.min().item<std::int64_t>();
    const auto highest = integers.max().item<std::int64_t>();
    if (lowest < spec.low || highest >= spec.high) {
      return bad_input(fmt::format("input '{}' holds {} outside [{}, {})", spec.name,
                                   lowest < spec.low ? lowest : highest, spec.low, spec.high));
    }
  }
  return integers;
}

}  // namespace

const at::Tensor* find(const NamedTensors& tensors, std::string_view name) {
  for (const auto& [key, tensor] : tensors) {
    if (key == name) return &tensor;
  }
  return nullptr;
}

Result<NamedTensors> check_inputs(const std::vector<InputSpec>& specs, const NamedTensors& inputs,
                                  at::ScalarType dtype) {
  NamedTensors checked;
  for (const InputSpec& spec : specs) {
    const at::Tensor* tensor = find(inputs, spec.name);
    if (tensor == nullptr) {
      if (spec.required) return bad_input(fmt::format("input '{}' is missing", spec.name));
      continue;
    }
    RIDGELINE_TRY(at::Tensor ready, check_one(spec, *tensor, dtype));
    checked.emplace_back(spec.name, std::move(ready));
  }
  for (const auto& [name, tensor] : inputs) {
    if (find(checked, name) != nullptr) continue;
    std::string known;
    for (const InputSpec& spec : specs) known += (known.empty() ? "" : ", ") + spec.name;
    return bad_input(fmt::format("input '{}' is not one this model takes", name),
                     "it takes " + known);
  }
  return checked;
}

NamedTensors synthetic_inputs(const std::vector<InputSpec>& specs, std::uint64_t seed,
                              at::ScalarType dtype, bool meta) {
  NamedTensors inputs;
  at::Generator generator = at::detail::createCPUGenerator(seed);
  for (const InputSpec& spec : specs) {
    if (!spec.synthetic) continue;
    const bool features = spec.kind == InputSpec::Kind::kFeatures;
    at::Tensor tensor;
    if (meta) {
      tensor = at::empty(spec.shape,
                         at::TensorOptions().dtype(features ? dtype : at::kLong).device(at::kMeta));
    } else if (features) {
      tensor = at::randn(spec.shape, generator).to(dtype);
    } else if (spec.kind == InputSpec::Kind::kMask || spec.kind == InputSpec::Kind::kFlag) {
      tensor = at::ones(spec.shape, at::kLong);
    } else {
      tensor = at::randint(spec.low, spec.high, spec.shape, generator,
                           at::TensorOptions().dtype(at::kLong));
    }
    inputs.emplace_back(spec.name, std::move(tensor));
  }
  return inputs;
}

}  // namespace ridgeline::native
