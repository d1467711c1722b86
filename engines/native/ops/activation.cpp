// Activation functions, by their names in config.json.
#include <ATen/ops/gelu.h>
#include <ATen/ops/mul.h>
#include <ATen/ops/relu.h>
#include <ATen/ops/sigmoid.h>
#include <ATen/ops/silu.h>
#include <ATen/ops/tanh.h>
#include <fmt/format.h>

#include <array>

#include "engines/native/ops/charge.hpp"
#include "engines/native/ops/cpu/kernels.hpp"
#include "engines/native/ops/ops.hpp"

namespace ridgeline::native::ops {
namespace {

struct NamedActivation {
  std::string_view name;
  Activation activation;
};

// The names of transformers' ACT2FN that the supported families use.
constexpr std::array kActivations = {
    NamedActivation{"gelu", Activation::kGelu},
    NamedActivation{"gelu_new", Activation::kGeluTanh},
    NamedActivation{"gelu_pytorch_tanh", Activation::kGeluTanh},
    NamedActivation{"gelu_fast", Activation::kGeluTanh},
    NamedActivation{"quick_gelu", Activation::kQuickGelu},
    NamedActivation{"relu", Activation::kRelu},
    NamedActivation{"silu", Activation::kSilu},
    NamedActivation{"swish", Activation::kSilu},
    NamedActivation{"tanh", Activation::kTanh},
};

std::string_view name_of_activation(Activation activation) {
  for (const NamedActivation& row : kActivations) {
    if (row.activation == activation) return row.name;
  }
  return "activation";
}

}  // namespace

Result<Activation> activation_from(std::string_view name) {
  std::string known;
  for (const NamedActivation& row : kActivations) {
    if (row.name == name) return row.activation;
    known += known.empty() ? "" : ", ";
    known += row.name;
  }
  return unsupported(fmt::format("activation '{}' is not supported", name), "known: " + known);
}

namespace {

// Overwrites `x`, which may have any strides.
at::Tensor apply(at::Tensor x, Activation activation) {
  switch (activation) {
    case Activation::kGelu:
      return at::gelu_(x);
    case Activation::kGeluTanh:
      return at::gelu_(x, "tanh");
    case Activation::kQuickGelu:
      return x.mul_(at::sigmoid(at::mul(x, 1.702)));
    case Activation::kRelu:
      return at::relu_(x);
    case Activation::kSilu:
      return at::silu_(x);
    case Activation::kTanh:
      return at::tanh_(x);
  }
  return x;
}

}  // namespace

at::Tensor activate(at::Tensor x, Activation activation) {
  const OpenOp op =
      open_op(name_of_activation(activation), OpClass::kActivation, x, at::Tensor(), [&](Ledger&) {
        OpCost cost;
        cost.flops_elementwise = static_cast<double>(x.numel());
        cost.read_bytes = bytes_of(x);
        cost.written_bytes = bytes_of(x);
        return cost;
      });
  if (x.is_meta()) {
    // The product and its sigmoid live beside x for a moment.
    if (activation == Activation::kQuickGelu) meta_workspace(x, 2 * x.numel());
    return x;
  }
  return apply(std::move(x), activation);
}

at::Tensor gated(const at::Tensor& x, Activation activation) {
  const std::int64_t width = x.size(-1) / 2;
  const OpenOp op = open_op("gated", OpClass::kActivation, x, at::Tensor(), [&](Ledger&) {
    OpCost cost;
    cost.flops_elementwise = static_cast<double>(x.numel());
    cost.read_bytes = bytes_of(x);
    cost.written_bytes = bytes_of(x) / 2;
    return cost;
  });
  if (x.is_meta()) {
    std::vector<std::int64_t> shape = x.sizes().vec();
    shape.back() = width;
    return meta_result(shape, x);
  }
  if (activation == Activation::kSilu && cpu::is_served(x) && x.is_contiguous()) {
    return cpu::silu_gate(x);
  }
  const at::Tensor gate = x.narrow(-1, 0, width);
  const at::Tensor value = x.narrow(-1, width, width);
  // A new tensor for the result: what follows is a product, which wants its rows side by side.
  if (activation == Activation::kSilu) return at::silu(gate).mul_(value);
  return apply(gate.contiguous(), activation).mul_(value);
}

}  // namespace ridgeline::native::ops
