// Text for terminals: how wide it is, what must not reach them, padding and cutting.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace ridgeline::report {

/// Columns that UTF-8 text takes on a terminal: combining marks 0, East Asian wide characters and
/// emoji 2, all others 1.
std::size_t display_width(std::string_view text);

/// `text` fit to print: valid UTF-8 on one line. Control characters, escape sequences and marks
/// that turn the writing direction become '?', broken UTF-8 becomes U+FFFD. Names from files need
/// it.
std::string printable(std::string_view text);

/// At most `columns` wide; what is cut off is replaced by "…".
std::string cut(std::string_view text, std::size_t columns);

/// Blanks on the right (or, `right`, on the left) up to `columns`; longer text stays as it is.
std::string pad(std::string_view text, std::size_t columns, bool right = false);

}  // namespace ridgeline::report
