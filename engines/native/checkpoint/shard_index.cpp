// Reads the index by SAX: trees of Json look keys up one by one, and an index can list 10^5
// tensors.
#include "engines/native/checkpoint/shard_index.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <utility>

#include "base/file.hpp"
#include "base/json.hpp"
#include "engines/native/checkpoint/safetensors_header.hpp"

namespace ridgeline::native {
namespace {

/// A name that cannot lead out of the folder.
bool is_plain_file_name(std::string_view name) {
  return !name.empty() && name != "." && name != ".." &&
         name.find_first_of(std::string_view("/\\\0", 3)) == std::string_view::npos;
}

/// Callbacks of nlohmann's SAX parser: keeps the rows of the top-level `weight_map`.
class IndexHandler {
 public:
  using number_integer_t = nlohmann::json::number_integer_t;
  using number_unsigned_t = nlohmann::json::number_unsigned_t;
  using number_float_t = nlohmann::json::number_float_t;
  using string_t = nlohmann::json::string_t;
  using binary_t = nlohmann::json::binary_t;

  explicit IndexHandler(std::string_view what) : what_(what) {}

  bool null() { return other_value(); }
  bool boolean(bool) { return other_value(); }
  bool number_integer(number_integer_t) { return other_value(); }
  bool number_unsigned(number_unsigned_t) { return other_value(); }
  bool number_float(number_float_t, const string_t&) { return other_value(); }
  bool binary(binary_t&) { return other_value(); }
  bool start_array(std::size_t) { return other_value() && enter(); }
  bool end_array() { return leave(); }
  bool end_object() { return leave(); }

  bool start_object(std::size_t) {
    if (in_map()) return bad_shard();
    if (depth_ == 1 && key_ == "weight_map") map_depth_ = 2;
    return enter();
  }
  bool key(string_t& name) {
    if (depth_ <= 2) key_ = std::move(name);
    return true;
  }
  bool string(string_t& value) {
    if (!in_map()) return true;
    if (!is_plain_file_name(value)) return bad_shard();
    if (weights_.emplace(key_, std::move(value)).second) return true;
    return fail(fmt::format("tensor {} is listed twice", quoted_name(key_)));
  }
  bool parse_error(std::size_t position, const std::string&, const nlohmann::json::exception&) {
    return fail(fmt::format("not valid JSON at byte {}", position));
  }

  Error take_error() { return std::move(error_); }
  WeightMap take_weights() { return std::move(weights_); }

 private:
  bool in_map() const { return map_depth_ == 2 && depth_ == 2; }
  bool other_value() { return !in_map() || bad_shard(); }
  bool bad_shard() {
    return fail(fmt::format("the shard of {} must be the name of a file in that folder",
                            quoted_name(key_)));
  }
  bool enter() {
    if (++depth_ <= kMaxJsonDepth) return true;
    return fail(fmt::format("JSON nested deeper than {}", kMaxJsonDepth));
  }
  bool leave() {
    if (depth_-- == map_depth_) map_depth_ = 0;
    return true;
  }
  bool fail(std::string_view reason) {
    error_ = bad_input(fmt::format("{}: {}", what_, reason));
    return false;
  }

  std::string what_;
  WeightMap weights_;
  Error error_;
  std::string key_;
  int depth_ = 0;
  int map_depth_ = 0;
};

}  // namespace

Result<WeightMap> parse_shard_index(std::string_view text, std::string_view what) {
  IndexHandler handler(what);
  if (!nlohmann::json::sax_parse(text.begin(), text.end(), &handler)) return handler.take_error();
  WeightMap weights = handler.take_weights();
  if (weights.empty()) {
    return bad_input(fmt::format("{}: 'weight_map' is missing or empty", what));
  }
  return weights;
}

Result<WeightMap> read_shard_index(const std::string& path) {
  RIDGELINE_TRY(const std::string text, read_text_file(path, 256ull << 20));
  return parse_shard_index(text, path);
}

}  // namespace ridgeline::native
