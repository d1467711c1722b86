// Reads the header by SAX: a tree would hide duplicate keys and cost many times the text.
#include "engines/native/checkpoint/safetensors_header.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <utility>

#include "base/json.hpp"

namespace ridgeline::native {
namespace {

constexpr std::string_view kMetadataKey = "__metadata__";
constexpr std::size_t kLongestShown = 100;

/// Where in the header the parser is. Values of unknown fields are counted over, not kept.
enum class Place { kStart, kTop, kMetadata, kTensor, kShape, kOffsets };
enum class Field { kNone, kDtype, kShape, kOffsets, kUnknown };

/// The callbacks of nlohmann's SAX parser; each returns false to stop, with error() set.
class HeaderHandler {
 public:
  using number_integer_t = nlohmann::json::number_integer_t;
  using number_unsigned_t = nlohmann::json::number_unsigned_t;
  using number_float_t = nlohmann::json::number_float_t;
  using string_t = nlohmann::json::string_t;
  using binary_t = nlohmann::json::binary_t;

  explicit HeaderHandler(std::string_view what) : what_(what) {}

  bool null() {
    if (skip_scalar()) return true;
    // `"__metadata__": null` is what some writers put when there is none.
    if (place_ == Place::kTop && name_ == kMetadataKey) return true;
    return misplaced("null");
  }
  bool boolean(bool) { return skip_scalar() || misplaced("a boolean"); }
  bool number_integer(number_integer_t) { return skip_scalar() || misplaced("a negative number"); }
  bool number_float(number_float_t, const string_t&) {
    return skip_scalar() || misplaced("a fraction or a number above 2^64");
  }
  bool binary(binary_t&) { return misplaced("binary data"); }
  bool number_unsigned(number_unsigned_t value);
  bool string(string_t& value);
  bool key(string_t& name);
  bool start_object(std::size_t);
  bool end_object();
  bool start_array(std::size_t);
  bool end_array();
  bool parse_error(std::size_t position, const std::string&, const nlohmann::json::exception&) {
    return fail(fmt::format("not valid JSON at byte {} of the header", position));
  }

  Error take_error() { return std::move(error_); }
  SafetensorsHeader take_header() { return std::move(header_); }

 private:
  bool fail(std::string_view reason) {
    error_ = bad_input(fmt::format("{}: {}", what_, reason));
    return false;
  }
  bool misplaced(std::string_view found);
  bool skipping() const { return skip_depth_ > 0 || field_ == Field::kUnknown; }
  bool skip_scalar();
  bool skip_start();
  bool skip_end();
  bool tensor_key(const std::string& name);

