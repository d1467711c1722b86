// Lists and ranges as users write them: "1,2,8", "128-4096*2", "float32,bfloat16", "60s".
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"

namespace ridgeline::measure {

/// Most items that one list may expand to.
inline constexpr std::size_t kMaxListItems = 4096;

/// "4", "1,2,8", "128-512+128" (128 256 384 512), "128-4096*2" (128 256 … 4096), "1-4" (step 1).
/// A range stops at the last value that is not above its end. `what` names the key in errors.
Result<std::vector<std::int64_t>> parse_int_list(std::string_view text, std::string_view what,
                                                 std::int64_t minimum = 1);

/// "float32,bfloat16": trimmed items, none of them empty.
Result<std::vector<std::string>> parse_name_list(std::string_view text, std::string_view what);

/// One whole number of at least `minimum`.
Result<std::int64_t> parse_int(std::string_view text, std::string_view what, std::int64_t minimum);

/// "500ms", "60s", "1.5m", "2h" in nanoseconds: above 0, at most 7 days, the unit is required.
Result<std::int64_t> parse_duration(std::string_view text, std::string_view what);

/// "0.02" or "2%" as a share: above 0 and at most 0.5.
Result<double> parse_share(std::string_view text, std::string_view what);

/// The text in single quotes, shortened and with control characters replaced, for messages.
std::string in_quotes(std::string_view text);

}  // namespace ridgeline::measure
