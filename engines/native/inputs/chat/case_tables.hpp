// Characters whose upper case is several characters.
#pragma once

#include <span>
#include <string_view>

namespace ridgeline::native::jinja {

struct LongCase {
  char32_t code_point;
  std::string_view upper;  ///< UTF-8
  std::string_view title;
};

/// By ascending code point.
std::span<const LongCase> long_cases();

}  // namespace ridgeline::native::jinja
