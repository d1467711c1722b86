// Prompt, one token after the other, and what both share.
#include "engines/native/models/causal_decoding.hpp"

#include <ATen/TensorOperators.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/ones.h>

#include "engines/native/ops/ops.hpp"

namespace ridgeline::native {

at::TensorOptions CausalStack::activations() const {
  const at::Tensor& weight = decoder->table();
  return at::TensorOptions().dtype(weight.scalar_type()).device(weight.device());
}

nn::AttentionContext CausalStack::prompt_context(const CausalPrompt& prompt) const {
  nn::AttentionContext context;
  context.options.kernel = attention;
  const std::int64_t sequence = prompt.ids.size(1);
  const bool slides = window > 0 && sequence > window;
  context.options.causal = !prompt.mask.defined() && !slides;
  if (!context.options.causal) {
    const at::Tensor seen =
        ops::causal_mask(prompt.mask, sequence, slides ? window : 0, prompt.ids.device());
    context.mask = ops::additive_mask(seen, activations().dtype().toScalarType());
  }
  return context;
}

fused::DecoderTensors CausalStack::tensors() const {
  fused::DecoderTensors all{
      .table = decoder->table(), .layers = {}, .last_norm = decoder->last_norm(), .head = *head};
  for (const nn::GatedDecoderLayer& layer : decoder->layers()) {
    all.layers.push_back(layer.tensors());
  }
  return all;
}

CausalDecoding::CausalDecoding(CausalStack stack, CausalPrompt prompt,
                               const nn::KvCacheShape& shape, const fused::DecodeKernels* kernels)
    : stack_(std::move(stack)), prompt_(std::move(prompt)), cache_(shape, stack_.activations()) {
  if (kernels != nullptr) fused_step_ = kernels->step(stack_.tensors());
  const std::int64_t sequence = prompt_.ids.size(1);
  if (prompt_.mask.defined()) {
    // Positions as generate() derives them: padding does not count.
    const at::Tensor counted =
        (prompt_.mask.ne(0).to(at::kLong).cumsum(1) - 1).masked_fill_(prompt_.mask.eq(0), 0);
    const at::Tensor next = counted.select(1, sequence - 1).unsqueeze(1) + 1 +
                            at::arange(shape.capacity - sequence, counted.options()).unsqueeze(0);
    positions_ = at::cat({counted, next}, 1);
    valid_ = at::cat({prompt_.mask.ne(0), at::ones({batch(), shape.capacity - sequence},
                                                   prompt_.mask.options().dtype(at::kBool))},
                     1)
                 .view({batch(), 1, 1, shape.capacity});
  }
  if (!stack_.rotary->depends_on_length(shape.capacity)) table_ = turn(0, shape.capacity);
}

// Angles of tokens [begin, begin + count) of every row.
nn::Rotary::Angles CausalDecoding::turn(std::int64_t begin, std::int64_t count) const {
  const at::TensorOptions options = stack_.activations();
  if (!positions_.defined()) {
    return stack_.rotary->range(begin, count, begin + count, options);
  }
  const at::Tensor positions = positions_.narrow(1, begin, count);
  const std::int64_t length = positions.max().item<std::int64_t>() + 1;
  return at_positions(stack_.rotary->range(0, length, length, options), positions);
}

nn::Rotary::Angles CausalDecoding::angles(std::int64_t begin, std::int64_t count) const {
  return table_.cosine.defined() ? at_range(table_, begin, count) : turn(begin, count);
}

// Which slots of the cache hold tokens that may be seen, [B, 1, 1, visible].
at::Tensor CausalDecoding::slots_seen(std::int64_t visible) const {
  if (!valid_.defined()) return valid_;
  const std::int64_t tokens = cache_.length() + 1;
  if (tokens <= cache_.slots()) return valid_.narrow(3, 0, visible);
  // A ring: slot s holds the newest token t with t mod slots == s.
  const std::int64_t slots = cache_.slots();
  const std::int64_t oldest = tokens - slots;
  return ops::turned(valid_.narrow(3, oldest, slots), oldest % slots);
}

at::Tensor CausalDecoding::prefill() {
  cache_.clear();
  const std::int64_t sequence = prompt_.ids.size(1);
  const at::Tensor hidden = (*stack_.decoder)(
      prompt_.ids, {angles(0, sequence), stack_.prompt_context(prompt_), &cache_});
  cache_.advance(sequence);
  return stack_.logits(hidden.select(1, sequence - 1));
}

at::Tensor CausalDecoding::step(const at::Tensor& tokens) {
  if (fused_step_) {
    const at::Tensor logits = (*fused_step_)(tokens, angles(cache_.length(), 1), cache_);
    cache_.advance(1);
    return logits;
  }
  nn::DecoderPass pass{angles(cache_.length(), 1), {}, &cache_};
  pass.context.options.kernel = stack_.attention;
  pass.context.mask = slots_seen(cache_.visible(1));
  if (pass.context.mask.defined()) {
    pass.context.mask =
        ops::additive_mask(pass.context.mask, stack_.activations().dtype().toScalarType());
  }
  const at::Tensor hidden = (*stack_.decoder)(tokens.unsqueeze(1), pass);
  cache_.advance(1);
  return stack_.logits(hidden.select(1, 0));
}

}  // namespace ridgeline::native
