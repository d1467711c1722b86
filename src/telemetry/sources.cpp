// The table of all sources, and the choice among them.
#include "telemetry/sources.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdlib>

#include "telemetry/scripted_source.hpp"

namespace ridgeline::telemetry {
namespace {

struct Row {
  std::string_view name;
  std::unique_ptr<Source> (*open)(const Environment&);
};

// In the order in which they are preferred when two read the same thing.
constexpr std::array kRows = {
    Row{"nvml", open_nvml},         Row{"perf_power", open_perf_power},
    Row{"rapl", open_rapl},         Row{"hwmon", open_hwmon},
    Row{"cpufreq", open_cpufreq},   Row{"perf_uncore", open_perf_uncore},
    Row{"perf_cpu", open_perf_cpu},
};

constexpr std::string_view kScripted = "scripted";

bool contains(const std::vector<std::string>& choice, std::string_view name) {
  return std::find(choice.begin(), choice.end(), name) != choice.end();
}

Status check_names(const std::vector<std::string>& choice) {
  const auto known = source_names();
  for (const std::string& name : choice) {
    if (name == "auto" || name == "none") continue;
    if (std::find(known.begin(), known.end(), name) != known.end()) continue;
    return bad_input(fmt::format("there is no sensor source \"{}\"", name),
                     fmt::format("choose auto, none, or some of: {}", fmt::join(known, ", ")));
  }
  if (contains(choice, "none") && choice.size() > 1) {
    return bad_input("sensor source \"none\" goes with no other", "give it alone or leave it out");
  }
  return {};
}

std::string script_of(const Environment& environment) {
  if (!environment.script.empty()) return environment.script;
  const char* script = std::getenv("RIDGELINE_SENSOR_SCRIPT");
  return script == nullptr ? "" : script;
}

}  // namespace

std::vector<std::string_view> source_names() {
  std::vector<std::string_view> names;
  for (const Row& row : kRows) names.push_back(row.name);
  names.push_back(kScripted);
  return names;
}

Result<std::vector<std::unique_ptr<Source>>> open_sources(const std::vector<std::string>& choice,
                                                          const Environment& environment) {
  RIDGELINE_CHECK(check_names(choice));
  std::vector<std::unique_ptr<Source>> sources;
  const bool all = contains(choice, "auto");
  for (const Row& row : kRows) {
    if (all || contains(choice, row.name)) sources.push_back(row.open(environment));
  }
  const bool named = contains(choice, kScripted);
  const std::string script = all || named ? script_of(environment) : "";
  if (named && script.empty()) {
    return bad_input("the scripted sensor source has no script",
                     "set RIDGELINE_SENSOR_SCRIPT to a file or to its JSON");
  }
  if (!script.empty()) {
    RIDGELINE_TRY(auto scripted, open_scripted(script));
    sources.push_back(std::move(scripted));
  }
  return sources;
}

}  // namespace ridgeline::telemetry
