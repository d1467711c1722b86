// The interpreter's calls: macros, filters, tests, and new values that are paid for.
#include <fmt/format.h>

#include <algorithm>

#include "engines/native/inputs/chat/interpreter.hpp"
#include "engines/native/inputs/chat/printing.hpp"
#include "engines/native/inputs/text/unicode.hpp"

namespace ridgeline::native::jinja {
namespace {

constexpr std::size_t kCallWork = 256;

// What going once through a value costs.
std::size_t look_work(const Value& value) {
  if (value.is_text()) return value.as_text().size() / 2;
  if (value.is(Kind::kSequence)) return value.as_sequence().items.size() * 8;
  return value.is(Kind::kDict) ? value.as_dict().entries().size() * 16 : 0;
}

std::size_t look_work(const Value& self, const Arguments& arguments) {
  std::size_t work = kCallWork + look_work(self);
  for (const Value& value : arguments.positional) work += look_work(value);
  for (const auto& [name, value] : arguments.named) work += look_work(value);
  return work;
}

using NamedArguments = std::vector<const std::pair<std::string, Value>*>;

// Takes the argument of a name off the list; null when it is not there.
const Value* take_named(NamedArguments& named, std::string_view name) {
  const auto found = std::find_if(named.begin(), named.end(),
                                  [&](const auto* entry) { return entry->first == name; });
  if (found == named.end()) return nullptr;
  const Value* value = &(*found)->second;
  named.erase(found);
  return value;
}

}  // namespace

Result<Value> Interpreter::text(std::string bytes, bool markup) {
  RIDGELINE_CHECK(budget_.spend(sizeof(Text) + bytes.size()));
  return Value::text(std::move(bytes), markup);
}

Result<Value> Interpreter::sequence(SequenceKind kind, std::vector<Value> items,
                                    std::string label) {
  RIDGELINE_CHECK(budget_.spend(sizeof(Sequence) + items.size() * sizeof(Value)));
  return Value::sequence(kind, std::move(items), std::move(label));
}

Result<Value> Interpreter::dict(Dict from) {
  // An entry is two values, its key once more as text, and a node of the index.
  constexpr std::size_t kEntry = 2 * sizeof(Value) + 96;
  RIDGELINE_CHECK(budget_.spend(sizeof(Dict) + from.entries().size() * kEntry));
  return Value::dict(std::move(from));
}

Value Interpreter::space(Dict attributes) {
  namespaces_.push_back(std::make_unique<Namespace>(Namespace{std::move(attributes)}));
  return Value::space(namespaces_.back().get());
}

Result<std::string> Interpreter::string_of(const Value& value) {
  return to_text(value, budget_);
}

Result<std::vector<Value>> Interpreter::items_of(const Value& value) {
  std::vector<Value> items;
  switch (value.kind()) {
    case Kind::kUndefined:
      return items;
    case Kind::kText: {
      const std::string& text = value.as_text();
      RIDGELINE_CHECK(budget_.spend(value.text_parts().length * (sizeof(Value) + sizeof(Text))));
      for (std::size_t at = 0; at < text.size();) {
        const std::size_t start = at;
        decode_utf8(text, at);
        items.push_back(Value::text(text.substr(start, at - start)));
      }
      return items;
    }
    case Kind::kSequence: {
      const Sequence& sequence = value.as_sequence();
      const std::size_t from = std::min(sequence.next, sequence.items.size());
      if (sequence.kind == SequenceKind::kIterator) sequence.next = sequence.items.size();
      RIDGELINE_CHECK(budget_.spend((sequence.items.size() - from) * sizeof(Value)));
      items.assign(sequence.items.begin() + static_cast<std::ptrdiff_t>(from),
                   sequence.items.end());
      return items;
    }
    case Kind::kDict:
      RIDGELINE_CHECK(budget_.spend(value.as_dict().entries().size() * sizeof(Value)));
      for (const auto& entry : value.as_dict().entries()) items.push_back(entry.first);
      return items;
    default:
      return bad_input(
          fmt::format("a value of type {} cannot be iterated over", value.type_name()));
  }
}

Value Interpreter::add_macro(const Statement& statement) {
  macros_.push_back(
      std::make_unique<Macro>(Macro{&statement.signature, &statement.bodies[0], scope_}));
  Function function;
  function.macro = macros_.back().get();
  return Value::function(std::move(function));
}

Status Interpreter::bind_macro(const Macro& macro, const Arguments& arguments, Scope& scope) {
  const Signature& signature = *macro.signature;
  const std::size_t count = signature.parameters.size();
  NamedArguments named;
  for (const auto& entry : arguments.named) named.push_back(&entry);
  std::vector<std::size_t> missing;
  for (std::size_t i = 0; i < count; ++i) {
    const std::string& name = signature.parameters[i];
    const bool has_place = i < arguments.positional.size();
    const Value* value = has_place ? &arguments.positional[i] : take_named(named, name);
    if (value == nullptr) missing.push_back(i);
    scope.names[name] =
        value != nullptr ? *value
                         : Value::undefined(fmt::format("parameter '{}' was not provided", name));
  }
  // In order, after all arguments are known: a default may use what stands before it.
  const std::size_t first_default = count - signature.defaults.size();
  for (const std::size_t i : missing) {
    if (i < first_default) continue;
    RIDGELINE_TRY(scope.names[signature.parameters[i]],
                  evaluate(*signature.defaults[i - first_default]));
  }
  if (signature.takes_caller) {
    const Value* caller = take_named(named, "caller");
    scope.names["caller"] = caller != nullptr ? *caller : Value::undefined("No caller defined");
  }
  if (signature.takes_more_names) {
    Dict more;
    for (const auto* entry : named) more.set_text(entry->first, entry->second);
    RIDGELINE_TRY(scope.names["kwargs"], dict(std::move(more)));
  } else if (!named.empty()) {
    return bad_input(fmt::format("macro '{}' takes no argument '{}'", signature.name,
                                 excerpt(named.front()->first)));
  }
  if (signature.takes_more_places) {
    const std::size_t used = std::min(count, arguments.positional.size());
    RIDGELINE_TRY(scope.names["varargs"],
                  sequence(SequenceKind::kTuple,
                           {arguments.positional.begin() + static_cast<std::ptrdiff_t>(used),
                            arguments.positional.end()}));
  } else if (arguments.positional.size() > count) {
    return bad_input(
        fmt::format("macro '{}' takes not more than {} arguments", signature.name, count));
  }
  return {};
}

Result<Value> Interpreter::call_macro(const Macro& macro, const Arguments& arguments) {
  RIDGELINE_CHECK(budget_.spend(kCallWork));
  if (depth_ >= kMaxEvaluationDepth) return bad_input("the template nests or recurses too deeply");
  std::string text;
  const auto outer = std::exchange(scope_, std::make_shared<Scope>(Scope{macro.scope}));
  std::string* const out = std::exchange(out_, &text);
  Status done = bind_macro(macro, arguments, *scope_);
  if (done) {
    auto flow = run_block(*macro.body);
    if (!flow) done = std::move(flow).error();
  }
  scope_ = outer;
  out_ = out;
  if (!done) return std::move(done).error();
  return this->text(std::move(text));
}

Result<Value> Interpreter::call(const Value& callee, const Arguments& arguments) {
  RIDGELINE_CHECK(require_defined(callee));
  if (!callee.is(Kind::kFunction)) {
    return bad_input(fmt::format("a value of type {} cannot be called", callee.type_name()));
  }
  const Function& function = callee.as_function();
  if (function.macro != nullptr) return call_macro(*function.macro, arguments);
  RIDGELINE_CHECK(budget_.spend(look_work(function.self, arguments)));
  return invoke(*this, *function.native, function.self, arguments);
}

Result<Value> Interpreter::filter(std::string_view name, const Value& input,
                                  const Arguments& arguments) {
  const NativeEntry* entry = find_filter(name);
  if (entry == nullptr) {
    return unsupported(fmt::format("there is no filter '{}' here", excerpt(name)));
  }
  RIDGELINE_CHECK(budget_.spend(look_work(input, arguments)));
  return invoke(*this, *entry, input, arguments);
}

Result<bool> Interpreter::test(std::string_view name, const Value& input,
                               const Arguments& arguments) {
  const NativeEntry* entry = find_entry(value_tests(), name);
  if (entry == nullptr) {
    return unsupported(fmt::format("there is no test '{}' here", excerpt(name)));
  }
  RIDGELINE_CHECK(budget_.spend(look_work(input, arguments)));
  RIDGELINE_TRY(const Value value, invoke(*this, *entry, input, arguments));
  return value.truth();
}

}  // namespace ridgeline::native::jinja
