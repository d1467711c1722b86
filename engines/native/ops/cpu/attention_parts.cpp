// Weighing the parts of a context by their sums.
#include "engines/native/ops/cpu/attention_parts.hpp"

#include <algorithm>
#include <cmath>

#include "engines/native/ops/cpu/parallel.hpp"

namespace ridgeline::native::ops::cpu {
namespace {

// Shortest part of a context that is given to a thread of its own.
constexpr std::int64_t kLeastTokens = 256;

}  // namespace

ContextParts cut_context(std::int64_t tokens, std::int64_t heads) {
  const std::int64_t wanted = std::int64_t{2} * team_size() / std::max<std::int64_t>(1, heads);
  const std::int64_t most = std::max<std::int64_t>(1, tokens / kLeastTokens);
  const std::int64_t parts = std::clamp<std::int64_t>(wanted, 1, most);
  const std::int64_t part_tokens = (tokens + parts - 1) / parts;
  return {(tokens + part_tokens - 1) / part_tokens, part_tokens};
}

void AttentionParts::merge(float* out) const {
  for (std::int64_t query = 0; query < queries; ++query) {
    float most = largest(0)[query];
    for (std::int64_t part = 1; part < parts; ++part) {
      if (!(largest(part)[query] <= most)) most = largest(part)[query];
    }
    // A part without a key that may be seen has the sum 0 and counts for nothing.
    const auto weight_of = [&](std::int64_t part) {
      return sums(part)[query] == 0 ? 0.f : std::exp(largest(part)[query] - most);
    };
    float sum = 0;
    for (std::int64_t part = 0; part < parts; ++part) sum += sums(part)[query] * weight_of(part);
    float* const to = out + query * value_size;
    for (std::int64_t part = 0; part < parts; ++part) {
      const float* from = rows(part) + query * value_size;
      const float weight = weight_of(part) / sum;
      for (std::int64_t i = 0; i < value_size; ++i) {
        to[i] = part == 0 ? from[i] * weight : to[i] + from[i] * weight;
      }
    }
  }
}

}  // namespace ridgeline::native::ops::cpu
