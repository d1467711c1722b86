// The layout rules of docs/architecture.md: who may include whom, and how long files and lines are.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <set>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

namespace ridgeline {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMaxLines = 700;
constexpr std::size_t kMaxColumns = 100;

using Names = std::set<std::string, std::less<>>;

/// The arrows: a folder may include itself and these. `embedded` is data the build compiles in.
const std::map<std::string, Names, std::less<>>& allowed_includes() {
  static const std::map<std::string, Names, std::less<>> table = {
      {"src/base", {}},
      {"src/catalog", {"base", "embedded"}},
      {"src/machine", {"base", "embedded"}},
      {"src/telemetry", {"base", "machine"}},
      {"src/protocol", {"base"}},
      {"src/results", {"base"}},
      {"src/measure", {"base", "catalog", "machine", "telemetry", "protocol", "results"}},
      {"src/analysis", {"base", "machine", "results"}},
      {"src/study",
       {"base", "catalog", "machine", "telemetry", "protocol", "results", "measure", "analysis",
        "embedded"}},
      {"src/report", {"base", "results", "analysis", "embedded"}},
      {"src/cli",
       {"base", "catalog", "machine", "telemetry", "protocol", "results", "measure", "analysis",
        "study", "report"}},
      {"engines/native", {"base", "catalog", "protocol"}},
      {"engines/scripted", {"base", "catalog", "protocol"}},
  };
  return table;
}

bool starts_with_any(std::string_view text, std::initializer_list<std::string_view> heads) {
  return std::any_of(heads.begin(), heads.end(),
                     [&](std::string_view head) { return text.starts_with(head); });
}

/// The part of the table a file belongs to: "src/base", "engines/native".
std::string part_of(std::string_view file) {
  const std::size_t first = file.find('/');
  return std::string(file.substr(0, file.find('/', first + 1)));
}

/// Only the engine sees torch, and there not the readers of files: these run under the sanitizers.
bool may_see_torch(std::string_view file) {
  return file.starts_with("engines/native/") &&
         !starts_with_any(file, {"engines/native/checkpoint/", "engines/native/inputs/",
                                 "engines/native/ceilings/host/"});
}

struct Include {
  std::string target;
  bool quoted = false;
};

/// The include of a line; an empty target when it has none.
Include include_of(std::string_view line) {
  const auto skip_spaces = [&] {
    while (!line.empty() && (line.front() == ' ' || line.front() == '\t')) line.remove_prefix(1);
  };
  skip_spaces();
  if (!line.starts_with('#')) return {};
  line.remove_prefix(1);
  skip_spaces();
  if (!line.starts_with("include")) return {};
  line.remove_prefix(7);
  skip_spaces();
  if (!line.starts_with('"') && !line.starts_with('<')) return {};
  const bool quoted = line.front() == '"';
  line.remove_prefix(1);
  const std::size_t end = line.find(quoted ? '"' : '>');
  return {std::string(line.substr(0, end)), quoted};
}

/// Why `file` may not have that include; empty when it may.
std::string include_violation(const std::string& file, const Include& include) {
  const std::string& target = include.target;
  if (starts_with_any(target, {"torch/", "ATen/", "c10/", "caffe2/"})) {
    return may_see_torch(file) ? "" : "may not see torch: " + target;
  }
  const std::string part = part_of(file);
  const Names& allowed = allowed_includes().at(part);
  if (target.starts_with("engines/")) {
    return part_of(target) == part ? "" : "may not include " + target;
  }
  if (target.find('/') == std::string::npos) {
    return include.quoted ? "must include with the folder: " + target : "";
  }
  const std::string folder = target.substr(0, target.find('/'));
  const bool ours = folder == "embedded" || allowed_includes().contains("src/" + folder);
  if (!ours) return include.quoted ? "includes what is not ours in quotes: " + target : "";
  const bool fine = part == "src/" + folder || allowed.contains(folder);
  return fine ? "" : "may not include " + target;
}

/// Characters, not bytes: continuation bytes of UTF-8 do not count.
std::size_t columns(std::string_view line) {
  return static_cast<std::size_t>(std::count_if(line.begin(), line.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xc0) != 0x80;
  }));
}

/// All violations of one file, "path:line: what".
std::vector<std::string> violations(const std::string& file, const std::string& text) {
  std::vector<std::string> found;
  const auto report = [&](std::size_t line, const std::string& what) {
    found.push_back(file + ":" + std::to_string(line) + ": " + what);
  };
  const bool generated = text.substr(0, text.find('\n')).find("Generated") != std::string::npos;
  std::istringstream lines(text);
  std::size_t number = 0;
  for (std::string line; std::getline(lines, line);) {
    ++number;
    if (const Include include = include_of(line); !include.target.empty()) {
      const std::string what = include_violation(file, include);
      if (!what.empty()) report(number, what);
    }
    if (!generated && columns(line) > kMaxColumns) report(number, "more than 100 columns");
  }
  if (!generated && number > kMaxLines) report(number, "more than 700 lines");
  return found;
}

