// Numbers from texts and rounding, as int(), float() and round() of Python do them.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/error.hpp"
#include "engines/native/inputs/chat/value.hpp"

namespace ridgeline::native::jinja {

/// int(text, base): blanks around, a sign, underscores between digits, and a prefix like 0x that
/// fits the base; nothing when it is no integer, an error beyond 64 bits.
Result<std::optional<std::int64_t>> parse_integer(std::string_view text, std::int64_t base);

/// float(text); "inf" and "nan" included.
std::optional<double> parse_number(std::string_view text);

/// round(value, digits): the exact value of the float decides, halves go to the even digit.
Result<Value> rounded(double value, std::int64_t digits);

}  // namespace ridgeline::native::jinja
