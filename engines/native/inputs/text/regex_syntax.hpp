// Oniguruma's regular expressions, as tokenizer.json has them, written in PCRE2's syntax.
#pragma once

#include <string>
#include <string_view>

#include "base/error.hpp"

namespace ridgeline::native {

/// The same pattern for PCRE2 with UTF, UCP, MULTILINE and "\n" as its newline. `exact_scripts`
/// says whether this PCRE2 knows the prefix "sc:" (10.40), without which it takes script
/// extensions. What the two libraries see differently is rewritten; what cannot be is kUnsupported,
/// by name.
Result<std::string> to_pcre2(std::string_view pattern, bool exact_scripts);

}  // namespace ridgeline::native
