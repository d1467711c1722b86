// Values: construction, truth, type names, and what JSON becomes.
#include "engines/native/inputs/chat/value.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "engines/native/inputs/chat/function.hpp"
#include "engines/native/inputs/text/unicode.hpp"

namespace ridgeline::native::jinja {
namespace {

std::size_t code_points_in(std::string_view bytes) {
  return static_cast<std::size_t>(std::count_if(bytes.begin(), bytes.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xC0) != 0x80;
  }));
}

std::string text_hash(std::string_view key) {
  std::string hash = "s";
  hash += key;
  return hash;
}

Error too_deep() {
  return bad_input("the template nests lists or dicts too deeply");
}

}  // namespace

Value Value::undefined(std::string message) {
  Value value;
  value.data_ = std::make_shared<const std::string>(std::move(message));
  return value;
}

Value Value::boolean(bool from) {
  Value value;
  value.data_ = from;
  return value;
}

Value Value::integer(std::int64_t from) {
  Value value;
  value.data_ = from;
  return value;
}

Value Value::number(double from) {
  Value value;
  value.data_ = from;
  return value;
}

Value Value::text(std::string bytes, bool markup) {
  const std::size_t length = code_points_in(bytes);
  Value value;
  value.data_ = std::make_shared<const Text>(Text{std::move(bytes), length, markup});
  return value;
}

Value Value::function(Function from) {
  Value value;
  value.data_ = std::make_shared<const Function>(std::move(from));
  return value;
}

Value Value::space(Namespace* from) {
  Value value;
  value.data_ = from;
  return value;
}

Value Value::loop(Loop* from) {
  Value value;
  value.data_ = from;
  return value;
}

Result<Value> Value::sequence(SequenceKind kind, std::vector<Value> items, std::string label) {
  int depth = 0;
  for (const Value& item : items) depth = std::max(depth, item.depth());
  if (depth >= kMaxValueDepth) return too_deep();
  Value value;
  value.data_ = std::make_shared<const Sequence>(
      Sequence{kind, std::move(items), std::move(label), depth + 1});
  return value;
}

Result<Value> Value::dict(Dict from) {
  if (from.depth() > kMaxValueDepth) return too_deep();
  Value value;
  value.data_ = std::make_shared<const Dict>(std::move(from));
  return value;
}

bool Value::is(SequenceKind kind) const {
  return is(Kind::kSequence) && as_sequence().kind == kind;
}

bool Value::as_bool() const {
  return std::get<bool>(data_);
}

std::int64_t Value::as_int() const {
  return is(Kind::kBool) ? static_cast<std::int64_t>(as_bool()) : std::get<std::int64_t>(data_);
}

double Value::as_number() const {
  return is(Kind::kFloat) ? std::get<double>(data_) : static_cast<double>(as_int());
}

const std::string& Value::as_text() const {
  return text_parts().bytes;
}

const Text& Value::text_parts() const {
  return *std::get<std::shared_ptr<const Text>>(data_);
}

const Sequence& Value::as_sequence() const {
  return *std::get<std::shared_ptr<const Sequence>>(data_);
}

const Dict& Value::as_dict() const {
  return *std::get<std::shared_ptr<const Dict>>(data_);
}

const Function& Value::as_function() const {
  return *std::get<std::shared_ptr<const Function>>(data_);
}

Namespace& Value::as_namespace() const {
  return *std::get<Namespace*>(data_);
}

Loop& Value::as_loop() const {
  return *std::get<Loop*>(data_);
}

const std::string& Value::undefined_message() const {
  return *std::get<std::shared_ptr<const std::string>>(data_);
}

bool Value::truth() const {
  switch (kind()) {
    case Kind::kUndefined:
    case Kind::kNone:
      return false;
    case Kind::kBool:
      return as_bool();
    case Kind::kInt:
      return as_int() != 0;
    case Kind::kFloat:
      return as_number() != 0;
    case Kind::kText:
      return !as_text().empty();
    case Kind::kSequence:
      // A generator is true even when nothing comes of it.
      return as_sequence().kind == SequenceKind::kIterator || !as_sequence().items.empty();
    case Kind::kDict:
      return !as_dict().entries().empty();
    default:
      return true;
  }
}

std::string_view Value::type_name() const {
  constexpr std::string_view kNames[] = {"Undefined", "NoneType", "bool",       "int",
                                         "float",     "str",      "",           "dict",
                                         "Namespace", "function", "LoopContext"};
  if (!is(Kind::kSequence)) return kNames[static_cast<std::size_t>(kind())];
  constexpr std::string_view kSequences[] = {"list", "tuple", "range", "view", "generator"};
  return kSequences[static_cast<std::size_t>(as_sequence().kind)];
}

int Value::depth() const {
  if (is(Kind::kSequence)) return as_sequence().depth;
  return is(Kind::kDict) ? as_dict().depth() : 0;
}

const Value* Dict::find(const std::string& hash) const {
  const auto found = index_.find(hash);
  return found == index_.end() ? nullptr : &entries_[found->second].second;
}

const Value* Dict::find_text(std::string_view key) const {
  return find(text_hash(key));
}

void Dict::set(const std::string& hash, Value key, Value value) {
  depth_ = std::max({depth_, key.depth() + 1, value.depth() + 1});
  const auto [at, is_new] = index_.emplace(hash, entries_.size());
  if (is_new) {
    entries_.emplace_back(std::move(key), std::move(value));
  } else {
    entries_[at->second].second = std::move(value);
  }
}

void Dict::set_text(std::string_view key, Value value) {
  set(text_hash(key), Value::text(std::string(key)), std::move(value));
}

Status require_defined(const Value& value) {
  if (value.is_undefined()) return bad_input(value.undefined_message());
  return {};
}

Result<Value> from_json(const Json& json) {
  switch (json.type()) {
    case Json::value_t::boolean:
      return Value::boolean(json.get<bool>());
    case Json::value_t::number_integer:
      return Value::integer(json.get<std::int64_t>());
    case Json::value_t::number_unsigned:
      if (json.get<std::uint64_t>() > INT64_MAX) return bad_input("an integer is beyond 64 bits");
      return Value::integer(json.get<std::int64_t>());
    case Json::value_t::number_float:
      return Value::number(json.get<double>());
    case Json::value_t::string: {
      const auto& text = json.get_ref<const std::string&>();
      if (invalid_utf8_at(text)) return bad_input("a text is not valid UTF-8");
      return Value::text(text);
    }
    case Json::value_t::array: {
      std::vector<Value> items;
      items.reserve(json.size());
      for (const Json& item : json) {
        RIDGELINE_TRY(Value value, from_json(item));
        items.push_back(std::move(value));
      }
      return Value::sequence(SequenceKind::kList, std::move(items));
    }
    case Json::value_t::object: {
      Dict dict;
      for (const auto& [key, item] : json.items()) {
        RIDGELINE_TRY(Value value, from_json(item));
        dict.set_text(key, std::move(value));
      }
      return Value::dict(std::move(dict));
    }
    default:
      return Value();
  }
}

}  // namespace ridgeline::native::jinja
