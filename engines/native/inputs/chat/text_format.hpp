// Formatting of texts: the % operator, str.format, strftime and HTML escapes.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "engines/native/inputs/chat/function.hpp"
#include "engines/native/inputs/chat/value.hpp"

namespace ridgeline::native::jinja {

/// `format % values` of Python: `values` is a tuple, a dict for "%(name)s", or the only value.
Result<std::string> percent_format(std::string_view format, const Value& values, Budget& budget);

/// str.format with the fields {}, {0} and {name}; formats in fields ("{:>8}") and attributes are
/// not supported.
Result<std::string> brace_format(std::string_view format, const Arguments& arguments,
                                 Budget& budget);

/// datetime.now().strftime(format), in the local time zone; `now` in seconds since 1970, the
/// machine's clock when absent.
Result<std::string> format_time(const std::string& format, std::optional<std::int64_t> now);

/// & < > " ' as HTML references.
std::string escaped(std::string_view text);

}  // namespace ridgeline::native::jinja
