// Runs the tree of a template, as jinja2's sandbox does under transformers.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/error.hpp"
#include "engines/native/inputs/chat/function.hpp"
#include "engines/native/inputs/chat/limits.hpp"
#include "engines/native/inputs/chat/loop.hpp"
#include "engines/native/inputs/chat/syntax.hpp"
#include "engines/native/inputs/chat/value.hpp"

namespace ridgeline::native::jinja {

/// Names of one block; what it does not have, its parent may have.
struct Scope {
  std::shared_ptr<Scope> parent;
  std::unordered_map<std::string_view, Value> names = {};  ///< views into the tree
};

/// A macro with the names it saw where it was made.
struct Macro {
  const Signature* signature;
  const Block* body;
  std::shared_ptr<Scope> scope;
};

/// One rendering. Not to be used again after run().
class Interpreter {
 public:
  /// `variables` are what the template is given; `now` is the time of strftime_now in seconds since
  /// 1970, the machine's clock when absent. Both and the tree must outlive the interpreter.
  Interpreter(const Dict& variables, std::optional<std::int64_t> now)
      : variables_(variables), now_(now) {}

  /// The rendered text.
  Result<std::string> run(const Block& block);

  /// The line that was being run, for an error.
  int line() const { return line_; }
  std::optional<std::int64_t> now() const { return now_; }
  Budget& budget() { return budget_; }

  /// New values, paid from the budget.
  Result<Value> text(std::string bytes, bool markup = false);
  Result<Value> sequence(SequenceKind kind, std::vector<Value> items, std::string label = {});
  Result<Value> dict(Dict from);
  Value space(Dict attributes);

  /// What iterating over a value gives: the items of a sequence, characters of a text, keys of a
  /// dict, nothing of an undefined value. An iterator is used up by it.
  Result<std::vector<Value>> items_of(const Value& value);
  /// str(value).
  Result<std::string> string_of(const Value& value);
  /// value.name and value[key]: an undefined value when there is no such thing, an error of an
  /// undefined value.
  Result<Value> attribute(const Value& value, std::string_view name);
  Result<Value> item(const Value& value, const Value& key);
  Result<Value> slice(const Value& value, const Value& start, const Value& stop, const Value& step);
  /// item in container.
  Result<bool> contains(const Value& container, const Value& item);
  Result<Value> arithmetic(std::string_view op, const Value& left, const Value& right);

  Result<Value> call(const Value& callee, const Arguments& arguments);
  Result<Value> filter(std::string_view name, const Value& input, const Arguments& arguments);
  Result<bool> test(std::string_view name, const Value& input, const Arguments& arguments);

 private:
  enum class Flow : std::uint8_t { kOn, kBreak, kContinue };

  Result<Flow> run_block(const Block& block);
  Result<Flow> run_statement(const Statement& statement);
  Result<Flow> run_if(const Statement& statement);
  Result<Flow> run_for(const Statement& statement);
  Result<Flow> run_iterations(const Statement& statement, Loop& loop, bool& finished_one);
  Result<Flow> run_captured(const Statement& statement);
  Status run_simple(const Statement& statement);
  Status run_with(const Statement& statement);
  Status run_call_block(const Statement& statement);
  Result<bool> accepts(const Statement& loop, const std::shared_ptr<Scope>& outer,
                       const Value& item);
  Status assign(const Target& target, const Value& value);
  Status print(std::string_view text);
  Value add_macro(const Statement& statement);
  Status bind_macro(const Macro& macro, const Arguments& arguments, Scope& scope);
  Result<Value> call_macro(const Macro& macro, const Arguments& arguments);

  Result<Value> evaluate(const Expression& expression);
  Result<Value> evaluate_kind(const Expression& expression);
  Result<Value> evaluate_name(const std::string& name);
  Result<Value> evaluate_sequence(const Expression& expression);
  Result<Value> evaluate_dict(const Expression& expression);
  Result<Value> evaluate_slice(const Expression& expression);
  Result<Value> evaluate_unary(const Expression& expression);
  Result<Value> evaluate_comparison(const Expression& expression);
  Result<bool> compare_once(std::string_view op, const Value& left, const Value& right);
  Result<Value> evaluate_concat(const Expression& expression);
  Result<Value> evaluate_conditional(const Expression& expression);
  Result<Value> evaluate_filter(const Expression& expression);
  Result<Arguments> evaluate_arguments(const std::vector<Argument>& arguments);

  Result<std::optional<Value>> member(const Value& value, std::string_view name);
  Result<Value> add(const Value& left, const Value& right);
  Result<Value> repeat(const Value& value, std::int64_t times);

  const Dict& variables_;
  std::optional<std::int64_t> now_;
  Budget budget_;
  std::shared_ptr<Scope> scope_ = std::make_shared<Scope>();
  std::string* out_ = nullptr;
  const Value* block_text_ = nullptr;  // what a filter without an operand applies to
  int line_ = 1;
  int depth_ = 0;
  // Values point to these without owning them: what refers to itself would never be freed.
  std::vector<std::unique_ptr<Namespace>> namespaces_;
  std::vector<std::unique_ptr<Macro>> macros_;
  std::vector<std::unique_ptr<Loop>> loops_;
};

}  // namespace ridgeline::native::jinja
