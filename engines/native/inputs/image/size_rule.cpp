// Sizes of pictures as transformers computes them.
#include "engines/native/inputs/image/size_rule.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <set>
#include <string>

namespace ridgeline::native {
namespace {

Result<std::int64_t> pixels_of(const Json& value, std::string_view key, std::string_view what) {
  constexpr std::int64_t kMost = std::numeric_limits<std::int32_t>::max();
  if (value.is_number_integer()) {
    const bool too_large = value.is_number_unsigned() &&
                           value.get<std::uint64_t>() > static_cast<std::uint64_t>(kMost);
    const std::int64_t pixels = too_large ? 0 : value.get<std::int64_t>();
    if (pixels >= 1) return pixels;
  }
  return bad_input(
      fmt::format("{}: {} is no number of pixels: {}", what, key, to_line(value).substr(0, 60)));
}

Result<SizeRule> rule_of_object(const Json& object, std::string_view key, std::string_view what) {
  using Keys = std::set<std::string>;
  static const Keys kKnown[] = {{"height", "width"},
                                {"shortest_edge"},
                                {"shortest_edge", "longest_edge"},
                                {"longest_edge"},
                                {"max_height", "max_width"}};
  Keys keys;
  for (const auto& [name, value] : object.items()) keys.insert(name);
  if (std::find(std::begin(kKnown), std::end(kKnown), keys) == std::end(kKnown)) {
    return bad_input(
        fmt::format("{}: {} has unknown keys: {}", what, key, to_line(object).substr(0, 80)),
        "use height and width, shortest_edge, shortest_edge and longest_edge, or "
        "max_height and max_width");
  }
  SizeRule rule;
  for (const auto& [name, value] : object.items()) {
    RIDGELINE_TRY(const std::int64_t pixels, pixels_of(value, name, what));
    if (name == "height") rule.height = pixels;
    if (name == "width") rule.width = pixels;
    if (name == "shortest_edge") rule.shortest_edge = pixels;
    if (name == "longest_edge") rule.longest_edge = pixels;
    if (name == "max_height") rule.max_height = pixels;
    if (name == "max_width") rule.max_width = pixels;
  }
  return rule;
}

/// A quotient of whole numbers, cut to a whole number; through double, as Python's int(a / b).
std::int64_t cut_quotient(double dividend, double divisor) {
  return static_cast<std::int64_t>(dividend / divisor);
}

PictureSize by_edge(std::int64_t edge, PictureSize from) {
  const auto size = static_cast<double>(edge);
  const auto height = static_cast<double>(from.height);
  const auto width = static_cast<double>(from.width);
  if (from.width <= from.height) return {cut_quotient(size * height, width), edge};
  return {edge, cut_quotient(size * width, height)};
}

/// The shortest edge becomes `edge`, but the longest at most `most`.
PictureSize by_both_edges(std::int64_t edge, std::int64_t most, PictureSize from) {
  const auto height = static_cast<double>(from.height);
  const auto width = static_cast<double>(from.width);
  const double shorter = std::min(height, width);
  const double longer = std::max(height, width);
  auto exact = static_cast<double>(edge);
  if (longer / shorter * exact > static_cast<double>(most)) {
    exact = static_cast<double>(most) * shorter / longer;
    edge = static_cast<std::int64_t>(std::nearbyint(exact));
  }
  const std::int64_t shortest = std::min(from.height, from.width);
  if (shortest == edge) return from;
  if (from.width < from.height) return {cut_quotient(exact * height, width), edge};
  return {edge, cut_quotient(exact * width, height)};
}

PictureSize within(std::int64_t most_height, std::int64_t most_width, PictureSize from) {
  const auto height = static_cast<double>(from.height);
  const auto width = static_cast<double>(from.width);
  const double scale =
      std::min(static_cast<double>(most_height) / height, static_cast<double>(most_width) / width);
  return {static_cast<std::int64_t>(height * scale), static_cast<std::int64_t>(width * scale)};
}

}  // namespace

SizeRule SizeRule::exactly(std::int64_t height, std::int64_t width) {
  SizeRule rule;
  rule.height = height;
  rule.width = width;
  return rule;
}

SizeRule SizeRule::by_shortest_edge(std::int64_t edge) {
  SizeRule rule;
  rule.shortest_edge = edge;
  return rule;
}

bool SizeRule::resizes() const {
  return is_exact() || shortest_edge > 0 || (max_height > 0 && max_width > 0);
}

Result<std::optional<SizeRule>> read_size_rule(const Json& object, std::string_view key,
                                               bool number_is_square, std::string_view what) {
  const auto found = object.find(std::string(key));
  if (found == object.end() || found->is_null()) return std::optional<SizeRule>();
  if (found->is_object()) {
    RIDGELINE_TRY(const SizeRule rule, rule_of_object(*found, key, what));
    return std::optional(rule);
  }
  if (found->is_array() && found->size() >= 2) {
    RIDGELINE_TRY(const std::int64_t height, pixels_of((*found)[0], key, what));
    RIDGELINE_TRY(const std::int64_t width, pixels_of((*found)[1], key, what));
    return std::optional(SizeRule::exactly(height, width));
  }
  RIDGELINE_TRY(const std::int64_t pixels, pixels_of(*found, key, what));
  return std::optional(number_is_square ? SizeRule::exactly(pixels, pixels)
                                        : SizeRule::by_shortest_edge(pixels));
}

Result<PictureSize> resized_size(const SizeRule& rule, PictureSize from) {
  PictureSize to;
  if (rule.shortest_edge > 0 && rule.longest_edge > 0) {
    to = by_both_edges(rule.shortest_edge, rule.longest_edge, from);
  } else if (rule.shortest_edge > 0) {
    to = by_edge(rule.shortest_edge, from);
  } else if (rule.max_height > 0 && rule.max_width > 0) {
    to = within(rule.max_height, rule.max_width, from);
  } else if (rule.is_exact()) {
    to = {rule.height, rule.width};
  } else {
    return bad_input("the size of the image processor does not say what to resize to");
  }
  if (to.height >= 1 && to.width >= 1) return to;
  return bad_input(fmt::format("a picture of {} x {} pixels would be resized to {} x {}",
                               from.width, from.height, to.width, to.height),
                   "crop it first");
}

}  // namespace ridgeline::native
