// Raw values of a plan key as text, names, numbers and choices; errors begin with where they stand.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"

namespace ridgeline::measure {

/// One entry a flag or array element.
using Values = std::vector<std::string>;

/// Valid UTF-8 of at most `max_bytes`.
Status check_text(const std::string& text, std::string_view where, std::size_t max_bytes);

/// A name in references, folders and messages: not empty, no control characters, at most 4 KiB.
Status check_name(const std::string& name, std::string_view where);

/// The value of a key that takes no list.
Result<std::string> only_value(const Values& values, std::string_view where);

/// "a,b" and "c" as a, b, c.
Result<std::vector<std::string>> names_of(const Values& values, std::string_view where);

/// Lists and ranges of numbers from 1 on: "1,2" and "4-8*2" as 1, 2, 4, 8.
Result<std::vector<std::int64_t>> numbers_of(const Values& values, std::string_view where);

/// Names out of `allowed`; another one is an error that names the nearest.
Result<std::vector<std::string>> choices_of(const Values& values, std::string_view where,
                                            std::span<const std::string_view> allowed);

}  // namespace ridgeline::measure
