// Performance monitoring units as sysfs describes them: types, CPUs, named events.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "machine/tree.hpp"
#include "telemetry/perf/perf_events.hpp"

namespace ridgeline::telemetry {

inline constexpr std::string_view kPmuFolder = "sys/bus/event_source/devices";

struct Pmu {
  std::string name;
  std::uint32_t type = 0;
  /// Where to open its events: one CPU for each unit of the hardware (of `cpumask`, or `cpus`).
  std::vector<int> cpus;
};

struct PmuEvent {
  PerfConfig config;
  std::optional<double> scale;  ///< of a count, in `unit`
  std::string unit;             ///< "Joules", "MiB"; empty when sysfs gives none
};

/// The unit of that name; errors name the file that is missing or not understood.
Result<Pmu> read_pmu(const machine::Tree& tree, std::string_view name);

/// The event of that name, encoded by the fields in the unit's `format` folder.
Result<PmuEvent> read_event(const machine::Tree& tree, const Pmu& pmu, std::string_view event);

bool has_event(const machine::Tree& tree, std::string_view pmu, std::string_view event);

/// "event=0x0a,rdwrmask=1" → configuration. A term without a value is 1; config, config1 and
/// config2 are whole words. Unknown terms and values too large for their field are errors.
Result<PerfConfig> encode_event(const machine::Tree& tree, const Pmu& pmu, std::string_view terms);

/// Which bits of a configuration word a field takes: "config:0-7,32-35" puts the value's low 8 bits
/// at 0 to 7 and the next 4 at 32 to 35.
Status put_field(std::string_view format, std::uint64_t value, PerfConfig& config);

/// Socket of a CPU (0 where the kernel does not tell).
int socket_of(const machine::Tree& tree, int cpu);

}  // namespace ridgeline::telemetry
