// What stands between the products of a decoding step: attention of one position to a cache, norm,
// gate and rotation.
#pragma once

#include "engines/native/ops/cpu/dot_loops.hpp"
#include "engines/native/ops/cpu/int8_loops.hpp"
#include "engines/native/ops/cpu/loops.hpp"
#include "engines/native/ops/cpu/vectors.hpp"

namespace ridgeline::native::ops::cpu {
namespace {

template <typename Stored>
float dot(const Stored* row, const float* x, std::int64_t size) {
  Floats left = {};
  Floats right = {};
  std::int64_t at = 0;
  for (; at + 2 * kLanes <= size; at += 2 * kLanes) {
    left += load(row + at) * load(x + at);
    right += load(row + at + kLanes) * load(x + at + kLanes);
  }
  for (; at + kLanes <= size; at += kLanes) left += load(row + at) * load(x + at);
  float sum = sum_of(left + right);
  for (; at < size; ++at) sum += widened(row[at]) * x[at];
  return sum;
}

// Asks for a row that will be read soon. Rows of a cache are short: a head's keys and values are
// over before the processor has seen a stream in them.
template <typename Stored>
inline void fetch_row(const Stored* row, std::int64_t size) {
  const auto* const first = reinterpret_cast<const char*>(row);
  const std::int64_t bytes = size * static_cast<std::int64_t>(sizeof(Stored));
  for (std::int64_t at = 0; at < bytes; at += 64) __builtin_prefetch(first + at, 0, 2);
}

// Scores → their exponentials beside the largest one; gives their sum.
float soften(float* scores, std::int64_t tokens, float largest) {
  Floats sums = {};
  std::int64_t at = 0;
  for (; at + kLanes <= tokens; at += kLanes) {
    const Floats powers = exp_of(load(scores + at) - largest);
    store(scores + at, powers);
    sums += powers;
  }
  if (at < tokens) {
    // The last few, with scores that count for nothing behind them.
    const std::int64_t left = tokens - at;
    float rest[kLanes];
    for (std::int64_t lane = 0; lane < kLanes; ++lane) {
      rest[lane] = lane < left ? scores[at + lane] - largest : -1e30f;
    }
    const Floats powers = exp_of(load(rest));
    sums += powers;
    for (std::int64_t lane = 0; lane < left; ++lane) scores[at + lane] = powers[lane];
  }
  return sum_of(sums);
}

// Features [from, from + kVectors · kLanes) of the sum of values, each times its weight.
template <int kVectors, typename Stored>
void weigh(const CachedHead<Stored>& head, const float* weights, std::int64_t from, float* out) {
  Floats sums[kVectors] = {};
  for (std::int64_t token = 0; token < head.tokens; ++token) {
    const Stored* row = head.value + token * head.value_stride + from;
    if (head.next_key != nullptr) {
      fetch_row(head.next_key + token * head.key_stride + from, kVectors * kLanes);
    }
#pragma GCC unroll 8
    for (int i = 0; i < kVectors; ++i) sums[i] += load(row + i * kLanes) * weights[token];
  }
  for (int i = 0; i < kVectors; ++i) store(out + from + i * kLanes, sums[i]);
}

template <typename Stored>
void weigh_all(const CachedHead<Stored>& head, const float* weights, float* out) {
  constexpr int kMost = 8;
  std::int64_t at = 0;
  for (; at + kMost * kLanes <= head.value_size; at += kMost * kLanes) {
    weigh<kMost>(head, weights, at, out);
  }
  for (; at + 4 * kLanes <= head.value_size; at += 4 * kLanes) weigh<4>(head, weights, at, out);
  for (; at + kLanes <= head.value_size; at += kLanes) weigh<1>(head, weights, at, out);
  for (; at < head.value_size; ++at) {
    float sum = 0;
    for (std::int64_t token = 0; token < head.tokens; ++token) {
      sum += widened(head.value[token * head.value_stride + at]) * weights[token];
    }
    out[at] = sum;
  }
}

// Products of a query with the keys of four tokens.
template <typename Stored>
inline void four_scores(const CachedHead<Stored>& head, const float* query, std::int64_t token,
                        float* scores) {
  const Stored* rows = head.key + token * head.key_stride;
  Floats sums[4] = {};
  std::int64_t at = 0;
  for (; at + kLanes <= head.key_size; at += kLanes) {
    const Floats x = load(query + at);
#pragma GCC unroll 4
    for (int row = 0; row < 4; ++row) sums[row] += load(rows + row * head.key_stride + at) * x;
  }
  sums_of(sums, scores);
  for (; at < head.key_size; ++at) {
    for (int row = 0; row < 4; ++row) {
      scores[row] += widened(rows[row * head.key_stride + at]) * query[at];
    }
  }
}

// Scores of a query with all keys; gives the largest one.
template <typename Stored>
float score(const CachedHead<Stored>& head, const float* query, float* scores) {
  constexpr float kNever = -__builtin_inff();
  std::int64_t token = 0;
  for (; token + 4 <= head.tokens; token += 4) {
    for (int row = 0; row < 4; ++row) {
      fetch_row(head.value + (token + row) * head.value_stride, head.value_size);
    }
    four_scores(head, query, token, scores + token);
  }
  for (; token < head.tokens; ++token) {
    scores[token] = dot(head.key + token * head.key_stride, query, head.key_size);
  }
  float largest = kNever;
  for (token = 0; token < head.tokens; ++token) {
    if (head.mask != nullptr && !head.mask[token]) scores[token] = kNever;
    if (!(scores[token] <= largest)) largest = scores[token];
  }
  return largest;
}

template <typename Stored>
void attend(const CachedHead<Stored>& head, const AttentionPart& part) {
  for (std::int64_t query = 0; query < part.queries; ++query) {
    const float* x = part.query + query * head.key_size;
    float* out = part.out + query * head.value_size;
    const float largest = score(head, x, part.scores);
    part.largest[query] = largest;
    if (largest == -__builtin_inff()) {
      part.sums[query] = 0;
      for (std::int64_t at = 0; at < head.value_size; ++at) out[at] = 0;
      continue;
    }
    part.sums[query] = soften(part.scores, head.tokens, largest);
    weigh_all(head, part.scores, out);
  }
}

void rms_norm_row(const float* x, const float* weight, std::int64_t size, float eps, float* out) {
  const float squares = dot(x, x, size);
  const float scale = 1.f / __builtin_sqrtf(squares / static_cast<float>(size) + eps);
  std::int64_t at = 0;
  for (; at + kLanes <= size; at += kLanes)
    store(out + at, load(weight + at) * (load(x + at) * scale));
  for (; at < size; ++at) out[at] = weight[at] * (x[at] * scale);
}

inline Floats silu_of(Floats x) {
  return x / (exp_of(-x) + 1.f);
}

void silu_gate(const float* gate, const float* value, std::int64_t size, float* out) {
  std::int64_t at = 0;
  for (; at + kLanes <= size; at += kLanes) {
    store(out + at, silu_of(load(gate + at)) * load(value + at));
  }
  if (at == size) return;
  float rest[kLanes] = {};
  for (std::int64_t i = at; i < size; ++i) rest[i - at] = gate[i];
  const Floats gated = silu_of(load(rest));
  for (std::int64_t i = at; i < size; ++i) out[i] = gated[i - at] * value[i];
}

void rotate_row(float* first, float* second, const float* cosine, const float* sine,
                std::int64_t size) {
  std::int64_t at = 0;
  for (; at + kLanes <= size; at += kLanes) {
    const Floats a = load(first + at);
    const Floats b = load(second + at);
    store(first + at, a * load(cosine + at) - b * load(sine + at));
    store(second + at, b * load(cosine + at) + a * load(sine + at));
  }
  for (; at < size; ++at) {
    const float a = first[at];
    const float b = second[at];
    first[at] = a * cosine[at] - b * sine[at];
    second[at] = b * cosine[at] + a * sine[at];
  }
}

}  // namespace
}  // namespace ridgeline::native::ops::cpu

#define RIDGELINE_LOOPS(name) \
  {name,                      \
   dots_float32,              \
   dots_bfloat16,             \
   dots_int8,                 \
   prepare_bfloat16,          \
   widen,                     \
   narrow,                    \
   round,                     \
   from_int8,                 \
   rms_norm_row,              \
   silu_gate,                 \
   rotate_row,                \
   attend<float>,             \
   attend<std::uint16_t>}
