// Helpers that the ops share: stating a cost only when someone listens, and meta results.
#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/ops/empty.h>

#include <string_view>

#include "engines/native/ops/ledger.hpp"
#include "engines/native/ops/op_observer.hpp"

namespace ridgeline::native::ops {

/// The body of an op: within it no arithmetic bypasses the ledger, and an observer is told its end.
/// Costs two branches when nobody listens.
class [[nodiscard]] OpenOp {
 public:
  explicit OpenOp(OpObserver* observer) : observer_(observer) {}
  ~OpenOp() {
    if (observer_ != nullptr) [[unlikely]]
      observer_->end();
  }
  OpenOp(const OpenOp&) = delete;
  OpenOp& operator=(const OpenOp&) = delete;

 private:
  ChargeDepth depth_;
  OpObserver* observer_;
};

/// Opens an op: keep the returned guard alive for its body. `cost` is called, and so costs
/// anything, only while a ledger is active.
template <typename CostFunction>
OpenOp open_op(std::string_view name, OpClass op_class, const at::Tensor& x,
               const at::Tensor& weight, CostFunction&& cost) {
  if (Ledger* ledger = Ledger::active()) [[unlikely]] {
    ledger->charge(name, op_class, x.scalar_type(),
                   weight.defined() ? weight.scalar_type() : x.scalar_type(), cost(*ledger));
  }
  OpObserver* const observer = OpObserver::active();
  if (observer != nullptr) [[unlikely]]
    observer->begin(name, op_class, x.scalar_type());
  return OpenOp(observer);
}

/// An empty meta tensor with the options of `like`. An op that overwrites its input returns that
/// instead, as the real one does: what lives at once is counted.
inline at::Tensor meta_result(at::IntArrayRef shape, const at::Tensor& like) {
  return at::empty(shape, like.options());
}

/// What an op takes beside its result and gives back before it returns: `elements` of the dtype of
/// `like`. Only the memory of a cost sees it.
inline void meta_workspace(const at::Tensor& like, std::int64_t elements) {
  at::empty({elements}, like.options());
}

}  // namespace ridgeline::native::ops
