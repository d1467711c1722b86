// What every template can call: range, dict, namespace, raise_exception, strftime_now.
#include <fmt/format.h>

#include "engines/native/inputs/chat/interpreter.hpp"
#include "engines/native/inputs/chat/text_format.hpp"

namespace ridgeline::native::jinja {
namespace {

// What a template says when it refuses a conversation, and formats of dates, are short.
constexpr std::size_t kMaxMessageBytes = 500;
constexpr std::size_t kMaxTimeFormatBytes = 256;

Result<Value> range(Call& call) {
  RIDGELINE_TRY(std::int64_t start, call.integer(0));
  RIDGELINE_TRY(std::int64_t stop, call.integer(1));
  RIDGELINE_TRY(const std::int64_t step, call.integer(2, 1));
  if (!call.has(1)) stop = std::exchange(start, 0);
  if (step == 0) return bad_input("the step of range() cannot be 0");
  std::vector<Value> items;
  for (std::int64_t i = start; step > 0 ? i < stop : i > stop;) {
    if (items.size() >= kMaxRange) {
      return bad_input(fmt::format("range() of more than {} items", kMaxRange));
    }
    items.push_back(Value::integer(i));
    if (__builtin_add_overflow(i, step, &i)) break;
  }
  std::string label = step == 1 ? fmt::format("range({}, {})", start, stop)
                                : fmt::format("range({}, {}, {})", start, stop, step);
  return call.run.sequence(SequenceKind::kRange, std::move(items), std::move(label));
}

// dict(...) of Python: another dict or pairs, then names.
Result<Dict> made_dict(Call& call) {
  Dict made;
  Budget& budget = call.run.budget();
  if (call.arguments.positional.size() > 1) return bad_input("dict() takes one value at most");
  if (!call.arguments.positional.empty()) {
    const Value& from = call.arguments.positional[0];
    RIDGELINE_CHECK(require_defined(from));
    if (from.is(Kind::kDict)) {
      made = from.as_dict();
    } else {
      RIDGELINE_TRY(const std::vector<Value> pairs, call.run.items_of(from));
      for (const Value& pair : pairs) {
        RIDGELINE_TRY(const std::vector<Value> parts, call.run.items_of(pair));
        if (parts.size() != 2) return bad_input("dict() needs pairs");
        RIDGELINE_TRY(const std::string hash, hash_of(parts[0], budget));
        made.set(hash, parts[0], parts[1]);
      }
    }
  }
  for (const auto& [name, value] : call.arguments.named) made.set_text(name, value);
  return made;
}

Result<Value> dict(Call& call) {
  RIDGELINE_TRY(Dict made, made_dict(call));
  return call.run.dict(std::move(made));
}

Result<Value> space(Call& call) {
  RIDGELINE_TRY(Dict attributes, made_dict(call));
  for (const auto& entry : attributes.entries()) {
    if (entry.first.is_text() && entry.first.as_text().starts_with('_')) {
      return bad_input("attributes of a namespace cannot start with '_'");
    }
  }
  // Paid for as a dict, whose limits hold for it too.
  RIDGELINE_TRY(const Value paid, call.run.dict(attributes));
  return call.run.space(paid.as_dict());
}

Result<Value> raise_exception(Call& call) {
  RIDGELINE_TRY(std::string message, call.run.string_of(call[0]));
  if (message.size() > kMaxMessageBytes) {
    std::size_t end = kMaxMessageBytes;
    while (end > 0 && (static_cast<unsigned char>(message[end]) & 0xC0) == 0x80) --end;
    message.resize(end);
    message += "...";
  }
  return bad_input(fmt::format("the template refuses these messages: {}", message));
}

Result<Value> strftime_now(Call& call) {
  RIDGELINE_TRY(const std::string format, call.text(0));
  if (format.size() > kMaxTimeFormatBytes) return bad_input("a format of a time is too long");
  RIDGELINE_TRY(std::string text, format_time(format, call.run.now()));
  return call.run.text(std::move(text));
}

Result<Value> not_supported(Call&) {
  return unsupported("this function of jinja2 is not supported");
}

constexpr NativeEntry kFunctions[] = {
    {"cycler", "*", not_supported},
    {"dict", "*", dict},
    {"joiner", "*", not_supported},
    {"lipsum", "*", not_supported},
    {"namespace", "*", space},
    {"raise_exception", "message", raise_exception},
    {"range", "start [stop] [step]", range},
    {"strftime_now", "format", strftime_now},
};

}  // namespace

std::span<const NativeEntry> global_functions() {
  return kFunctions;
}

}  // namespace ridgeline::native::jinja
