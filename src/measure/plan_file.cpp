// The TOML reader of plans, written against what tomlplusplus 2.5 and 3.x have in common.
#include "measure/plan_file.hpp"

#include <fmt/format.h>

#include <toml++/toml.h>
#include <algorithm>

#include "base/file.hpp"
#include "measure/plan_keys.hpp"
#include "measure/range_list.hpp"

namespace ridgeline::measure {
namespace {

constexpr std::uint64_t kMaxPlanBytes = 16ull << 20;

struct Position {
  std::uint64_t line = 0;
  std::uint64_t column = 0;
};

Position position_of(const toml::source_region& region) {
  return {region.begin.line, region.begin.column};
}

// From 3.0 on a key knows its own place; before that the place of its value has to do.
template <typename Key>
Position position_of(const Key& key, const toml::node& value) {
  if constexpr (requires { key.source(); }) {
    return position_of(key.source());
  } else {
    return position_of(value.source());
  }
}

std::string place(const std::string& name, Position position) {
  return fmt::format("{}:{}:{}", name, position.line, position.column);
}

// The text that a flag would have: 8, 0.02, true, "float32".
Result<std::string> scalar_text(const toml::node& node, const std::string& where, bool text_only) {
  if (const auto* text = node.as_string()) return std::string(text->get());
  if (text_only) return bad_input(fmt::format("{}: must be text", where), "put it in quotes");
  if (const auto* number = node.as_integer()) return fmt::format("{}", number->get());
  if (const auto* number = node.as_floating_point()) return fmt::format("{}", number->get());
  if (const auto* flag = node.as_boolean()) return std::string(flag->get() ? "true" : "false");
  return bad_input(fmt::format("{}: must be text, a number, true or false", where));
}

// Keys of names and paths: a bare 5 or true there is a mistake, not a model of that name.
bool is_text_key(std::string_view key) {
  constexpr std::string_view kTextKeys[] = {"models",    "suite",  "engine",  "architecture",
                                            "weights",   "dtype",  "device",  "text",
                                            "text_file", "output", "sensors", "busy"};
  return std::find(std::begin(kTextKeys), std::end(kTextKeys), key) != std::end(kTextKeys);
}

Result<std::vector<std::string>> texts_of(const toml::node& node, const std::string& name,
                                          const std::string& where, bool text_only = false) {
  std::vector<std::string> texts;
  const toml::array* array = node.as_array();
  if (array == nullptr) {
    RIDGELINE_TRY(texts.emplace_back(), scalar_text(node, where, text_only));
    return texts;
  }
  for (const toml::node& item : *array) {
    RIDGELINE_TRY(auto text, scalar_text(item, place(name, position_of(item.source())), text_only));
    texts.push_back(std::move(text));
  }
  return texts;
}

// [optimize] with auto = true|false and one key a knob.
Result<std::vector<std::string>> optimize_of(const toml::table& table, const std::string& name) {
  std::vector<std::string> values;
  for (auto&& [key, node] : table) {
    const std::string id{std::string_view(key)};
    const std::string where = fmt::format("{}: {}", place(name, position_of(key, node)), id);
    RIDGELINE_TRY(const auto texts, texts_of(node, name, where));
    if (id == "auto") {
      if (!node.is_boolean()) return bad_input(fmt::format("{}: must be true or false", where));
      if (texts.front() == "true") values.emplace_back("auto");
      continue;
    }
    if (texts.empty()) return bad_input(fmt::format("{}: the list is empty", where));
    for (const std::string& text : texts) {
      // One value a text here: a comma would be read as the end of the choice.
      if (text.find(',') != std::string::npos) {
        return bad_input(fmt::format("{}: {} has a comma", where, in_quotes(text)),
                         "write several values as an array");
      }
      values.push_back(fmt::format("{}={}", id, text));
    }
  }
  if (values.empty()) values.emplace_back("none");
  return values;
}

struct Placed {
  Position position;
  Assignment assignment;
};

Result<std::vector<Assignment>> assignments_of(const toml::table& table, const std::string& name) {
  std::vector<Placed> placed;
  for (auto&& [key, node] : table) {
    const Position position = position_of(key, node);
    Assignment assignment{std::string(std::string_view(key)), {}, {}};
    assignment.where = fmt::format("{}: {}", place(name, position), assignment.key);
    const toml::table* inner = node.as_table();
    if (inner != nullptr && assignment.key == "optimize") {
      RIDGELINE_TRY(assignment.values, optimize_of(*inner, name));
    } else if (inner != nullptr) {
      // An unknown table is most of all an unknown key: make_plan says so.
      assignment.values = {""};
      if (find_plan_key(assignment.key) != nullptr) {
        return bad_input(fmt::format("{}: must not be a table", assignment.where));
      }
    } else {
      RIDGELINE_TRY(assignment.values,
                    texts_of(node, name, assignment.where, is_text_key(assignment.key)));
    }
    placed.push_back({position, std::move(assignment)});
  }
  std::stable_sort(placed.begin(), placed.end(), [](const Placed& a, const Placed& b) {
    return std::pair(a.position.line, a.position.column) <
           std::pair(b.position.line, b.position.column);
  });
  std::vector<Assignment> assignments;
  assignments.reserve(placed.size());
  for (Placed& one : placed) assignments.push_back(std::move(one.assignment));
  return assignments;
}

}  // namespace

Result<std::vector<Assignment>> parse_plan(std::string_view text, const std::string& name) {
  try {
    const toml::table table = toml::parse(text, std::string_view(name));
    return assignments_of(table, name);
  } catch (const toml::parse_error& e) {
    return bad_input(
        fmt::format("{}: {}", place(name, position_of(e.source())), std::string(e.description())));
  }
}

Result<std::vector<Assignment>> read_plan_file(const std::string& path) {
  RIDGELINE_TRY(const std::string text, read_text_file(path, kMaxPlanBytes));
  return parse_plan(text, path);
}

}  // namespace ridgeline::measure