  std::string what_;
  SafetensorsHeader header_;
  Error error_;
  Place place_ = Place::kStart;
  Field field_ = Field::kNone;
  bool has_metadata_ = false;
  int skip_depth_ = 0;
  std::string name_;  // of the tensor or of the metadata row
  HeaderEntry entry_;
  std::size_t offsets_seen_ = 0;
  bool has_dtype_ = false;
  bool has_shape_ = false;
  bool has_offsets_ = false;
};

bool HeaderHandler::misplaced(std::string_view found) {
  switch (place_) {
    case Place::kStart:
      return fail("the header is not a JSON object");
    case Place::kMetadata:
      return fail(fmt::format("{} may hold only strings", kMetadataKey));
    case Place::kTop:
      return fail(fmt::format("{} must be an object, not {}", quoted_name(name_), found));
    default:
      break;
  }
  const std::string_view field = field_ == Field::kDtype   ? "dtype"
                                 : field_ == Field::kShape ? "shape"
                                                           : "data_offsets";
  return fail(fmt::format("tensor {}: {} cannot be {}", quoted_name(name_), field, found));
}

bool HeaderHandler::skip_scalar() {
  if (!skipping()) return false;
  if (skip_depth_ == 0) field_ = Field::kNone;
  return true;
}

bool HeaderHandler::skip_start() {
  if (++skip_depth_ <= kMaxJsonDepth) return true;
  return fail(fmt::format("JSON nested deeper than {}", kMaxJsonDepth));
}

bool HeaderHandler::skip_end() {
  if (--skip_depth_ == 0) field_ = Field::kNone;
  return true;
}

bool HeaderHandler::number_unsigned(number_unsigned_t value) {
  if (skip_scalar()) return true;
  if (place_ == Place::kShape) {
    if (entry_.shape.size() == kMaxRank) {
      return fail(fmt::format("tensor {}: more than {} dimensions", quoted_name(name_), kMaxRank));
    }
    entry_.shape.push_back(value);
    return true;
  }
  if (place_ == Place::kOffsets) {
    if (offsets_seen_ == 2) {
      return fail(
          fmt::format("tensor {}: data_offsets has more than two numbers", quoted_name(name_)));
    }
    entry_.offsets[offsets_seen_++] = value;
    return true;
  }
  return misplaced("a number");
}

bool HeaderHandler::string(string_t& value) {
  if (skip_scalar()) return true;
  if (place_ == Place::kMetadata) {
    header_.metadata[name_] = std::move(value);
    return true;
  }
  if (place_ != Place::kTensor || field_ != Field::kDtype) return misplaced("a string");
  entry_.dtype = std::move(value);
  field_ = Field::kNone;
  return true;
}

bool HeaderHandler::tensor_key(const std::string& name) {
  const auto once = [&](bool& seen, Field field) {
    if (std::exchange(seen, true)) {
      return fail(fmt::format("tensor {}: {} appears twice", quoted_name(name_), name));
    }
    field_ = field;
    return true;
  };
  if (name == "dtype") return once(has_dtype_, Field::kDtype);
  if (name == "shape") return once(has_shape_, Field::kShape);
  if (name == "data_offsets") return once(has_offsets_, Field::kOffsets);
  field_ = Field::kUnknown;
  return true;
}

bool HeaderHandler::key(string_t& name) {
  if (skipping()) return true;
  if (place_ == Place::kTensor) return tensor_key(name);
  if (place_ == Place::kMetadata) {
    if (header_.metadata.count(name) > 0) {
      return fail(fmt::format("{}: key {} appears twice", kMetadataKey, quoted_name(name)));
    }
    name_ = std::move(name);
    return true;
  }
  const bool twice =
      name == kMetadataKey ? std::exchange(has_metadata_, true) : header_.entries.count(name) > 0;
  if (twice) return fail(fmt::format("{} appears twice in the header", quoted_name(name)));
  name_ = std::move(name);
  return true;
}

bool HeaderHandler::start_object(std::size_t) {
  if (skipping()) return skip_start();
  if (place_ == Place::kStart) {
    place_ = Place::kTop;
    return true;
  }
  if (place_ != Place::kTop) return misplaced("an object");
  place_ = name_ == kMetadataKey ? Place::kMetadata : Place::kTensor;
  entry_ = {};
  field_ = Field::kNone;
  offsets_seen_ = 0;
  has_dtype_ = has_shape_ = has_offsets_ = false;
  return true;
}

bool HeaderHandler::end_object() {
  if (skipping()) return skip_end();
  if (place_ == Place::kTensor) {
    if (!has_dtype_ || !has_shape_ || !has_offsets_) {
      return fail(
          fmt::format("tensor {}: dtype, shape or data_offsets is missing", quoted_name(name_)));
    }
    header_.entries.emplace(std::move(name_), std::move(entry_));
  }
  name_.clear();
  place_ = Place::kTop;
  return true;
}

bool HeaderHandler::start_array(std::size_t) {
  if (skipping()) return skip_start();
  if (place_ != Place::kTensor || (field_ != Field::kShape && field_ != Field::kOffsets)) {
    return misplaced("a list");
  }
  place_ = field_ == Field::kShape ? Place::kShape : Place::kOffsets;
  return true;
}

bool HeaderHandler::end_array() {
  if (skipping()) return skip_end();
  if (place_ == Place::kOffsets && offsets_seen_ != 2) {
    return fail(fmt::format("tensor {}: data_offsets needs two numbers", quoted_name(name_)));
  }
  place_ = Place::kTensor;
  field_ = Field::kNone;
  return true;
}

}  // namespace

Result<SafetensorsHeader> parse_safetensors_header(std::string_view text, std::string_view what) {
  if (text.empty() || text.front() != '{') {
    return bad_input(fmt::format("{}: the header does not start with '{{'", what),
                     "is it a safetensors file?");
  }
  HeaderHandler handler(what);
  if (!nlohmann::json::sax_parse(text.begin(), text.end(), &handler)) return handler.take_error();
  return handler.take_header();
}

std::string quoted_name(std::string_view name) {
  if (name.size() <= kLongestShown) return fmt::format("'{}'", name);
  std::size_t cut = kLongestShown;
  // Not inside a UTF-8 sequence.
  while (cut > 0 && (static_cast<unsigned char>(name[cut]) & 0xc0) == 0x80) --cut;
  return fmt::format("'{}…'", name.substr(0, cut));
}

}  // namespace ridgeline::native