/// Source files below `top`, as paths from the root of the repository.
std::vector<std::string> sources_below(const fs::path& root, const std::string& top) {
  std::vector<std::string> files;
  if (!fs::exists(root / top)) return files;
  for (const auto& entry : fs::recursive_directory_iterator(root / top)) {
    const std::string extension = entry.path().extension().string();
    if (extension != ".cpp" && extension != ".hpp" && extension != ".def") continue;
    files.push_back(fs::relative(entry.path(), root).generic_string());
  }
  return files;
}

TEST(Layers_Sources, include_only_what_the_table_allows) {
  const fs::path root = RIDGELINE_SOURCE_DIR;
  std::size_t checked = 0;
  for (const char* top : {"src", "engines"}) {
    for (const std::string& file : sources_below(root, top)) {
      if (std::count(file.begin(), file.end(), '/') < 2) continue;
      if (!allowed_includes().contains(part_of(file))) {
        ADD_FAILURE() << part_of(file) << " has no row in the table of allowed includes";
        continue;
      }
      std::ifstream in(root / file, std::ios::binary);
      const std::string text((std::istreambuf_iterator<char>(in)),
                             std::istreambuf_iterator<char>());
      for (const std::string& violation : violations(file, text)) ADD_FAILURE() << violation;
      ++checked;
    }
  }
  EXPECT_GT(checked, 10u) << "RIDGELINE_SOURCE_DIR is not the repository";
}

/// How many violations one line makes in a file.
std::size_t count(const std::string& file, const std::string& line) {
  return violations(file, line).size();
}

TEST(Layers_Rules, forbid_arrows_that_are_not_in_the_table) {
  EXPECT_EQ(count("src/base/x.cpp", "#include \"base/error.hpp\""), 0u);
  EXPECT_EQ(count("src/base/x.cpp", "#include \"catalog/families.hpp\""), 1u);
  EXPECT_EQ(count("src/base/x.cpp", "  #  include <results/record.hpp>"), 1u);
  EXPECT_EQ(count("src/report/x.cpp", "#include \"measure/plan.hpp\""), 1u);
  EXPECT_EQ(count("src/cli/x.cpp", "#include \"measure/plan.hpp\""), 0u);
  EXPECT_EQ(count("src/cli/x.cpp", "#include \"engines/native/ops/ops.hpp\""), 1u);
  EXPECT_EQ(count("src/results/x.cpp", "#include \"embedded/presets.hpp\""), 1u);
  EXPECT_EQ(count("engines/native/nn/x.cpp", "#include \"engines/native/ops/ops.hpp\""), 0u);
  EXPECT_EQ(count("engines/native/nn/x.cpp", "#include \"measure/plan.hpp\""), 1u);
  EXPECT_EQ(count("engines/native/nn/x.cpp", "#include \"ops.hpp\""), 1u);
  EXPECT_EQ(count("src/base/x.cpp", "#include <nlohmann/json.hpp>"), 0u);
  EXPECT_EQ(count("src/base/x.cpp", "#include \"nlohmann/json.hpp\""), 1u);
  EXPECT_EQ(count("src/base/x.cpp", "// #include \"cli/x.hpp\""), 0u);
}

TEST(Layers_Rules, keep_torch_in_the_engine) {
  for (const char* line : {"#include <torch/torch.h>", "#include <ATen/ATen.h>",
                           "#include <c10/core/Device.h>", "#include \"torch/types.h\""}) {
    EXPECT_EQ(count("engines/native/ops/x.cpp", line), 0u) << line;
    EXPECT_EQ(count("engines/native/checkpoint/x.cpp", line), 1u) << line;
    EXPECT_EQ(count("engines/native/inputs/text/x.cpp", line), 1u) << line;
    EXPECT_EQ(count("engines/scripted/x.cpp", line), 1u) << line;
    EXPECT_EQ(count("src/measure/x.cpp", line), 1u) << line;
  }
}

TEST(Layers_Rules, limit_lines_and_columns_but_not_of_generated_tables) {
  const std::string wide(101, 'x');
  EXPECT_EQ(count("src/base/x.cpp", wide), 1u);
  EXPECT_EQ(count("src/base/x.cpp", wide.substr(1)), 0u);
  std::string accents;
  for (int i = 0; i < 100; ++i) accents += "\xc3\xa9";
  EXPECT_EQ(count("src/base/x.cpp", accents), 0u);
  EXPECT_EQ(count("src/base/x.cpp", std::string(701, '\n')), 1u);
  EXPECT_EQ(count("src/base/x.cpp", std::string(700, '\n')), 0u);
  EXPECT_EQ(count("src/base/x.cpp", "// Generated by x\n" + wide + std::string(800, '\n')), 0u);
}

}  // namespace
}  // namespace ridgeline
