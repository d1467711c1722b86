// What a template computes with: the values of Python that chat templates use.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>

#include "base/error.hpp"
#include "base/json.hpp"
#include "engines/native/inputs/chat/limits.hpp"

namespace ridgeline::native::jinja {

class Value;
class Dict;
struct Text;
struct Sequence;
struct Function;
struct Namespace;
struct Loop;

enum class Kind : std::uint8_t {
  kUndefined,  ///< prints as nothing; using it in any other way is an error
  kNone,
  kBool,
  kInt,
  kFloat,
  kText,
  kSequence,
  kDict,
  kNamespace,
  kFunction,
  kLoop,
};

/// What Python has as different types of sequences.
enum class SequenceKind : std::uint8_t {
  kList,
  kTuple,
  kRange,
  kView,      ///< dict.items() and its like: has a length, cannot be indexed
  kIterator,  ///< a generator: can be gone through once
};

/// A value; copies share what they point to, which never changes (namespaces and loops excepted).
class Value {
 public:
  Value() = default;  ///< None
  static Value undefined(std::string message);
  static Value boolean(bool value);
  static Value integer(std::int64_t value);
  static Value number(double value);
  /// `markup` marks text as HTML that needs no escaping any more, as jinja2's Markup.
  static Value text(std::string bytes, bool markup = false);
  static Value function(Function function);
  static Value space(Namespace* space);  ///< owned by the interpreter
  static Value loop(Loop* loop);         ///< owned by the interpreter

  /// `label` is what a range or a view prints as its type. Fails beyond kMaxValueDepth.
  static Result<Value> sequence(SequenceKind kind, std::vector<Value> items,
                                std::string label = {});
  static Result<Value> dict(Dict dict);

  Kind kind() const { return static_cast<Kind>(data_.index()); }
  bool is(Kind kind) const { return this->kind() == kind; }
  bool is(SequenceKind kind) const;
  bool is_undefined() const { return is(Kind::kUndefined); }
  bool is_none() const { return is(Kind::kNone); }
  bool is_text() const { return is(Kind::kText); }
  /// A bool counts as a number, as in Python.
  bool is_number() const { return is(Kind::kBool) || is(Kind::kInt) || is(Kind::kFloat); }
  bool is_integral() const { return is(Kind::kBool) || is(Kind::kInt); }

  /// Each of these only for its kind; as_int and as_number also for a bool and (as_number) an int.
  bool as_bool() const;
  std::int64_t as_int() const;
  double as_number() const;
  const std::string& as_text() const;
  const Text& text_parts() const;
  const Sequence& as_sequence() const;
  const Dict& as_dict() const;
  const Function& as_function() const;
  Namespace& as_namespace() const;
  Loop& as_loop() const;
  const std::string& undefined_message() const;

  /// bool(value) of Python.
  bool truth() const;
  /// How Python names the type: "str", "NoneType", ...
  std::string_view type_name() const;
  /// Levels of sequences and dicts, 0 for all others.
  int depth() const;

 private:
  struct None {};
  using Data =
      std::variant<std::shared_ptr<const std::string>, None, bool, std::int64_t, double,
                   std::shared_ptr<const Text>, std::shared_ptr<const Sequence>,
                   std::shared_ptr<const Dict>, Namespace*, std::shared_ptr<const Function>, Loop*>;
  Data data_ = None{};
};

struct Text {
  std::string bytes;   ///< UTF-8
  std::size_t length;  ///< in code points
  bool markup;

  bool is_ascii() const { return length == bytes.size(); }
};

struct Sequence {
  SequenceKind kind;
  std::vector<Value> items;
  std::string label;
  int depth;
  mutable std::size_t next = 0;  ///< how far an iterator has gone
};

/// A dict in the order of insertion.
class Dict {
 public:
  const std::vector<std::pair<Value, Value>>& entries() const { return entries_; }
  /// `hash` is hash_of(key).
  const Value* find(const std::string& hash) const;
  const Value* find_text(std::string_view key) const;
  void set(const std::string& hash, Value key, Value value);
  void set_text(std::string_view key, Value value);
  int depth() const { return depth_; }

 private:
  std::vector<std::pair<Value, Value>> entries_;
  std::unordered_map<std::string, std::size_t> index_;
  int depth_ = 1;
};

/// What namespace() makes: the one thing that a template can change.
struct Namespace {
  Dict attributes;
};

/// Equal values give equal texts; lists and dicts are no keys, as in Python.
Result<std::string> hash_of(const Value& key, Budget& budget);

/// `a == b` of Python.
Result<bool> equal(const Value& a, const Value& b, Budget& budget);

/// `a < b` and its like of Python: numbers, texts, and lists of those; others are an error.
Result<std::partial_ordering> compare(const Value& a, const Value& b, Budget& budget);

/// An error if the value is undefined.
Status require_defined(const Value& value);

/// JSON as Python's json module gives it. Integers beyond 64 bits are an error.
Result<Value> from_json(const Json& json);

}  // namespace ridgeline::native::jinja
