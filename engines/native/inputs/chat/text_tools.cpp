// Replacing, padding and joining texts without making more than the budget allows.
#include "engines/native/inputs/chat/text_tools.hpp"

#include <fmt/format.h>

#include "engines/native/inputs/chat/python_text.hpp"

namespace ridgeline::native::jinja {

Result<Value> replaced(Interpreter& run, std::string_view text, std::string_view old,
                       std::string_view with, std::int64_t count) {
  const std::vector<std::size_t> found = find_all(text, old, count);
  RIDGELINE_CHECK(run.budget().spend(text.size() + found.size() * (with.size() + 8)));
  std::string out;
  std::size_t start = 0;
  for (const std::size_t at : found) {
    out += text.substr(start, at - start);
    out += with;
    start = at + old.size();
  }
  out += text.substr(start);
  return run.text(std::move(out));
}

Result<Value> justified(Interpreter& run, std::string_view text, std::int64_t width,
                        std::string_view fill, Justify how) {
  const auto length = static_cast<std::int64_t>(to_code_points(text).size());
  if (width > kMaxFieldWidth) return bad_input("a text padded so far is not supported");
  const std::int64_t missing = width > length ? width - length : 0;
  std::int64_t left = how == Justify::kRight ? missing : 0;
  // Python gives the odd blank of a centred text to the left when the width is odd.
  if (how == Justify::kCenter) left = missing / 2 + (missing & width & 1);
  std::string out;
  for (std::int64_t i = 0; i < left; ++i) out += fill;
  out += text;
  for (std::int64_t i = left; i < missing; ++i) out += fill;
  return run.text(std::move(out));
}

Result<Value> joined(Interpreter& run, std::string_view separator, const std::vector<Value>& items,
                     bool strict) {
  std::string out;
  for (std::size_t i = 0; i < items.size(); ++i) {
    if (strict && !items[i].is_text()) {
      return bad_input(fmt::format("join() needs texts, not {}", items[i].type_name()));
    }
    if (i > 0) {
      RIDGELINE_CHECK(run.budget().spend(separator.size()));
      out += separator;
    }
    RIDGELINE_TRY(const std::string text, run.string_of(items[i]));
    out += text;
  }
  return run.text(std::move(out));
}

}  // namespace ridgeline::native::jinja
