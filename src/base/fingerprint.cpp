// Canonical JSON and its hash.
#include "base/fingerprint.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <vector>

#include "base/hash.hpp"

namespace ridgeline {
namespace {

void append_canonical(const Json& json, std::string& text) {
  if (json.is_object()) {
    std::vector<std::string> keys;
    for (const auto& [key, value] : json.items()) keys.push_back(key);
    std::sort(keys.begin(), keys.end());
    text += '{';
    for (std::size_t i = 0; i < keys.size(); ++i) {
      if (i > 0) text += ',';
      text += to_line(Json(keys[i])) + ':';
      append_canonical(json.at(keys[i]), text);
    }
    text += '}';
  } else if (json.is_array()) {
    text += '[';
    for (std::size_t i = 0; i < json.size(); ++i) {
      if (i > 0) text += ',';
      append_canonical(json[i], text);
    }
    text += ']';
  } else {
    text += to_line(json);
  }
}

}  // namespace

std::string canonical_json(const Json& json) {
  std::string text;
  append_canonical(json, text);
  return text;
}

std::string fingerprint(const Json& json) {
  return hash64_hex(canonical_json(json));
}

}  // namespace ridgeline
