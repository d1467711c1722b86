// Puts the members of a device into a few lines.
#include "report/device_text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <vector>

#include "report/format.hpp"
#include "report/record_view.hpp"
#include "report/section.hpp"

namespace ridgeline::report {
namespace {

std::string watts(const Json& device, std::string_view key) {
  return format_optional(number_at(device, {key}),
                         [](double value) { return fmt::format("{:.4g} W", value); });
}

std::string hertz(const Json& device, std::string_view key) {
  return format_optional(number_at(device, {key}), format_frequency);
}

std::string capacity(const Json& device, std::string_view key) {
  return format_optional(number_at(device, {key}), format_capacity);
}

std::string whole(const Json& device, std::string_view key) {
  return format_optional(number_at(device, {key}),
                         [](double value) { return fmt::format("{:.0f}", value); });
}

std::string on_off(const Json& device, std::string_view key) {
  const auto value = bool_at(device, {key});
  return value ? (*value ? "on" : "off") : std::string(kNone);
}

std::string processes(const Json& device) {
  std::vector<std::string> names;
  for (const Json& process : list_at(device, {"processes"})) {
    const auto name = text_at(process, {"name"});
    const auto memory = number_at(process, {"memory_bytes"});
    names.push_back(fmt::format("{} (pid {}{})", name.value_or("?"), text_or_none(process, {"pid"}),
                                memory ? ", " + format_capacity(*memory) : ""));
  }
  return fmt::format("{}", fmt::join(names, ", "));
}

void add_device(const Json& device, Section& section) {
  const auto driver = text_at(device, {"driver_version"});
  section.add(text_or_none(device, {"pci_address"}),
              fmt::format("{}, driver {}, {}", text_or_none(device, {"name"}),
                          driver.value_or(std::string(kNone)),
                          text_at(device, {"performance_state"}).value_or("state unknown")));
  section.add(
      "", fmt::format("power limit {} (default {}), clock up to {}", watts(device, "power_limit"),
                      watts(device, "power_limit_default"), hertz(device, "clock_max")));
  const auto bandwidth = number_at(device, {"memory_bandwidth"});
  section.add(
      "", fmt::format("memory {}, used {}, clock up to {}, {}/s at its clock",
                      capacity(device, "memory_total"), capacity(device, "memory_used"),
                      hertz(device, "memory_clock_max"), format_optional(bandwidth, format_bytes)));
  section.add(
      "", fmt::format("PCIe generation {} ×{}, at most {} ×{}; ECC {}, MIG {}, persistence "
                      "mode {}",
                      whole(device, "pcie_generation"), whole(device, "pcie_width"),
                      whole(device, "pcie_generation_max"), whole(device, "pcie_width_max"),
                      on_off(device, "ecc"), on_off(device, "mig"), on_off(device, "persistence")));
  std::vector<std::string> reasons;
  for (const Json& reason : list_at(device, {"throttle_reasons"})) {
    if (reason.is_string()) reasons.push_back(reason.get<std::string>());
  }
  if (!reasons.empty()) {
    section.add("", fmt::format("clocks below their best for {}", fmt::join(reasons, ", ")));
  }
  if (const std::string names = processes(device); !names.empty()) {
    section.add("", "processes: " + names);
  }
  for (const Json& missing : list_at(device, {"missing"})) {
    section.add("", fmt::format("{} {}: {}", kNone, text_or_none(missing, {"field"}),
                                text_or_none(missing, {"reason"})));
    section.advise(text_at(missing, {"enable"}).value_or(""));
  }
}

std::string ceiling_value(const Json& ceiling, double value) {
  const std::string unit = text_at(ceiling, {"unit"}).value_or("");
  if (unit == "s") return format_time(value);
  if (unit == "B/s") return format_bytes(value) + "/s";
  if (unit == "FLOP/s") return format_flops(value);
  return fmt::format("{} {}", format_rate(value), unit);
}

// Caches, nodes and single threads have a dot in their names; products have their dtype there.
bool is_main(const Json& ceiling) {
  const std::string id = text_at(ceiling, {"id"}).value_or(".");
  return id.find('.') == std::string::npos || id.starts_with("gemm.");
}

void add_set(const Json& set, Section& section) {
  std::vector<std::string> parts;
  for (const Json& ceiling : list_at(set, {"ceilings"})) {
    const auto value = number_at(ceiling, {"value"});
    if (!value || !is_main(ceiling)) continue;
    parts.push_back(
        fmt::format("{} {}", text_or_none(ceiling, {"id"}), ceiling_value(ceiling, *value)));
  }
  const double threads = number_at(set, {"threads"}).value_or(0);
  section.add(text_or_none(set, {"device"}),
              parts.empty() ? std::string(kNone) : fmt::format("{}", fmt::join(parts, ", ")));
  section.add("", fmt::format("{}{}, {}", text_or_none(set, {"engine"}),
                              threads > 0 ? fmt::format(", threads {:.0f}", threads) : "",
                              text_or_none(set, {"measured_at"})));
}

}  // namespace

std::string device_text(const Json& devices) {
  if (!devices.is_array() || devices.empty()) return "";
  Section section("Devices");
  for (const Json& device : devices) add_device(device, section);
  return section.text();
}

std::string ceiling_text(const Json& ceilings) {
  if (!ceilings.is_object()) return "";
  Section section("Measured ceilings");
  for (const Json& set : list_at(ceilings, {"sets"})) add_set(set, section);
  if (section.empty()) {
    section.add(kNone, text_at(ceilings, {"missing"}).value_or("not measured on this machine yet"));
    section.advise("ridgeline peaks");
  }
  return section.text();
}

}  // namespace ridgeline::report
