// "Did you mean": the known name closest to a mistyped one.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace ridgeline {

/// The name with the fewest single-character edits to `name`, case ignored; empty when none is
/// within a third of its length (at least 2 edits).
std::string_view nearest_name(std::string_view name, std::span<const std::string_view> names);

/// "did you mean X? known: a, b, c" (the question only when there is a nearest name).
std::string suggestion(std::string_view name, std::span<const std::string_view> names);

}  // namespace ridgeline
