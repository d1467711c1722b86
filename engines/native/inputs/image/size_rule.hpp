// The size fields of preprocessor_config.json and what they make of a picture.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/error.hpp"
#include "base/json.hpp"

namespace ridgeline::native {

/// Pixels of a picture: the height, then the width.
struct PictureSize {
  std::int64_t height = 0;
  std::int64_t width = 0;

  bool operator==(const PictureSize&) const = default;
};

/// The keys of `size`, `crop_size` and `pad_size`; 0 where one is not given.
struct SizeRule {
  std::int64_t height = 0;
  std::int64_t width = 0;
  std::int64_t shortest_edge = 0;
  std::int64_t longest_edge = 0;
  std::int64_t max_height = 0;
  std::int64_t max_width = 0;

  static SizeRule exactly(std::int64_t height, std::int64_t width);
  static SizeRule by_shortest_edge(std::int64_t edge);

  bool is_exact() const { return height > 0 && width > 0; }
  /// Whether a picture can be resized by it: not with a longest edge alone.
  bool resizes() const;
};

/// The member `key` as transformers reads it: a number (a square, or the shortest edge), a list
/// [height, width], or an object with one of the known sets of keys; nothing when it is missing or
/// null. `what` names the file in errors.
Result<std::optional<SizeRule>> read_size_rule(const Json& object, std::string_view key,
                                               bool number_is_square, std::string_view what);

/// The size a picture of `from` is resized to, rounded as transformers rounds it. Errors: a rule
/// that does not resize; a result without pixels, as very long pictures can have.
Result<PictureSize> resized_size(const SizeRule& rule, PictureSize from);

}  // namespace ridgeline::native
