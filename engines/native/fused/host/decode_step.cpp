// The stages of a step on CPUs, and what each thread does in them.
#include "engines/native/fused/host/decode_step.hpp"

#include <ATen/EmptyTensor.h>
#include <c10/util/BFloat16.h>

#include <algorithm>
#include <utility>

#include "engines/native/ops/cpu/loops.hpp"
#include "engines/native/ops/cpu/parallel.hpp"

namespace ridgeline::native::fused {
namespace {

using ops::cpu::best_loops;
using ops::cpu::kRowGroup;

// Bytes of weights that are worth a claim of their own.
constexpr std::int64_t kGrainBytes = 1 << 15;

template <typename Element>
void resize(std::vector<Element>& memory, std::int64_t count) {
  memory.resize(static_cast<std::size_t>(count));
}

bool is_served(const ops::ProductWeight& weight) {
  return weight.int8.rows.defined() || weight.plain.defined();
}

std::int64_t units_of_grain(std::int64_t unit_bytes) {
  return std::max<std::int64_t>(1, kGrainBytes / std::max<std::int64_t>(1, unit_bytes));
}

// The product with every row of a weight → put(row, sum). A member goes along two stretches of its
// part at once: a unit is a row of each.
template <typename Put>
void multiply(Member& member, Share* shares, const StoredRows& rows, const Put& put) {
  static_assert(kRowGroup == 2);
  const auto part = [&](int owner) { return member.part_of(rows.out(), owner); };
  const auto stretch_of = [](const Part& one) { return (one.size + 1) / 2; };
  take_units(
      shares, member.place, units_of_grain(kRowGroup * rows.row_bytes()),
      [&](int owner) { return stretch_of(part(owner)); },
      [&](int owner, std::int64_t begin, std::int64_t end) {
        const Part own = part(owner);
        const std::int64_t stretch = stretch_of(own);
        float sums[kRowGroup];
        for (std::int64_t i = begin; i < end; ++i) {
          const int count = stretch + i < own.size ? 2 : 1;
          rows.dot(member.input, own.begin + i, stretch, count, sums);
          put(own.begin + i, sums[0]);
          if (count == 2) put(own.begin + stretch + i, sums[1]);
        }
      });
}

}  // namespace

std::string why_no_host_kernels(const DecodeShape& shape, const DecoderTensors& tensors) {
  if (shape.dtype != at::kFloat && shape.dtype != at::kBFloat16) {
    return "the loops take float32 and bfloat16 only";
  }
  if (shape.decoder.activation != ops::Activation::kSilu) {
    return "the loops have no code for this activation";
  }
  bool served = is_served(tensors.head);
  for (const nn::GatedLayerTensors& layer : tensors.layers) {
    served &= is_served(layer.heads) && is_served(layer.output) && is_served(layer.gate_up) &&
              is_served(layer.down);
  }
  return served ? "" : "the weights are kept in a packed layout only";
}

Result<std::shared_ptr<const HostDecodeKernels>> HostDecodeKernels::build(
    const DecodeShape& shape, const DecoderTensors& tensors) {
  if (std::string reason = why_no_host_kernels(shape, tensors); !reason.empty()) {
    return unsupported(std::move(reason));
  }
  return std::shared_ptr<const HostDecodeKernels>(new HostDecodeKernels(shape));
}

std::unique_ptr<DecodeStep> HostDecodeKernels::step(DecoderTensors tensors) const {
  return std::make_unique<HostDecodeStep>(shape_, std::move(tensors));
}

HostDecodeStep::HostDecodeStep(const DecodeShape& shape, DecoderTensors tensors)
    : shape_(shape),
      tensors_(std::move(tensors)),
      last_norm_(floats_of(tensors_.last_norm)),
      head_(tensors_.head, at::Tensor()) {
  for (const nn::GatedLayerTensors& layer : tensors_.layers) {
    layers_.push_back({floats_of(layer.attention_norm),
                       {layer.heads, layer.heads_bias},
                       {layer.output, layer.output_bias},
                       floats_of(layer.mlp_norm),
                       {layer.gate_up, layer.gate_up_bias},
                       {layer.down, layer.down_bias}});
  }
  const nn::GatedDecoderShape& d = shape_.decoder;
  resize(x_, d.hidden);
  resize(cosine_, shape_.pairs);
  resize(sine_, shape_.pairs);
  resize(heads_, (d.heads + 2 * d.kv_heads) * d.head_dim);
  resize(gate_up_, 2 * d.intermediate);
  resize(hidden_, d.intermediate);
  kept_.resize(layers_.size());
}

at::Tensor HostDecodeStep::operator()(const at::Tensor& token, const nn::Rotary::Angles& angles,
                                      const nn::KvCache& cache) {
  prepare(token, angles, cache);
  at::Tensor logits = at::detail::empty_cpu({1, shape_.decoder.vocab_size}, shape_.dtype);
  ops::cpu::on_each_member([&] {
    Member& member = members_[static_cast<std::size_t>(ops::cpu::team_member())];
    member.place = {ops::cpu::team_member(), ops::cpu::team_members()};
    member.stage = 0;
    run(member, logits);
  });
  return logits;
}

// What one thread does before the others wake.
void HostDecodeStep::prepare(const at::Tensor& token, const nn::Rotary::Angles& angles,
                             const nn::KvCache& cache) {
  const nn::GatedDecoderShape& d = shape_.decoder;
  const std::int64_t id = token.const_data_ptr<std::int64_t>()[0];
  TORCH_CHECK_INDEX(id >= 0 && id < d.vocab_size, "token ", id, " is none of the ", d.vocab_size,
                    " of the embedding table");
  const auto widen = [](const at::Tensor& from, std::int64_t at, std::vector<float>& to) {
    const auto count = static_cast<std::int64_t>(to.size());
    if (from.scalar_type() == at::kFloat) {
      std::copy_n(from.const_data_ptr<float>() + at, count, to.data());
    } else {
      best_loops().widen(static_cast<const std::uint16_t*>(from.const_data_ptr()) + at, count,
                         to.data());
    }
  };
  widen(tensors_.table, id * d.hidden, x_);
  widen(angles.cosine, 0, cosine_);
  widen(angles.sine, 0, sine_);
  for (std::size_t i = 0; i < kept_.size(); ++i) {
    const nn::KvCache::View all = cache.all(static_cast<std::int64_t>(i));
    kept_[i] = {all.key.data_ptr(), all.value.data_ptr()};
  }
  slots_ = cache.slots();
  const std::int64_t visible = cache.visible(1);
  place_ = {cache.length() % slots_, visible, ops::cpu::cut_context(visible, d.kv_heads)};
  make_room();
}

// Nothing is allocated by the team, where nothing may throw.
void HostDecodeStep::make_room() {
  const nn::GatedDecoderShape& d = shape_.decoder;
  grow(attended_, attended().floats());
  const auto team = static_cast<std::size_t>(ops::cpu::team_size());
  if (members_.size() < team) {
    members_.resize(team);
    shares_.resize(2 * team);
    for (Member& member : members_) {
      resize(member.row, std::max(d.hidden, d.heads * d.head_dim));
      resize(member.queries, d.heads / d.kv_heads * d.head_dim);
      resize(member.key, d.head_dim);
      member.input.make_room(head_);
      for (const Layer& layer : layers_) {
        for (const StoredRows* rows : {&layer.heads, &layer.output, &layer.gate_up, &layer.down}) {
          member.input.make_room(*rows);
        }
      }
    }
  }
  for (Member& member : members_) grow(member.scores, place_.parts.tokens);
}

template <typename Stage>
void HostDecodeStep::pass(Member& member, const char* name, OpClass op_class, const Stage& stage) {
  // The observer is that of the thread that called.
  OpObserver* const observer = member.place.number == 0 ? OpObserver::active() : nullptr;
  if (observer != nullptr) [[unlikely]]
    observer->begin(name, op_class, shape_.dtype);
  stage();
  barrier_.wait(member.place.members);
  // All are through with it; it is used again after another barrier.
  shares_of(member)[member.place.number].next.store(0, std::memory_order_relaxed);
  ++member.stage;
  if (observer != nullptr) [[unlikely]]
    observer->end();
}

void HostDecodeStep::run(Member& member, const at::Tensor& logits) {
  for (std::size_t i = 0; i < layers_.size(); ++i) {
    const Layer& layer = layers_[i];
    pass(member, "project_heads", OpClass::kMatmul, [&] { project_heads(member, layer); });
    pass(member, "attend", OpClass::kAttention, [&] { attend(member, kept_[i]); });
    pass(member, "project_output", OpClass::kMatmul, [&] { project_output(member, layer); });
    pass(member, "project_gate", OpClass::kMatmul, [&] { project_gate(member, layer); });
    pass(member, "project_down", OpClass::kMatmul, [&] { project_down(member, layer); });
  }
  pass(member, "project_logits", OpClass::kMatmul, [&] { project_logits(member, logits); });
}

void HostDecodeStep::project_heads(Member& member, const Layer& layer) {
  const nn::GatedDecoderShape& d = shape_.decoder;
  best_loops().rms_norm(x_.data(), layer.attention_norm.data(), d.hidden,
                        static_cast<float>(d.norm_eps), member.row.data());
  member.input.set(layer.heads, member.row.data());
  float* const heads = heads_.data();
  multiply(member, shares_of(member), layer.heads,
           [&](std::int64_t row, float sum) { heads[row] = sum; });
}

void HostDecodeStep::project_output(Member& member, const Layer& layer) {
  attended().merge(member.row.data());
  member.input.set(layer.output, member.row.data());
  float* const x = x_.data();
  multiply(member, shares_of(member), layer.output,
           [&](std::int64_t row, float sum) { x[row] += sum; });
}

// A unit is a row of the gate and the same of the value, whose product goes on.
void HostDecodeStep::project_gate(Member& member, const Layer& layer) {
  const nn::GatedDecoderShape& d = shape_.decoder;
  best_loops().rms_norm(x_.data(), layer.mlp_norm.data(), d.hidden, static_cast<float>(d.norm_eps),
                        member.row.data());
  member.input.set(layer.gate_up, member.row.data());
  float* const gate = gate_up_.data();
  float* const value = gate + d.intermediate;
  const auto part = [&](int owner) { return member.part_of(d.intermediate, owner); };
  take_units(
      shares_of(member), member.place, units_of_grain(kRowGroup * layer.gate_up.row_bytes()),
      [&](int owner) { return part(owner).size; },
      [&](int owner, std::int64_t begin, std::int64_t end) {
        static_assert(kRowGroup == 2);
        const std::int64_t first = part(owner).begin + begin;
        for (std::int64_t row = first; row < first + end - begin; ++row) {
          float sums[kRowGroup];
          layer.gate_up.dot(member.input, row, d.intermediate, kRowGroup, sums);
          gate[row] = sums[0];
          value[row] = sums[1];
        }
        best_loops().silu_gate(gate + first, value + first, end - begin, hidden_.data() + first);
      });
}

void HostDecodeStep::project_down(Member& member, const Layer& layer) {
  member.input.set(layer.down, hidden_.data());
  float* const x = x_.data();
  multiply(member, shares_of(member), layer.down,
           [&](std::int64_t row, float sum) { x[row] += sum; });
}

void HostDecodeStep::project_logits(Member& member, const at::Tensor& logits) {
  const nn::GatedDecoderShape& d = shape_.decoder;
  best_loops().rms_norm(x_.data(), last_norm_.data(), d.hidden, static_cast<float>(d.norm_eps),
                        member.row.data());
  member.input.set(head_, member.row.data());
  if (shape_.dtype == at::kFloat) {
    auto* const out = static_cast<float*>(logits.data_ptr());
    multiply(member, shares_of(member), head_,
             [&](std::int64_t row, float sum) { out[row] = sum; });
  } else {
    auto* const out = static_cast<std::uint16_t*>(logits.data_ptr());
    multiply(member, shares_of(member), head_,
             [&](std::int64_t row, float sum) { out[row] = c10::BFloat16(sum).x; });
  }
}

}  // namespace ridgeline::native::fused
