// Writes the inventory as sections of aligned lines.
#include "report/machine_text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <vector>

#include "report/device_text.hpp"
#include "report/format.hpp"
#include "report/record_view.hpp"
#include "report/section.hpp"
#include "report/sensor_text.hpp"

namespace ridgeline::report {
namespace {

using Path = std::initializer_list<std::string_view>;

std::string count(const Json& json, Path path) {
  return format_optional(number_at(json, path),
                         [](double value) { return fmt::format("{:.0f}", value); });
}

std::string caches_text(const Json& machine) {
  std::string text;
  for (const Json& cache : list_at(machine, {"cpu", "caches"})) {
    const std::string type = text_at(cache, {"type"}).value_or("unified");
    text += fmt::format("{}L{}{} {}× {}", text.empty() ? "" : ", ", count(cache, {"level"}),
                        type == "unified" ? "" : " " + type, count(cache, {"count"}),
                        format_optional(number_at(cache, {"bytes"}), format_capacity));
  }
  return text.empty() ? std::string(kNone) : text;
}

std::string nodes_text(const Json& machine) {
  std::string text;
  for (const Json& node : list_at(machine, {"cpu", "numa_nodes"})) {
    const std::string cpus = text_or_none(node, {"cpus"});
    text += fmt::format("{}node {}: CPUs {}, {}", text.empty() ? "" : "; ", count(node, {"id"}),
                        cpus.empty() ? "none" : cpus,
                        format_optional(number_at(node, {"memory_bytes"}), format_capacity));
  }
  return text.empty() ? std::string(kNone) : text;
}

std::string isa_text(const Json& machine) {
  std::string text;
  for (const Json& name : list_at(machine, {"cpu", "isa"})) {
    if (name.is_string()) text += (text.empty() ? "" : " ") + name.get<std::string>();
  }
  return text.empty() ? std::string(kNone) : text;
}

std::string boost_text(const Json& machine) {
  const auto boost = bool_at(machine, {"cpu", "boost"});
  return boost ? (*boost ? "on" : "off") : std::string(kNone);
}

std::string cpu_section(const Json& machine) {
  Section section("CPU");
  section.add("model", text_or_none(machine, {"cpu", "model"}));
  section.add("vendor", text_or_none(machine, {"cpu", "vendor"}) + ", " +
                            text_or_none(machine, {"cpu", "architecture"}));
  section.add(
      "topology",
      fmt::format("sockets {}, physical cores {}, logical CPUs {}, threads per core {}",
                  count(machine, {"cpu", "sockets"}), count(machine, {"cpu", "physical_cores"}),
                  count(machine, {"cpu", "logical_cpus"}),
                  count(machine, {"cpu", "threads_per_core"})));
  const auto quota = number_at(machine, {"allowed", "quota_cpus"});
  section.add("usable", fmt::format("CPUs {}, {}", text_or_none(machine, {"allowed", "cpus"}),
                                    quota ? fmt::format("control group quota {:.4g} CPUs", *quota)
                                          : "no control group quota"));
  section.add("default cores", text_or_none(machine, {"allowed", "physical_cores"}));
  section.add("caches", caches_text(machine));
  section.add("NUMA", nodes_text(machine));
  section.add("instructions", isa_text(machine));
  section.add("clocks",
              fmt::format("base {}, max {}, governor {}, boost {}, SMT {}",
                          format_optional(number_at(machine, {"cpu", "base_hz"}), format_frequency),
                          format_optional(number_at(machine, {"cpu", "max_hz"}), format_frequency),
                          text_or_none(machine, {"cpu", "governor"}), boost_text(machine),
                          text_or_none(machine, {"cpu", "smt"})));
  return section.text();
}

std::string memory_section(const Json& machine) {
  const auto capacity = [&](std::string_view key) {
    return format_optional(number_at(machine, {"memory", key}), format_capacity);
  };
  Section section("Memory");
  section.add("total", fmt::format("{}, available {}", capacity("total_bytes"),
                                   capacity("available_bytes")));
  const auto limit = number_at(machine, {"memory", "limit_bytes"});
  section.add("limit", limit ? format_capacity(*limit) : "no control group limit");
  section.add("swap", fmt::format("{}, used {}", capacity("swap_total_bytes"),
                                  capacity("swap_used_bytes")));
  section.add("huge pages", text_or_none(machine, {"memory", "transparent_hugepage"}));
  return section.text();
}

std::string accelerator_section(const Json& machine) {
  Section section("Accelerators");
  const Json& devices = list_at(machine, {"accelerators"});
  for (const Json& device : devices) {
    const auto driver = text_at(device, {"driver"});
    const auto version = text_at(device, {"driver_version"});
    section.add(text_or_none(device, {"pci_address"}),
                fmt::format("{} ({}, {} {}:{}, driver {}{}, NUMA node {})",
                            text_or_none(device, {"name"}), text_or_none(device, {"kind"}),
                            text_or_none(device, {"vendor"}), text_or_none(device, {"vendor_id"}),
                            text_or_none(device, {"device_id"}), driver.value_or("–"),
                            version ? " " + *version : "", count(device, {"numa_node"})));
  }
  if (!member(machine, {"accelerators"}).is_array()) {
    section.add(kNone, "the PCI bus cannot be read");
  } else if (devices.empty()) {
    section.add("none", "no PCI display or processing device");
  }
  return section.text();
}

std::string system_section(const Json& machine) {
  Section section("System");
  section.add("board", text_or_none(machine, {"board"}));
  section.add("system", fmt::format("{}, kernel {}", text_or_none(machine, {"os", "distribution"}),
                                    text_or_none(machine, {"os", "kernel"})));
  const bool is_virtual = bool_at(machine, {"virtualization", "virtual"}).value_or(false);
  const auto hypervisor = text_at(machine, {"virtualization", "hypervisor"});
  section.add("virtual",
              is_virtual ? "virtual machine, " + hypervisor.value_or("hypervisor unknown") : "no");
  section.add("container", text_at(machine, {"virtualization", "container"}).value_or("no"));
  std::string load;
  for (const Json& value : list_at(machine, {"load_average"})) {
    if (value.is_number())
      load += fmt::format("{}{:.2f}", load.empty() ? "" : " ", value.get<double>());
  }
  section.add("load average", load.empty() ? std::string(kNone) : load);
  section.add("fingerprint", text_or_none(machine, {"fingerprint"}));
  return section.text();
}

// Only what this machine has: most servers have neither battery nor profile.
std::string settings_section(const Json& machine) {
  Section section("Settings");
  const Json& settings = member(machine, {"settings"});
  if (!settings.is_object()) return "";
  for (const auto& [name, value] : settings.items()) {
    if (const auto text = scalar_text(value)) section.add(name, *text);
  }
  return section.empty() ? "" : section.text();
}

constexpr std::array<std::string_view, 3> kSeverities = {"invalid", "warn", "info"};

std::string check_section(const Json& flags) {
  Section section("Checks");
  const auto rank = [](const Json& flag) {
    const std::string severity = text_at(flag, {"severity"}).value_or("");
    return std::find(kSeverities.begin(), kSeverities.end(), severity) - kSeverities.begin();
  };
  std::vector<const Json*> sorted;
  for (const Json& flag : flags) sorted.push_back(&flag);
  std::stable_sort(sorted.begin(), sorted.end(),
                   [&](const Json* a, const Json* b) { return rank(*a) < rank(*b); });
  for (const Json* flag : sorted) {
    section.add(
        text_or_none(*flag, {"severity"}),
        fmt::format("{}: {}", text_or_none(*flag, {"id"}), text_or_none(*flag, {"detail"})));
    section.advise(text_at(*flag, {"advice"}).value_or(""));
  }
  return section.text();
}

std::string missing_section(const Json& missing) {
  Section section("Not readable here");
  for (const Json& entry : missing) {
    section.add(text_or_none(entry, {"field"}), text_or_none(entry, {"reason"}));
    section.advise(text_at(entry, {"enable"}).value_or(""));
  }
  return section.text();
}

constexpr std::array kKnown = {"cpu",      "allowed", "memory", "os", "virtualization",
                               "settings", "ceilings"};

bool is_known(const std::string& key) {
  return std::find(kKnown.begin(), kKnown.end(), key) != kKnown.end();
}

std::string other_sections(const Json& machine) {
  std::string text;
  for (const auto& [key, value] : machine.items()) {
    if (!value.is_object() || is_known(key)) continue;
    Section section(key);
    for (const auto& [name, item] : value.items()) {
      section.add(name,
                  scalar_text(item).value_or(item.is_null() ? std::string(kNone) : to_line(item)));
    }
    text += section.text();
  }
  return text;
}

}  // namespace

std::string machine_text(const Json& machine) {
  std::string text = cpu_section(machine) + memory_section(machine) + accelerator_section(machine) +
                     system_section(machine) + settings_section(machine);
  if (machine.is_object()) text += other_sections(machine);
  text += sensor_text(list_at(machine, {"sources"})) + device_text(list_at(machine, {"devices"})) +
          ceiling_text(member(machine, {"ceilings"}));
  const Json& flags = list_at(machine, {"flags"});
  if (!flags.empty()) text += check_section(flags);
  const Json& missing = list_at(machine, {"missing"});
  if (!missing.empty()) text += missing_section(missing);
  text.pop_back();  // the empty line after the last section
  return text;
}

}  // namespace ridgeline::report
