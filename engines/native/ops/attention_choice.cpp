// Looking up the implementation of attention for a call, and telling torch.
#include "engines/native/ops/attention_choice.hpp"

#include <ATen/Context.h>
#include <ATen/SDPBackend.h>

#include <algorithm>
#include <cstdlib>

namespace ridgeline::native::ops {
namespace {

at::SDPBackend backend_of(AttentionKernel kernel) {
  switch (kernel) {
    case AttentionKernel::kFlash:
      return at::SDPBackend::flash_attention;
    case AttentionKernel::kCudnn:
      return at::SDPBackend::cudnn_attention;
    case AttentionKernel::kEfficient:
      return at::SDPBackend::efficient_attention;
    default:
      return at::SDPBackend::math;
  }
}

std::vector<std::int64_t> priorities() {
  std::vector<std::int64_t> order;
  for (const at::SDPBackend backend : at::globalContext().sDPPriorityOrder()) {
    order.push_back(static_cast<std::int64_t>(backend));
  }
  return order;
}

}  // namespace

std::string_view name_of(AttentionKernel kernel) {
  switch (kernel) {
    case AttentionKernel::kAuto:
      return "auto";
    case AttentionKernel::kFlash:
      return "flash";
    case AttentionKernel::kCudnn:
      return "cudnn";
    case AttentionKernel::kEfficient:
      return "efficient";
    case AttentionKernel::kMath:
      return "math";
  }
  return "auto";
}

AttentionKernel AttentionChoice::of(const AttentionCase& call) const {
  if (!table_) return kernel_;
  AttentionKernel found = AttentionKernel::kAuto;
  std::int64_t nearest = -1;
  for (const auto& [planned, kernel] : *table_) {
    AttentionCase same_keys = planned;
    if (call.queries == 1) same_keys.keys = call.keys;
    if (same_keys != call) continue;
    const std::int64_t distance = std::abs(planned.keys - call.keys);
    if (nearest >= 0 && distance >= nearest) continue;
    nearest = distance;
    found = kernel;
  }
  return found;
}

AttentionWay find_way(AttentionKernel wanted, bool grouped,
                      const std::function<AttentionKernel(AttentionKernel, bool)>& ask) {
  if (wanted == AttentionKernel::kMath) return {wanted, false, wanted};
  for (const AttentionKernel pinned : {wanted, AttentionKernel::kAuto}) {
    AttentionKernel runs = ask(pinned, false);
    if (runs != AttentionKernel::kMath) return {pinned, false, runs};
    if (!grouped) continue;
    runs = ask(pinned, true);
    if (runs != AttentionKernel::kMath) return {pinned, true, runs};
  }
  return {AttentionKernel::kAuto, false, AttentionKernel::kMath};
}

PinnedAttention::PinnedAttention(AttentionKernel kernel) {
  at::Context& context = at::globalContext();
  flash_ = context.userEnabledFlashSDP();
  efficient_ = context.userEnabledMemEfficientSDP();
  cudnn_ = context.userEnabledCuDNNSDP();
  math_ = context.userEnabledMathSDP();
  order_ = priorities();
  context.setSDPUseFlash(kernel == AttentionKernel::kFlash);
  context.setSDPUseMemEfficient(kernel == AttentionKernel::kEfficient);
  context.setSDPUseCuDNN(kernel == AttentionKernel::kCudnn);
  context.setSDPUseMath(true);
  pinned_ = order_;
  const auto math = static_cast<std::int64_t>(at::SDPBackend::math);
  const auto first = static_cast<std::int64_t>(backend_of(kernel));
  // Torch's order on some devices has math before cuDNN.
  std::stable_sort(pinned_.begin(), pinned_.end(), [&](std::int64_t a, std::int64_t b) {
    const auto rank = [&](std::int64_t one) { return one == first ? 0 : one == math ? 2 : 1; };
    return rank(a) < rank(b);
  });
  context.setSDPPriorityOrder(pinned_);
}

PinnedAttention::~PinnedAttention() {
  at::Context& context = at::globalContext();
  context.setSDPUseFlash(flash_);
  context.setSDPUseMemEfficient(efficient_);
  context.setSDPUseCuDNN(cudnn_);
  context.setSDPUseMath(math_);
  // The first choice on a device may set torch's own order for that device, once: that one stays.
  if (priorities() == pinned_) context.setSDPPriorityOrder(order_);
}

}  // namespace ridgeline::native::ops
