// Aligns names, wraps values.
#include "report/section.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "report/format.hpp"
#include "report/record_view.hpp"
#include "report/text.hpp"

namespace ridgeline::report {
namespace {

constexpr std::size_t kMaxName = 40;
constexpr std::size_t kMaxValue = 2000;
constexpr std::size_t kMinColumns = 30;

// Lines of at most `columns`, broken at blanks; a word that is longer stands alone.
std::vector<std::string> wrap(std::string_view text, std::size_t columns) {
  std::vector<std::string> lines(1);
  std::size_t used = 0;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(' '), text.size());
    const std::string_view word = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    const std::size_t width = display_width(word);
    if (used > 0 && used + 1 + width > columns) {
      lines.emplace_back();
      used = 0;
    }
    if (used > 0) lines.back() += ' ';
    lines.back() += word;
    used += width + (used > 0 ? 1 : 0);
  }
  return lines;
}

}  // namespace

Section::Section(std::string_view title) : title_(printable(title)) {}

void Section::add(std::string_view name, std::string_view value) {
  lines_.push_back({cut(printable(name), kMaxName), cut(printable(value), kMaxValue)});
  width_ = std::max(width_, display_width(lines_.back().name));
}

void Section::advise(std::string_view advice) {
  if (advice.empty()) return;
  lines_.push_back({"", "→ " + cut(printable(advice), kMaxValue), true});
}

std::string Section::text() const {
  std::string text = title_ + "\n";
  const std::size_t indent = width_ + 3;
  const std::size_t columns = std::max(kMinColumns, kSectionColumns - indent);
  for (const Line& line : lines_) {
    std::string name = line.name;
    const auto parts =
        line.is_advice ? std::vector<std::string>{line.value} : wrap(line.value, columns);
    for (const std::string& part : parts) {
      text += part.empty() ? fmt::format("  {}\n", name)
                           : fmt::format("  {} {}\n", pad(name, width_), part);
      name.clear();
    }
  }
  return text + "\n";
}

std::string text_or_none(const Json& json, std::initializer_list<std::string_view> path) {
  return scalar_text(member(json, path)).value_or(std::string(kNone));
}

}  // namespace ridgeline::report
