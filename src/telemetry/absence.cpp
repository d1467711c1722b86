// Explains missing sensors by virtual machines, containers and modules.
#include "telemetry/absence.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>

#include "machine/system.hpp"
#include "telemetry/sensor_file.hpp"

namespace ridgeline::telemetry {

using machine::Tree;

Absence missing_sensor(Kind kind, const Tree& tree, std::string what, std::string enable) {
  const machine::Virtualization where = machine::read_virtualization(tree);
  if (where.is_virtual) return {kind, what + ": virtual machine", std::string(kBareMetal)};
  if (where.container) {
    return {kind, fmt::format("{}: {} container", what, *where.container),
            std::string(kOutsideContainer)};
  }
  return {kind, std::move(what), std::move(enable)};
}

X86 read_x86(const std::string& root) {
  std::string head(8192, '\0');
  std::ifstream stream(below(root, "proc/cpuinfo"), std::ios::binary);
  stream.read(head.data(), static_cast<std::streamsize>(head.size()));
  head.resize(static_cast<std::size_t>(std::max<std::streamsize>(stream.gcount(), 0)));
  X86 found;
  for (const std::string_view line : machine::split_lines(head)) {
    const auto pair = machine::key_value(line);
    if (!pair) continue;
    const auto& [key, value] = *pair;
    if (key == "vendor_id") {
      found.is_intel = value == "GenuineIntel";
      found.is_amd = value == "AuthenticAMD" || value == "HygonGenuine";
    } else if (key == "flags") {
      found.has_sgx = fmt::format(" {} ", value).find(" sgx ") != std::string::npos;
      break;
    }
  }
  return found;
}

std::string printable(std::string_view text) {
  std::string line(text.substr(0, 80));
  std::replace_if(line.begin(), line.end(), [](char c) { return c < ' ' || c > '~'; }, '?');
  return line;
}

int rank_of(const Absence& absence) {
  if (absence.enable == kBareMetal) return 1;
  if (absence.enable == kOutsideContainer) return 2;
  if (absence.enable.starts_with("sudo modprobe")) return 3;
  return absence.enable.starts_with("sudo ") ? 0 : 4;
}

}  // namespace ridgeline::telemetry
