#include "base/json.hpp"

#include <fmt/format.h>

#include <cmath>
#include <nlohmann/json.hpp>
#include <unordered_set>
#include <vector>

#include "base/file.hpp"

namespace ridgeline {
namespace {

// Builds the tree itself: the library's own builder searches an object's keys at every insertion,
// so that a hostile file of a few megabytes takes hours, and it keeps one of two equal keys.
class TreeBuilder final : public nlohmann::json_sax<Json> {
 public:
  bool null() override { return add(nullptr); }
  bool boolean(bool value) override { return add(value); }
  bool number_integer(number_integer_t value) override { return add(value); }
  bool number_unsigned(number_unsigned_t value) override { return add(value); }
  bool number_float(number_float_t value, const string_t&) override { return add(value); }
  bool string(string_t& value) override { return add(std::move(value)); }
  bool binary(binary_t&) override { return false; }
  bool start_object(std::size_t) override { return open(Json::object()); }
  bool end_object() override { return close(); }
  bool start_array(std::size_t) override { return open(Json::array()); }
  bool end_array() override { return close(); }

  bool key(string_t& name) override {
    Level& level = levels_.back();
    if (!level.keys.insert(name).second) {
      problem_ = fmt::format("the key '{}' stands twice in one object", name);
      return false;
    }
    level.key = std::move(name);
    return true;
  }

  bool parse_error(std::size_t byte, const std::string&, const Json::exception&) override {
    problem_ = fmt::format("not valid JSON at byte {}", byte);
    return false;
  }

  Json take() { return std::move(root_); }
  const std::string& problem() const { return problem_; }

 private:
  struct Level {
    Json value;
    std::string key = {};
    std::unordered_set<std::string> keys = {};
  };

  bool open(Json empty) {
    if (levels_.size() >= kMaxJsonDepth) {
      problem_ = fmt::format("JSON nested deeper than {}", kMaxJsonDepth);
      return false;
    }
    levels_.push_back({std::move(empty)});
    return true;
  }

  bool close() {
    Json done = std::move(levels_.back().value);
    levels_.pop_back();
    return add(std::move(done));
  }

  bool add(Json value) {
    if (levels_.empty()) {
      root_ = std::move(value);
      return true;
    }
    Level& level = levels_.back();
    if (level.value.is_array()) {
      level.value.push_back(std::move(value));
    } else {
      // The map keeps its pairs in a vector; the key is known to be new.
      using Pairs = Json::object_t::Container;
      static_cast<Pairs&>(level.value.get_ref<Json::object_t&>())
          .emplace_back(std::move(level.key), std::move(value));
    }
    return true;
  }

  Json root_;
  std::vector<Level> levels_;
  std::string problem_;
};

const Json* find(const Json& object, std::string_view key) {
  if (!object.is_object()) return nullptr;
  const auto it = object.find(std::string(key));
  return it == object.end() || it->is_null() ? nullptr : &*it;
}

Error wrong_type(std::string_view key, std::string_view what, std::string_view wanted,
                 const Json* value) {
  if (value == nullptr) return bad_input(fmt::format("{}: '{}' is missing", what, key));
  return bad_input(
      fmt::format("{}: '{}' must be {}, not {}", what, key, wanted, value->type_name()));
}

}  // namespace

Result<Json> parse_json(std::string_view text, std::string_view what) {
  TreeBuilder builder;
  try {
    if (Json::sax_parse(text, &builder)) return builder.take();
  } catch (const Json::exception& e) {
    return bad_input(fmt::format("{}: not valid JSON ({})", what, e.what()));
  }
  return bad_input(fmt::format("{}: {}", what, builder.problem()));
}

Result<Json> read_json_file(const std::string& path, std::uint64_t max_bytes) {
  RIDGELINE_TRY(const std::string text, read_text_file(path, max_bytes));
  return parse_json(text, path);
}

std::string to_line(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

const Json& entry_of(const Json& object, std::string_view key) {
  static const Json null;
  if (!object.is_object()) return null;
  const auto found = object.find(std::string(key));
  return found == object.end() ? null : *found;
}

Result<std::int64_t> get_int(const Json& object, std::string_view key, std::string_view what) {
  const Json* value = find(object, key);
  if (value == nullptr || !value->is_number_integer()) {
    // Some tools write 12.0 where they mean 12.
    if (value != nullptr && value->is_number_float()) {
      const double number = value->get<double>();
      if (std::abs(number) < 9e15 && std::trunc(number) == number) {
        return static_cast<std::int64_t>(number);
      }
    }
    return wrong_type(key, what, "an integer", value);
  }
  if (value->is_number_unsigned() && value->get<std::uint64_t>() > INT64_MAX) {
    return bad_input(fmt::format("{}: '{}' is too large", what, key));
  }
  return value->get<std::int64_t>();
}

Result<double> get_number(const Json& object, std::string_view key, std::string_view what) {
  const Json* value = find(object, key);
  if (value == nullptr || !value->is_number()) return wrong_type(key, what, "a number", value);
  return value->get<double>();
}

Result<std::string> get_string(const Json& object, std::string_view key, std::string_view what) {
  const Json* value = find(object, key);
  if (value == nullptr || !value->is_string()) return wrong_type(key, what, "a string", value);
  return value->get<std::string>();
}

Result<std::int64_t> get_int(const Json& object, std::string_view key, std::string_view what,
                             std::int64_t fallback) {
  return find(object, key) == nullptr ? Result<std::int64_t>(fallback) : get_int(object, key, what);
}

Result<double> get_number(const Json& object, std::string_view key, std::string_view what,
                          double fallback) {
  return find(object, key) == nullptr ? Result<double>(fallback) : get_number(object, key, what);
}

Result<std::string> get_string(const Json& object, std::string_view key, std::string_view what,
                               std::string_view fallback) {
  return find(object, key) == nullptr ? Result<std::string>(std::string(fallback))
                                      : get_string(object, key, what);
}

Result<bool> get_bool(const Json& object, std::string_view key, std::string_view what,
                      bool fallback) {
  const Json* value = find(object, key);
  if (value == nullptr) return fallback;
  if (!value->is_boolean()) return wrong_type(key, what, "true or false", value);
  return value->get<bool>();
}

}  // namespace ridgeline
