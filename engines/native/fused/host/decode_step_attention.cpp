// The attention of a step on CPUs: rotation, cache and scores of one key head at a time.
#include <algorithm>
#include <cmath>

#include "engines/native/fused/host/decode_step.hpp"

namespace ridgeline::native::fused {
namespace {

using ops::cpu::best_loops;

void put(const float* row, std::int64_t size, float* to) {
  std::copy_n(row, size, to);
}

void put(const float* row, std::int64_t size, std::uint16_t* to) {
  best_loops().narrow(row, size, to);
}

void run_loop(const ops::cpu::CachedHead<float>& head, const ops::cpu::AttentionPart& part) {
  best_loops().attend_float32(head, part);
}

void run_loop(const ops::cpu::CachedHead<std::uint16_t>& head,
              const ops::cpu::AttentionPart& part) {
  best_loops().attend_bfloat16(head, part);
}

}  // namespace

void HostDecodeStep::turn(float* row) const {
  best_loops().rotate(row, row + shape_.pairs, cosine_.data(), sine_.data(), shape_.pairs);
}

void HostDecodeStep::attend(Member& member, const Kept& kept) {
  const std::int64_t items = shape_.decoder.kv_heads * place_.parts.count;
  const auto part = [&](int owner) { return member.part_of(items, owner); };
  take_units(
      shares_of(member), member.place, 1, [&](int owner) { return part(owner).size; },
      [&](int owner, std::int64_t begin, std::int64_t end) {
        for (std::int64_t i = begin; i < end; ++i) {
          if (shape_.dtype == at::kFloat) {
            attend_part<float>(member, kept, part(owner).begin + i);
          } else {
            attend_part<std::uint16_t>(member, kept, part(owner).begin + i);
          }
        }
      });
}

// One key head and one part of the context. The part that the newest token lies in stores its key
// and value first.
template <typename Stored>
void HostDecodeStep::attend_part(Member& member, const Kept& kept, std::int64_t item) {
  const nn::GatedDecoderShape& d = shape_.decoder;
  const ops::cpu::ContextParts& parts = place_.parts;
  const std::int64_t head = item / parts.count;
  const std::int64_t part = item % parts.count;
  const std::int64_t begin = part * parts.tokens;
  const std::int64_t count = std::min(parts.tokens, place_.visible - begin);
  const std::int64_t head_stride = slots_ * d.head_dim;
  auto* const keys = static_cast<Stored*>(kept.key) + head * head_stride;
  auto* const values = static_cast<Stored*>(kept.value) + head * head_stride;
  if (place_.slot >= begin && place_.slot < begin + count) {
    keep_newest(member, head, keys + place_.slot * d.head_dim, values + place_.slot * d.head_dim);
  }
  const Stored* const key = keys + begin * d.head_dim;
  const ops::cpu::CachedHead<Stored> cached{
      .key = key,
      .value = values + begin * d.head_dim,
      .key_stride = d.head_dim,
      .value_stride = d.head_dim,
      .mask = nullptr,
      .tokens = count,
      .key_size = d.head_dim,
      .value_size = d.head_dim,
      .next_key = head + 1 < d.kv_heads ? key + head_stride : nullptr};
  const std::int64_t group = d.heads / d.kv_heads;
  const ops::cpu::AttentionParts results = attended();
  run_loop(cached, {.query = scaled_queries(member, head),
                    .queries = group,
                    .scores = member.scores.data(),
                    .sums = results.sums(part) + head * group,
                    .largest = results.largest(part) + head * group,
                    .out = results.rows(part) + head * group * d.head_dim});
}

template <typename Stored>
void HostDecodeStep::keep_newest(Member& member, std::int64_t head, Stored* key,
                                 Stored* value) const {
  const nn::GatedDecoderShape& d = shape_.decoder;
  const float* const row = heads_.data() + (d.heads + head) * d.head_dim;
  std::copy_n(row, d.head_dim, member.key.data());
  turn(member.key.data());
  put(member.key.data(), d.head_dim, key);
  put(row + d.kv_heads * d.head_dim, d.head_dim, value);
}

// The queries of a key head, [group, head_dim].
const float* HostDecodeStep::scaled_queries(Member& member, std::int64_t head) const {
  const nn::GatedDecoderShape& d = shape_.decoder;
  const std::int64_t group = d.heads / d.kv_heads;
  float* const queries = member.queries.data();
  std::copy_n(heads_.data() + head * group * d.head_dim, group * d.head_dim, queries);
  for (std::int64_t query = 0; query < group; ++query) turn(queries + query * d.head_dim);
  const float scale = 1.f / std::sqrt(static_cast<float>(d.head_dim));
  for (std::int64_t i = 0; i < group * d.head_dim; ++i) queries[i] *= scale;
  return queries;
}

}  // namespace ridgeline::native::fused
