// Attention of one position over a cache: heads, and parts of a long context, go to threads.
#include <ATen/EmptyTensor.h>

#include <algorithm>
#include <vector>

#include "engines/native/ops/cpu/attention_parts.hpp"
#include "engines/native/ops/cpu/kernels.hpp"
#include "engines/native/ops/cpu/loops.hpp"
#include "engines/native/ops/cpu/parallel.hpp"

namespace ridgeline::native::ops::cpu {
namespace {

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
  const ContextParts cut = cut_context(plan.tokens, plan.batch * plan.heads);
  plan.parts = cut.count;
  plan.part_tokens = cut.tokens;
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
                 const Plan& plan, std::int64_t item, const float* queries,
                 const AttentionParts& results) {
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
  const AttentionPart work{
      queries + first * plan.key_size, plan.group,
      scratch(scores, count),          results.sums(part) + first,
      results.largest(part) + first,   results.rows(part) + first * plan.value_size};
  const CachedHead<Stored> cached{at(key), at(value), key.stride(2), value.stride(2),
                                  seen,    count,     plan.key_size, plan.value_size};
  if constexpr (sizeof(Stored) == sizeof(float)) {
    best_loops().attend_float32(cached, work);
  } else {
    best_loops().attend_bfloat16(cached, work);
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
  AttentionParts results{plan.queries(), plan.value_size, plan.parts, nullptr};
  results.results = scratch(result_memory, results.floats());
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
  at::Tensor out =
      at::detail::empty_cpu({plan.batch, query.size(1), 1, plan.value_size}, query.scalar_type());
  if (out.scalar_type() == at::kFloat) {
    results.merge(out.data_ptr<float>());
  } else {
    results.merge(results.rows(0));
    best_loops().narrow(results.rows(0), out.numel(), static_cast<std::uint16_t*>(out.data_ptr()));
  }
  return out;
}

}  // namespace ridgeline::native::ops::cpu
