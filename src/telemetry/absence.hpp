// Why the host's sensors are missing, and what would bring them: shared by the sources.
#pragma once

#include <string>
#include <string_view>

#include "machine/tree.hpp"
#include "telemetry/source.hpp"

namespace ridgeline::telemetry {

inline constexpr std::string_view kBareMetal = "measure on bare metal";
inline constexpr std::string_view kOutsideContainer = "run outside the container";

/// Something that sysfs does not show: a virtual machine or a container explains that best, else
/// `enable` (such as a module to load) may help. `what`: "no RAPL in /sys/class/powercap".
Absence missing_sensor(Kind kind, const machine::Tree& tree, std::string what,
                       std::string enable = {});

/// Of an x86 processor, from the first lines of /proc/cpuinfo alone: the whole of it takes a large
/// machine many milliseconds.
struct X86 {
  bool is_intel = false;
  bool is_amd = false;  ///< AMD, or Hygon, which builds the same processors
  bool has_sgx = false;
  bool is_x86() const { return is_intel || is_amd; }
};
X86 read_x86(const std::string& root);

/// Text of the system's (labels, names) as records can hold it: one line of printable ASCII, at
/// most 80 characters, with '?' for the rest.
std::string printable(std::string_view text);

/// How much an absence tells a user, 0 being the most: a permission to give, a virtual machine, a
/// container, a module to load, anything else.
int rank_of(const Absence& absence);

}  // namespace ridgeline::telemetry
