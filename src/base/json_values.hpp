// Values of JSON that may be missing, for sources that build or read objects member by member.
// Includes the whole of nlohmann/json: for .cpp files.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "base/json.hpp"

namespace ridgeline {

/// The value, or null without one.
template <typename T>
Json or_null(const std::optional<T>& value) {
  return value ? Json(*value) : Json(nullptr);
}

/// The text, or null when it is empty.
inline Json text_or_null(std::string_view text) {
  return text.empty() ? Json(nullptr) : Json(text);
}

/// A member that is a number; nothing for anything else, also when `object` is no object.
inline std::optional<double> number_in(const Json& object, std::string_view key) {
  const Json& value = entry_of(object, key);
  return value.is_number() ? std::optional(value.get<double>()) : std::nullopt;
}

/// A member that is text; empty for anything else.
inline std::string text_in(const Json& object, std::string_view key) {
  const Json& value = entry_of(object, key);
  return value.is_string() ? value.get<std::string>() : std::string();
}

}  // namespace ridgeline
