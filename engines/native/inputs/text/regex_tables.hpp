// Tables for regular expressions that see Unicode as the tokenizers library's ones do.
#pragma once

#include <span>

#include "engines/native/inputs/text/unicode_tables.hpp"

namespace ridgeline::native {

/// Code points that a pattern is shown as `instead`: as long in UTF-8, and of the class that the
/// tokenizers library puts them into, whatever age PCRE2's tables have. All are above U+07FF.
struct StandIn {
  char32_t first;
  char32_t last;
  char32_t instead;
};

/// Ascending and apart.
std::span<const StandIn> stand_ins();

/// What Rust's char::is_numeric says yes to: general category N.
std::span<const CodePointRange> numeric_ranges();

}  // namespace ridgeline::native
