// What Python's str does: white space, splitting, searching, replacing, cases. Texts are valid
// UTF-8; all takes time linear in their sizes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ridgeline::native::jinja {

enum class Side : std::uint8_t { kLeft, kRight, kBoth };

/// str.isspace() of one character.
bool is_space(char32_t c);

/// Without white space at the ends, or without any of `characters`.
std::string_view strip(std::string_view text, Side side);
std::string_view strip(std::string_view text, std::string_view characters, Side side);

/// The byte at which the code point `index` starts, text.size() for one behind the end.
std::size_t offset_of(std::string_view text, std::size_t index);

/// The parts between runs of white space, or between separators (not empty); at most `max` splits,
/// counted from the side given; a negative `max` sets no bound.
std::vector<std::string_view> split_space(std::string_view text, std::int64_t max, Side from);
std::vector<std::string_view> split_on(std::string_view text, std::string_view separator,
                                       std::int64_t max, Side from);
std::vector<std::string_view> split_lines(std::string_view text, bool keep_ends);

/// The bytes at which `needle` starts, from the left without overlaps, at most `max` of them
/// (negative: all). An empty needle stands before every character and at the end.
std::vector<std::size_t> find_all(std::string_view text, std::string_view needle,
                                  std::int64_t max = -1);
std::optional<std::size_t> find_first(std::string_view text, std::string_view needle);
std::optional<std::size_t> find_last(std::string_view text, std::string_view needle);

std::string upper(std::string_view text);
std::string lower(std::string_view text);
std::string capitalize(std::string_view text);
std::string title(std::string_view text);
std::string swap_case(std::string_view text);

/// str.islower() and str.isupper() of one character, and istitle() of one like "ǅ".
bool is_lower(char32_t c);
bool is_upper(char32_t c);
bool is_title(char32_t c);
/// str.isalpha(), isdecimal(), isdigit(), isalnum() of one character.
bool is_alpha(char32_t c);
bool is_decimal(char32_t c);
bool is_digit(char32_t c);
bool is_alphanumeric(char32_t c);

}  // namespace ridgeline::native::jinja
