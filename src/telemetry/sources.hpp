// The table of all sources, and the choice among them.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "telemetry/source.hpp"

namespace ridgeline::telemetry {

/// Where sources look. Tests point it at recorded trees and fake libraries.
struct Environment {
  std::string root = "/";   ///< holds proc and sys
  std::string nvml = {};    ///< library to open; empty: libnvidia-ml.so.1
  std::string script = {};  ///< of the scripted source: a file or inline JSON; empty: none
};

/// One file each: nvml.cpp, perf_power.cpp, rapl.cpp, hwmon.cpp, cpufreq.cpp, perf_uncore.cpp,
/// perf_cpu.cpp, scripted_source.cpp.
std::unique_ptr<Source> open_nvml(const Environment& environment);
std::unique_ptr<Source> open_perf_power(const Environment& environment);
std::unique_ptr<Source> open_rapl(const Environment& environment);
std::unique_ptr<Source> open_hwmon(const Environment& environment);
std::unique_ptr<Source> open_cpufreq(const Environment& environment);
std::unique_ptr<Source> open_perf_uncore(const Environment& environment);
std::unique_ptr<Source> open_perf_cpu(const Environment& environment);

/// Names of all sources, in the order in which they are preferred when two read the same thing.
std::vector<std::string_view> source_names();

/// Opens the sources of a choice: "auto" (all of them), "none", or names. The environment variable
/// RIDGELINE_SENSOR_SCRIPT adds the scripted source to "auto" and to nothing else. Unknown names
/// are an error.
Result<std::vector<std::unique_ptr<Source>>> open_sources(const std::vector<std::string>& choice,
                                                          const Environment& environment);

}  // namespace ridgeline::telemetry
