// The suites and their members.
#include "catalog/suites.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/nearest.hpp"
#include "catalog/presets.hpp"

namespace ridgeline::catalog {
namespace {

constexpr std::array<std::string_view, 6> kSuites = {"quick",  "text",       "vision",
                                                     "speech", "multimodal", "all"};

/// What `make bench` measures: one small model a modality, a few minutes on any machine.
constexpr std::array<std::string_view, 4> kQuick = {"llama-124m", "vit-b16", "whisper-tiny",
                                                    "clip-b32"};

std::vector<std::string> members(std::string_view suite, const std::vector<Preset>& all) {
  if (suite == "quick") return {kQuick.begin(), kQuick.end()};
  std::vector<std::string> names;
  for (const Preset& preset : all) {
    if (suite == "all" || preset.architecture.modality == suite) names.push_back(preset.name);
  }
  return names;
}

}  // namespace

std::span<const std::string_view> suite_names() {
  return kSuites;
}

Result<std::vector<std::string>> suite_presets(std::string_view suite) {
  RIDGELINE_TRY(const std::vector<Preset> all, presets());
  const bool known = std::find(kSuites.begin(), kSuites.end(), suite) != kSuites.end();
  if (known) {
    std::vector<std::string> names = members(suite, all);
    if (!names.empty()) return names;
  }
  std::vector<std::string_view> runnable;
  for (const std::string_view name : kSuites) {
    if (!members(name, all).empty()) runnable.push_back(name);
  }
  if (known) {
    return unsupported(fmt::format("suite '{}' has no models yet", suite),
                       suggestion({}, runnable));
  }
  return bad_input(fmt::format("no suite '{}'", suite.substr(0, 100)), suggestion(suite, runnable));
}

}  // namespace ridgeline::catalog
