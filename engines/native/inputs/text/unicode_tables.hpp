// Tables of what the tokenizers library knows of every code point; unicode.hpp is how to ask them.
#pragma once

#include <cstdint>
#include <span>

namespace ridgeline::native {

/// Every `stride`-th code point of [first, last] becomes lower case by adding `distance`.
struct LowercaseRun {
  char32_t first;
  char32_t last;
  std::int32_t stride;
  std::int32_t distance;
};

/// A code point whose lower case is two code points.
struct LowercasePair {
  char32_t code_point;
  char32_t lower[2];
};

struct CodePointRange {
  char32_t first;
  char32_t last;
};

/// `first code point << 8 | properties` wherever the properties change, in ascending order.
std::span<const std::uint32_t> property_runs();
std::span<const LowercaseRun> lowercase_runs();
std::span<const LowercasePair> lowercase_pairs();

/// The code points that canonical composition makes, without the Hangul syllables.
std::span<const CodePointRange> composite_ranges();

}  // namespace ridgeline::native
