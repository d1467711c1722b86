// Attention of one position over a cache: heads, and parts of a long context, go to threads.
#include <ATen/EmptyTensor.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "engines/native/ops/cpu/kernels.hpp"
#include "engines/native/ops/cpu/loops.hpp"
#include "engines/native/ops/cpu/parallel.hpp"

namespace ridgeline::native::ops::cpu {
namespace {

// Shortest part of a context that is given to a thread of its own.
constexpr std::int64_t kLeastTokens = 256;
// Bytes of keys and values up to which one thread is as fast as several.
constexpr std::int64_t kSmallBytes = 1 << 15;

struct Plan {
  std::int64_t batch;
  std::int64_t heads;  // of keys
  std::int64_t group;  // queries of a key head
  std::int64_t tokens;
  std::int64_t key_size;
  std::int64_t value_size;
  std::int64_t parts;        // of the context
  std::int64_t part_tokens;  // of each but the last

  std::int64_t queries() const { return batch * heads * group; }
  // Results of a part: a row of values, its sum and its largest score a query.
  std::int64_t part_floats() const { return queries() * (value_size + 2); }
};

Plan plan_of(const at::Tensor& query, const at::Tensor& key, const at::Tensor& value) {
  Plan plan{query.size(0),
            key.size(1),
            query.size(1) / key.size(1),
            key.size(2),
            key.size(3),
            value.size(3),
            1,
            key.size(2)};
  const std::int64_t wanted = 2 * team_size() / std::max<std::int64_t>(1, plan.batch * plan.heads);
  plan.parts =
      std::clamp<std::int64_t>(wanted, 1, std::max<std::int64_t>(1, plan.tokens / kLeastTokens));
  plan.part_tokens = (plan.tokens + plan.parts - 1) / plan.parts;
  plan.parts = (plan.tokens + plan.part_tokens - 1) / plan.part_tokens;
  return plan;
}

// Memory of this thread that stays: queries in float32, and the results of parts.
float* scratch(std::vector<float>& memory, std::int64_t count) {
  const auto wanted = static_cast<std::size_t>(count);
  if (memory.size() < wanted) memory.resize(wanted);
  return memory.data();
}

void scale_queries(const at::Tensor& query, const Plan& plan, float scale, float* out) {
  for (std::int64_t row = 0; row < plan.queries(); ++row) {
    const std::int64_t at =
        row / query.size(1) * query.stride(0) + row % query.size(1) * query.stride(1);
    float* const to = out + row * plan.key_size;
    if (query.scalar_type() == at::kFloat) {
      std::copy_n(query.const_data_ptr<float>() + at, plan.key_size, to);
    } else {
      best_loops().widen(static_cast<const std::uint16_t*>(query.const_data_ptr()) + at,
                         plan.key_size, to);
    }
    for (std::int64_t i = 0; i < plan.key_size; ++i) to[i] *= scale;
  }
}

template <typename Stored>
void attend_part(const at::Tensor& key, const at::Tensor& value, const at::Tensor& mask,
                 const Plan& plan, std::int64_t item, const float* queries, float* results) {
  static thread_local std::vector<float> scores;
  const std::int64_t part = item % plan.parts;
  const std::int64_t head = item / plan.parts % plan.heads;
  const std::int64_t row = item / plan.parts / plan.heads;
  const std::int64_t begin = part * plan.part_tokens;
  const std::int64_t count = std::min(plan.part_tokens, plan.tokens - begin);
  const auto at = [&](const at::Tensor& cache) {
    return static_cast<const Stored*>(cache.const_data_ptr()) + row * cache.stride(0) +
           head * cache.stride(1) + begin * cache.stride(2);
  };
  const bool* seen = nullptr;
  if (mask.defined()) {
    seen = mask.const_data_ptr<bool>() + (mask.size(0) == 1 ? 0 : row * mask.stride(0)) + begin;
  }
  const std::int64_t first = (row * plan.heads + head) * plan.group;
  float* const out = results + part * plan.part_floats();
  float* const sums = out + plan.queries() * plan.value_size;
  const AttentionPart work{queries + first * plan.key_size, plan.group,
                           scratch(scores, count),          sums + first,
                           sums + plan.queries() + first,   out + first * plan.value_size};
  const CachedHead<Stored> cached{at(key), at(value), key.stride(2), value.stride(2),
                                  seen,    count,     plan.key_size, plan.value_size};
  if constexpr (sizeof(Stored) == sizeof(float)) {
    best_loops().attend_float32(cached, work);
  } else {
    best_loops().attend_bfloat16(cached, work);
  }
}

// Puts the parts of each query together, into the first one's place, and divides by the sum.
void merge(const Plan& plan, float* results) {
  const std::int64_t queries = plan.queries();
  const std::int64_t size = plan.value_size;
  for (std::int64_t query = 0; query < queries; ++query) {
    const auto sum_of = [&](std::int64_t part) {
      return results[part * plan.part_floats() + queries * size + query];
    };
    const auto largest_of = [&](std::int64_t part) {
      return results[part * plan.part_floats() + queries * (size + 1) + query];
    };
    float largest = largest_of(0);
    for (std::int64_t part = 1; part < plan.parts; ++part) {
      if (!(largest_of(part) <= largest)) largest = largest_of(part);
    }
    // A part without a key that may be seen has the sum 0 and counts for nothing.
    const auto weight_of = [&](std::int64_t part) {
      return sum_of(part) == 0 ? 0.f : std::exp(largest_of(part) - largest);
    };
    float sum = 0;
    for (std::int64_t part = 0; part < plan.parts; ++part) sum += sum_of(part) * weight_of(part);
    float* const out = results + query * size;
    const float first = weight_of(0) / sum;
    for (std::int64_t i = 0; i < size; ++i) out[i] *= first;
    for (std::int64_t part = 1; part < plan.parts; ++part) {
      const float* from = results + part * plan.part_floats() + query * size;
      const float weight = weight_of(part) / sum;
      for (std::int64_t i = 0; i < size; ++i) out[i] += from[i] * weight;
    }
  }
}

bool rows_lie_side_by_side(const at::Tensor& x) {
  return x.size(3) == 1 || x.stride(3) == 1;
}

}  // namespace

bool can_attend(const at::Tensor& query, const at::Tensor& key, const at::Tensor& value,
                const at::Tensor& mask) {
  const bool masked = mask.defined();
  return is_served(query) && query.size(2) == 1 && key.size(2) > 0 &&
         key.scalar_type() == query.scalar_type() && value.scalar_type() == query.scalar_type() &&
         rows_lie_side_by_side(query) && rows_lie_side_by_side(key) &&
         rows_lie_side_by_side(value) &&
         (!masked ||
          (mask.scalar_type() == at::kBool && mask.size(1) == 1 && mask.size(2) == 1 &&
           mask.size(3) == key.size(2) && (mask.size(0) == 1 || mask.size(0) == query.size(0)) &&
           (mask.size(3) == 1 || mask.stride(3) == 1)));
}

at::Tensor attend(const at::Tensor& query, const at::Tensor& key, const at::Tensor& value,
                  const at::Tensor& mask, double scale) {
  static thread_local std::vector<float> query_memory;
  static thread_local std::vector<float> result_memory;
  const Plan plan = plan_of(query, key, value);
  float* const queries = scratch(query_memory, plan.queries() * plan.key_size);
  float* const results = scratch(result_memory, plan.parts * plan.part_floats());
  scale_queries(query, plan, static_cast<float>(scale), queries);
  const std::int64_t items = plan.batch * plan.heads * plan.parts;
  const std::int64_t item_bytes = plan.part_tokens * (plan.key_size + plan.value_size) *
                                  static_cast<std::int64_t>(key.element_size());
  const std::int64_t grain = std::max<std::int64_t>(1, kSmallBytes / item_bytes);
  parallel_parts(items, grain, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t item = begin; item < end; ++item) {
      if (key.scalar_type() == at::kFloat) {
        attend_part<float>(key, value, mask, plan, item, queries, results);
      } else {
        attend_part<std::uint16_t>(key, value, mask, plan, item, queries, results);
      }
    }
  });
  merge(plan, results);
  at::Tensor out =
      at::detail::empty_cpu({plan.batch, query.size(1), 1, plan.value_size}, query.scalar_type());
  if (out.scalar_type() == at::kFloat) {
    std::copy_n(results, out.numel(), out.data_ptr<float>());
  } else {
    best_loops().narrow(results, out.numel(), static_cast<std::uint16_t*>(out.data_ptr()));
  }
  return out;
}

}  // namespace ridgeline::native::ops::cpu
