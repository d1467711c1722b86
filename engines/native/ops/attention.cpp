// Scaled dot-product attention with a chosen kernel, and the masks it takes.
#include <ATen/SDPBackend.h>
#include <ATen/ops/_fused_sdp_choice.h>
#include <ATen/ops/_scaled_dot_product_attention_math.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/eye.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/scaled_dot_product_attention.h>
#include <ATen/ops/zeros.h>

#include <array>
#include <cmath>
#include <limits>

#include "engines/native/ops/charge.hpp"
#include "engines/native/ops/cpu/kernels.hpp"
#include "engines/native/ops/ops.hpp"

namespace ridgeline::native::ops {
namespace {

// What one call of ATen gets.
struct Call {
  at::Tensor query, key, value, mask;
  bool causal;
  std::optional<double> scale;

  bool grouped() const { return query.size(1) != key.size(1); }
};

std::optional<at::Tensor> optional_mask(const at::Tensor& mask) {
  return mask.defined() ? std::optional<at::Tensor>(mask) : std::nullopt;
}

at::Tensor add_of(const at::Tensor& mask, at::ScalarType dtype) {
  // cuDNN makes NaN of infinities, and all dtypes of models hold this value; its exponential is 0.
  constexpr double kCudaNever = -65504.0;
  constexpr double kNever = -std::numeric_limits<double>::infinity();
  return at::zeros(mask.sizes(), mask.options().dtype(dtype))
      .masked_fill_(mask.logical_not(), mask.is_cuda() ? kCudaNever : kNever);
}

OpCost attention_cost(const at::Tensor& query, const at::Tensor& key, const at::Tensor& value,
                      const at::Tensor& mask, bool causal) {
  const double heads = static_cast<double>(query.size(0) * query.size(1));
  const double pairs = static_cast<double>(query.size(2)) * static_cast<double>(key.size(2));
  const double per_pair = 2.0 * static_cast<double>(query.size(3) + value.size(3));
  // Query i of Sq sees Sk - Sq + i + 1 keys when causal.
  const double seen =
      causal ? static_cast<double>(query.size(2)) *
                   (static_cast<double>(key.size(2)) - 0.5 * static_cast<double>(query.size(2) - 1))
             : pairs;
  OpCost cost;
  cost.flops = heads * pairs * per_pair;
  cost.flops_minimum = heads * seen * per_pair;
  // Scale, maximum, subtraction, exponential, sum and division of each score.
  cost.flops_elementwise = 6.0 * heads * pairs;
  const double scores = heads * pairs * query.element_size();
  // Unfused, the scores are written by the first product, read and written by the softmax, and read
  // by the second product.
  cost.read_bytes =
      bytes_of(query) + bytes_of(key) + bytes_of(value) + bytes_of(mask) + 2.0 * scores;
  cost.written_bytes =
      bytes_of(query) / static_cast<double>(query.size(3)) * static_cast<double>(value.size(3)) +
      2.0 * scores;
  return cost;
}

// Fused kernels lay their result out as [B, Sq, H, D], so that merging the heads is a view; the
// step by step one does not.
at::Tensor meta_attended(const at::Tensor& query, const at::Tensor& value, AttentionKernel kernel) {
  if (kernel == AttentionKernel::kMath) {
    return meta_result({query.size(0), query.size(1), query.size(2), value.size(3)}, query);
  }
  return meta_result({query.size(0), query.size(2), query.size(1), value.size(3)}, query)
      .transpose(1, 2);
}

// A boolean mask of [queries, keys] a row of `key_mask` [B, S].
OpCost mask_cost(const at::Tensor& key_mask, std::int64_t queries, std::int64_t keys) {
  OpCost cost;
  cost.read_bytes = bytes_of(key_mask);
  cost.written_bytes = static_cast<double>(key_mask.size(0) * queries * keys);
  return cost;
}

// Queries that share a key head and are one position each, seen as positions of one query head: the
// product then reads each key once for the whole group.
bool groups_are_rows(const at::Tensor& query, const at::Tensor& key, const at::Tensor& mask) {
  return query.size(1) != key.size(1) && query.size(2) == 1 &&
         (!mask.defined() || mask.size(1) == 1);
}

Call call_of(const at::Tensor& query, const at::Tensor& key, const at::Tensor& value,
             const at::Tensor& mask, const AttentionOptions& options) {
  // One query sees all keys, so that `causal` asks for nothing; ATen would align it to the first.
  const bool causal = options.causal && query.size(2) > 1;
  if (!groups_are_rows(query, key, mask)) return {query, key, value, mask, causal, options.scale};
  const std::int64_t group = query.size(1) / key.size(1);
  return {query.reshape({query.size(0), key.size(1), group, query.size(3)}),
          key,
          value,
          mask,
          causal,
          options.scale};
}

AttentionKernel wanted_for(const at::Tensor& query, const at::Tensor& key, const at::Tensor& mask,
                           const AttentionOptions& options) {
  return options.kernel.of(attention_case(query, key, mask, options.causal));
}

// What ATen runs for a call; nothing for an implementation that has no name here.
std::optional<AttentionKernel> atens_choice(const Call& call) {
  const auto chosen = static_cast<at::SDPBackend>(
      at::_fused_sdp_choice(call.query, call.key, call.value, optional_mask(call.mask), 0.0,
                            call.causal, call.scale, call.grouped()));
  switch (chosen) {
    case at::SDPBackend::math:
      return AttentionKernel::kMath;
    case at::SDPBackend::flash_attention:
      return AttentionKernel::kFlash;
    case at::SDPBackend::efficient_attention:
      return AttentionKernel::kEfficient;
    case at::SDPBackend::cudnn_attention:
      return AttentionKernel::kCudnn;
    default:
      return std::nullopt;
  }
}

// The way of a call on CUDA, which then has its heads repeated where that way asks for it.
AttentionWay find_way(Call& call, AttentionKernel wanted) {
  Call wide = call;
  const auto ask = [&](AttentionKernel pinned, bool repeated) {
    if (repeated && wide.grouped()) {
      wide.key = repeat_heads(call.key, call.query.size(1));
      wide.value = repeat_heads(call.value, call.query.size(1));
    }
    std::optional<PinnedAttention> pin;
    if (pinned != AttentionKernel::kAuto) pin.emplace(pinned);
    return atens_choice(repeated ? wide : call).value_or(AttentionKernel::kMath);
  };
  const AttentionWay way = find_way(wanted, call.grouped(), ask);
  if (way.repeat) call = std::move(wide);
  return way;
}

at::Tensor fused(const Call& call) {
  return at::scaled_dot_product_attention(call.query, call.key, call.value,
                                          optional_mask(call.mask), 0.0, call.causal, call.scale,
                                          call.grouped());
}

at::Tensor attend(Call call, AttentionKernel wanted) {
  if (wanted == AttentionKernel::kMath) {
    // It adds its mask to the scores, and would add 1 for a boolean "attend".
    const bool boolean = call.mask.defined() && call.mask.scalar_type() == at::kBool;
    const at::Tensor mask = boolean ? add_of(call.mask, call.query.scalar_type()) : call.mask;
    return std::get<0>(at::_scaled_dot_product_attention_math(
        call.query, call.key, call.value, optional_mask(mask), 0.0, call.causal, std::nullopt,
        call.scale, call.grouped()));
  }
  // The CPU has one fused implementation, and ATen takes it wherever it can.
  const bool as_it_is = wanted == AttentionKernel::kAuto && !call.grouped();
  if (as_it_is || !call.query.is_cuda()) return fused(call);
  const AttentionWay way = find_way(call, wanted);
  if (way.pinned == AttentionKernel::kAuto) return fused(call);
  const PinnedAttention pin(way.pinned);
  return fused(call);
}

}  // namespace

AttentionCase attention_case(const at::Tensor& query, const at::Tensor& key, const at::Tensor& mask,
                             bool causal) {
  return {.batch = query.size(0),
          .heads = query.size(1),
          .key_heads = key.size(1),
          .queries = query.size(2),
          .keys = key.size(2),
          .head_dim = query.size(3),
          .mask = mask.defined(),
          .causal = causal && query.size(2) > 1};
}

at::Tensor attention(const at::Tensor& query, const at::Tensor& key, const at::Tensor& value,
                     const at::Tensor& mask, const AttentionOptions& options) {
  const OpenOp op = open_op("attention", OpClass::kAttention, query, at::Tensor(), [&](Ledger&) {
    return attention_cost(query, key, value, mask, options.causal);
  });
  const AttentionKernel wanted = wanted_for(query, key, mask, options);
  if (query.is_meta()) return meta_attended(query, value, wanted);
  if (wanted == AttentionKernel::kAuto && cpu::can_attend(query, key, value, mask)) {
    return cpu::attend(query, key, value, mask,
                       options.scale.value_or(1.0 / std::sqrt(static_cast<double>(query.size(3)))));
  }
  const at::Tensor attended = attend(call_of(query, key, value, mask, options), wanted);
  if (!groups_are_rows(query, key, mask)) return attended;
  const std::array<std::int64_t, 4> shape = {query.size(0), query.size(1), 1, value.size(3)};
  return attended.reshape(shape);
}

std::string_view attention_kernel_name(const at::Tensor& query, const at::Tensor& key,
                                       const at::Tensor& value, const at::Tensor& mask,
                                       const AttentionOptions& options) {
  const AttentionKernel wanted = wanted_for(query, key, mask, options);
  if (wanted == AttentionKernel::kMath) return name_of(wanted);
  Call call = call_of(query, key, value, mask, options);
  if (query.is_cuda()) return name_of(find_way(call, wanted).runs);
  const auto chosen = atens_choice(call);
  return chosen ? name_of(*chosen) : "other";
}

at::Tensor repeat_heads(const at::Tensor& x, std::int64_t heads) {
  const std::int64_t group = heads / x.size(1);
  return x.unsqueeze(2)
      .expand({x.size(0), x.size(1), group, x.size(2), x.size(3)})
      .reshape({x.size(0), heads, x.size(2), x.size(3)});
}

at::Tensor additive_mask(const at::Tensor& mask, at::ScalarType dtype) {
  const OpenOp op = open_op("attention_mask", OpClass::kMovement, mask, at::Tensor(), [&](Ledger&) {
    OpCost cost;
    cost.read_bytes = bytes_of(mask);
    cost.written_bytes =
        static_cast<double>(mask.numel()) * static_cast<double>(c10::elementSize(dtype));
    return cost;
  });
  if (mask.is_meta()) return at::empty(mask.sizes(), mask.options().dtype(dtype));
  return add_of(mask, dtype);
}

at::Tensor attention_mask(const at::Tensor& key_mask) {
  const std::int64_t batch = key_mask.size(0);
  const std::int64_t keys = key_mask.size(1);
  const OpenOp op = open_op("attention_mask", OpClass::kMovement, key_mask, at::Tensor(),
                            [&](Ledger&) { return mask_cost(key_mask, 1, keys); });
  if (key_mask.is_meta()) {
    return at::empty({batch, 1, 1, keys}, key_mask.options().dtype(at::kBool));
  }
  return key_mask.ne(0).view({batch, 1, 1, keys});
}

at::Tensor causal_mask(const at::Tensor& key_mask, std::int64_t sequence, std::int64_t window,
                       at::Device device) {
  const at::Tensor shape_like = key_mask.defined() ? key_mask : at::empty({1, 0}, device);
  const OpenOp op = open_op("attention_mask", OpClass::kMovement, shape_like, at::Tensor(),
                            [&](Ledger&) { return mask_cost(shape_like, sequence, sequence); });
  const auto boolean = at::TensorOptions().dtype(at::kBool).device(device);
  if (device.is_meta()) return at::empty({shape_like.size(0), 1, sequence, sequence}, boolean);
  at::Tensor seen = at::ones({sequence, sequence}, boolean).tril_();
  if (window > 0) seen.triu_(1 - window);
  seen = seen.view({1, 1, sequence, sequence});
  if (!key_mask.defined()) return seen;
  const at::Tensor allowed =
      key_mask.ne(0).view({key_mask.size(0), 1, 1, sequence}).logical_and(seen);
  const at::Tensor self = at::eye(sequence, boolean).view({1, 1, sequence, sequence});
  return allowed.logical_or(self.logical_and(allowed.any(-1, true).logical_not()));
}

}  // namespace ridgeline::native::ops
