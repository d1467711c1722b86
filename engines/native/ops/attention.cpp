// Scaled dot-product attention with a chosen kernel, and the masks it takes.
#include <ATen/ops/_fused_sdp_choice.h>
#include <ATen/ops/_scaled_dot_product_attention_math.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/eye.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/scaled_dot_product_attention.h>
#include <ATen/ops/zeros.h>

#include <array>
#include <limits>

#include "engines/native/ops/charge.hpp"
#include "engines/native/ops/ops.hpp"

namespace ridgeline::native::ops {
namespace {

// at::SDPBackend of torch 2.11 to 2.13, spelled here because the enum lives in a private header.
constexpr int kMathBackend = 0;
constexpr int kFlashBackend = 1;
constexpr int kEfficientBackend = 2;
constexpr int kCudnnBackend = 3;

std::optional<at::Tensor> optional_mask(const at::Tensor& mask) {
  return mask.defined() ? std::optional<at::Tensor>(mask) : std::nullopt;
}

// The step-by-step kernel adds its mask to the scores, and would add 1 for a boolean "attend".
std::optional<at::Tensor> additive_mask(const at::Tensor& mask, at::ScalarType dtype) {
  if (!mask.defined() || mask.scalar_type() != at::kBool) return optional_mask(mask);
  constexpr double kNever = -std::numeric_limits<double>::infinity();
  return at::zeros(mask.sizes(), mask.options().dtype(dtype))
      .masked_fill_(mask.logical_not(), kNever);
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

at::Tensor attend(const at::Tensor& query, const at::Tensor& key, const at::Tensor& value,
                  const at::Tensor& mask, const AttentionOptions& options) {
  const bool grouped = query.size(1) != key.size(1);
  if (options.kernel == AttentionKernel::kMath) {
    return std::get<0>(at::_scaled_dot_product_attention_math(
        query, key, value, additive_mask(mask, query.scalar_type()), 0.0, options.causal,
        std::nullopt, options.scale, grouped));
  }
  // `flash` was checked when the workload was planned: here ATen's own choice is that kernel.
  return at::scaled_dot_product_attention(query, key, value, optional_mask(mask), 0.0,
                                          options.causal, options.scale, grouped);
}

}  // namespace

at::Tensor attention(const at::Tensor& query, const at::Tensor& key, const at::Tensor& value,
                     const at::Tensor& mask, const AttentionOptions& options) {
  const ChargeDepth op =
      open_op("attention", OpClass::kAttention, query, at::Tensor(),
              [&](Ledger&) { return attention_cost(query, key, value, mask, options.causal); });
  if (query.is_meta()) return meta_attended(query, value, options.kernel);
  // One query sees all keys, so that `causal` asks for nothing; ATen would align it to the first.
  AttentionOptions chosen = options;
  chosen.causal = options.causal && query.size(2) > 1;
  if (groups_are_rows(query, key, mask)) {
    const std::int64_t group = query.size(1) / key.size(1);
    const std::array<std::int64_t, 4> shape = {query.size(0), query.size(1), 1, value.size(3)};
    return attend(query.reshape({query.size(0), key.size(1), group, query.size(3)}), key, value,
                  mask, chosen)
        .reshape(shape);
  }
  return attend(query, key, value, mask, chosen);
}

std::string_view attention_kernel_name(const at::Tensor& query, const at::Tensor& key,
                                       const at::Tensor& value, const at::Tensor& mask,
                                       const AttentionOptions& options) {
  if (options.kernel == AttentionKernel::kMath) return "math";
  switch (at::_fused_sdp_choice(query, key, value, optional_mask(mask), 0.0, options.causal,
                                options.scale, query.size(1) != key.size(1))) {
    case kMathBackend:
      return "math";
    case kFlashBackend:
      return "flash";
    case kEfficientBackend:
      return "efficient";
    case kCudnnBackend:
      return "cudnn";
    default:
      return "other";
  }
}

at::Tensor attention_mask(const at::Tensor& key_mask) {
  const std::int64_t batch = key_mask.size(0);
  const std::int64_t keys = key_mask.size(1);
  const ChargeDepth op = open_op("attention_mask", OpClass::kMovement, key_mask, at::Tensor(),
                                 [&](Ledger&) { return mask_cost(key_mask, 1, keys); });
  if (key_mask.is_meta()) {
    return at::empty({batch, 1, 1, keys}, key_mask.options().dtype(at::kBool));
  }
  return key_mask.ne(0).view({batch, 1, 1, keys});
}

at::Tensor causal_mask(const at::Tensor& key_mask, std::int64_t sequence, std::int64_t window,
                       at::Device device) {
  const at::Tensor shape_like = key_mask.defined() ? key_mask : at::empty({1, 0}, device);
  const ChargeDepth op =
      open_op("attention_mask", OpClass::kMovement, shape_like, at::Tensor(),
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
