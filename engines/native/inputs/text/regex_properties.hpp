// Names of Unicode properties in regular expressions.
#pragma once

#include <string>
#include <string_view>

namespace ridgeline::native {

/// What PCRE2 calls the property that Oniguruma calls `name`: a general category or a script; empty
/// for other names, and for scripts that the two do not see alike. `exact_scripts` as in
/// to_pcre2().
std::string pcre2_property(std::string_view name, bool exact_scripts);

}  // namespace ridgeline::native
