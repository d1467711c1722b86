// Multi-head attention: project, split into heads, attend, merge, project.
#include "engines/native/nn/attention.hpp"

namespace ridgeline::native::nn {
namespace {

// Part `index` of [B, S, parts · heads · head_dim] as a view [B, heads, S, head_dim].
at::Tensor heads_of(const at::Tensor& projected, std::int64_t index, const AttentionShape& shape) {
  const std::int64_t width = shape.heads * shape.head_dim;
  return projected.narrow(-1, index * width, width)
      .unflatten(-1, {shape.heads, shape.head_dim})
      .transpose(1, 2);
}

// [B, heads, S, head_dim] → [B, S, heads · head_dim].
at::Tensor merge_heads(const at::Tensor& attended) {
  return ops::contiguous(attended.transpose(1, 2)).flatten(2);
}

}  // namespace

SelfAttention::SelfAttention(Scope scope, const AttentionNames& names, const AttentionShape& shape)
    : shape_(shape),
      qkv_(scope, {names.query, names.key, names.value}, shape.hidden,
           std::vector<std::int64_t>(3, shape.heads * shape.head_dim),
           {shape.bias, shape.bias && shape.key_bias, shape.bias}),
      output_(scope / names.output, shape.heads * shape.head_dim, shape.hidden, shape.output_bias) {
}

at::Tensor SelfAttention::operator()(const at::Tensor& x, const AttentionContext& context) const {
  const at::Tensor projected = qkv_(x);
  return output_(
      merge_heads(ops::attention(heads_of(projected, 0, shape_), heads_of(projected, 1, shape_),
                                 heads_of(projected, 2, shape_), context.mask, context.options)));
}

at::Tensor SelfAttention::operator()(const at::Tensor& x, const AttentionContext& context,
                                     KvCache& cache, std::int64_t layer) const {
  const at::Tensor projected = qkv_(x);
  const KvCache::View seen =
      cache.append(layer, heads_of(projected, 1, shape_), heads_of(projected, 2, shape_));
  return output_(merge_heads(ops::attention(heads_of(projected, 0, shape_), seen.key, seen.value,
                                            context.mask, context.options)));
}

CrossAttention::CrossAttention(Scope scope, const AttentionNames& names,
                               const AttentionShape& shape)
    : shape_(shape),
      query_(scope / names.query, shape.hidden, shape.heads * shape.head_dim, shape.bias),
      key_value_(scope, {names.key, names.value}, shape.hidden,
                 std::vector<std::int64_t>(2, shape.heads * shape.head_dim),
                 {shape.bias && shape.key_bias, shape.bias}),
      output_(scope / names.output, shape.heads * shape.head_dim, shape.hidden, shape.output_bias) {
}

at::Tensor CrossAttention::operator()(const at::Tensor& x, const at::Tensor& source,
                                      const AttentionContext& context) const {
  return (*this)(x, project(source), context);
}

KvCache::View CrossAttention::project(const at::Tensor& source) const {
  const at::Tensor projected = key_value_(source);
  return {heads_of(projected, 0, shape_), heads_of(projected, 1, shape_)};
}

at::Tensor CrossAttention::operator()(const at::Tensor& x, const KvCache::View& source,
                                      const AttentionContext& context) const {
  return output_(merge_heads(ops::attention(heads_of(query_(x), 0, shape_), source.key,
                                            source.value, context.mask, context.options)));
}

}  // namespace ridgeline::native::nn
