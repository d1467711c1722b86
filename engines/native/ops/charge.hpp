// Helpers that the ops share: stating a cost only when someone listens, and meta results.
#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/ops/empty.h>

#include <string_view>

#include "engines/native/ops/ledger.hpp"

namespace ridgeline::native::ops {

/// Opens an op: keep the returned guard alive for its body. `cost` is called, and so costs
/// anything, only while a ledger is active.
template <typename CostFunction>
[[nodiscard]] ChargeDepth open_op(std::string_view name, OpClass op_class, const at::Tensor& x,
                                  const at::Tensor& weight, CostFunction&& cost) {
  if (Ledger* ledger = Ledger::active()) [[unlikely]] {
    ledger->charge(name, op_class, x.scalar_type(),
                   weight.defined() ? weight.scalar_type() : x.scalar_type(), cost(*ledger));
  }
  return ChargeDepth();
}

/// An empty meta tensor with the options of `like`.
inline at::Tensor meta_result(at::IntArrayRef shape, const at::Tensor& like) {
  return at::empty(shape, like.options());
}

}  // namespace ridgeline::native::ops
