// Checks that the values of several plan keys share.
#include "measure/plan_values.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/json.hpp"
#include "base/nearest.hpp"
#include "measure/range_list.hpp"

namespace ridgeline::measure {
namespace {

constexpr std::size_t kMaxNameBytes = 4096;
constexpr std::int64_t kMaxSize = 1 << 24;  // of a batch or a sequence; far above what fits

}  // namespace

Status check_text(const std::string& text, std::string_view where, std::size_t max_bytes) {
  if (text.size() > max_bytes) {
    return bad_input(fmt::format("{}: a value of {} bytes is above the limit of {}", where,
                                 text.size(), max_bytes));
  }
  try {
    (void)Json(text).dump();
  } catch (const Json::exception&) {
    return bad_input(fmt::format("{}: the text is not valid UTF-8", where));
  }
  return {};
}

Status check_name(const std::string& name, std::string_view where) {
  if (name.empty()) return bad_input(fmt::format("{}: the value is empty", where));
  const auto is_control = [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; };
  if (std::any_of(name.begin(), name.end(), is_control)) {
    return bad_input(fmt::format("{}: {} has control characters", where, in_quotes(name)));
  }
  return check_text(name, where, kMaxNameBytes);
}

Result<std::string> only_value(const Values& values, std::string_view where) {
  if (values.size() != 1) {
    return bad_input(fmt::format("{}: takes one value, not {}", where, values.size()));
  }
  return values.front();
}

Result<std::vector<std::string>> names_of(const Values& values, std::string_view where) {
  std::vector<std::string> names;
  for (const std::string& value : values) {
    RIDGELINE_TRY(const auto items, parse_name_list(value, where));
    for (const std::string& item : items) {
      RIDGELINE_CHECK(check_name(item, where));
      names.push_back(item);
    }
  }
  return names;
}

Result<std::vector<std::int64_t>> numbers_of(const Values& values, std::string_view where) {
  std::vector<std::int64_t> numbers;
  for (const std::string& value : values) {
    RIDGELINE_TRY(const auto items, parse_int_list(value, where, 1));
    numbers.insert(numbers.end(), items.begin(), items.end());
    for (const std::int64_t item : items) {
      if (item <= kMaxSize) continue;
      return bad_input(fmt::format("{}: {} is above the limit of {}", where, item, kMaxSize));
    }
    if (numbers.size() > kMaxListItems) {
      return bad_input(fmt::format("{}: more than {} values", where, kMaxListItems));
    }
  }
  return numbers;
}

Result<std::vector<std::string>> choices_of(const Values& values, std::string_view where,
                                            std::span<const std::string_view> allowed) {
  RIDGELINE_TRY(auto names, names_of(values, where));
  for (const std::string& name : names) {
    if (std::find(allowed.begin(), allowed.end(), name) == allowed.end()) {
      return bad_input(fmt::format("{}: unknown value {}", where, in_quotes(name)),
                       suggestion(name, allowed));
    }
  }
  return names;
}

}  // namespace ridgeline::measure
