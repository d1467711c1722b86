// Machines of two records, member by member.
#include "analysis/manifest_machine.hpp"

#include <fmt/format.h>

#include <array>
#include <cmath>
#include <nlohmann/json.hpp>

#include "base/fingerprint.hpp"
#include "base/json_values.hpp"

namespace ridgeline::analysis {
namespace {

constexpr double kGib = 1ull << 30;

std::string shown(const Json& value) {
  return value.is_string() ? value.get<std::string>() : canonical_json(value);
}

// Adds a member that both sides tell and that differs.
void add(std::vector<Unlike>& list, const std::string& name, const Json& base, const Json& now) {
  if (base.is_null() || now.is_null()) return;
  const std::string ours = canonical_json(base);
  if (ours == canonical_json(now)) return;
  list.push_back({name, shown(base), shown(now)});
}

// The processor: all that the fingerprint holds, which leaves out settings.
void compare_processors(const Json& base, const Json& now, MachineLikeness& likeness) {
  constexpr std::array kProcessor = {
      "vendor",           "model",  "architecture", "sockets", "physical_cores", "logical_cpus",
      "threads_per_core", "caches", "isa",          "base_hz", "max_hz",         "smt"};
  for (const char* key : kProcessor) {
    add(likeness.unlike, fmt::format("cpu.{}", key), entry_of(base, key), entry_of(now, key));
  }
  for (const char* key : {"governor", "boost"}) {
    add(likeness.changed, fmt::format("cpu.{}", key), entry_of(base, key), entry_of(now, key));
  }
  const auto nodes = [](const Json& cpu) {
    const Json& list = entry_of(cpu, "numa_nodes");
    return list.is_array() ? Json(list.size()) : Json();
  };
  add(likeness.unlike, "cpu.numa_nodes", nodes(base), nodes(now));
}

// In GiB: firmware updates and crash kernels move the total by some megabytes.
Json memory_gib(const Json& machine) {
  const auto total = number_in(entry_of(machine, "memory"), "total_bytes");
  if (!total || !std::isfinite(*total)) return {};
  return fmt::format("{:.0f} GiB", *total / kGib);
}

Json at(const Json& machine, const char* part, const char* key) {
  return entry_of(entry_of(machine, part), key);
}

// One member of every element of a list, "A, B"; null when the list is not told.
Json of_each(const Json& list, const char* key) {
  if (!list.is_array()) return {};
  std::string text;
  for (const Json& element : list) {
    const Json& value = entry_of(element, key);
    text += fmt::format("{}{}", text.empty() ? "" : ", ", value.is_null() ? "?" : shown(value));
  }
  return text.empty() ? Json("none") : Json(text);
}

void compare_accelerators(const Json& base, const Json& now, MachineLikeness& likeness) {
  const auto cards = [](const Json& machine, const char* key) {
    return of_each(entry_of(machine, "accelerators"), key);
  };
  const auto devices = [](const Json& machine, const char* key) {
    return of_each(entry_of(machine, "devices"), key);
  };
  add(likeness.unlike, "accelerators", cards(base, "name"), cards(now, "name"));
  add(likeness.unlike, "accelerators.pci_address", cards(base, "pci_address"),
      cards(now, "pci_address"));
  for (const char* key : {"name", "power_limit", "ecc", "mig"}) {
    add(likeness.unlike, fmt::format("devices.{}", key), devices(base, key), devices(now, key));
  }
}

bool on_cpu(const Json& record) {
  return text_in(entry_of(record, "configuration"), "device") == "cpu";
}

// Versions that an engine told: {"torch": "2.13.0"}.
void compare_engines_of(const Json& base, const Json& now, std::vector<Unlike>& changed) {
  const Json& ours = entry_of(base, "engine");
  const Json& theirs = entry_of(now, "engine");
  const std::string name = text_in(ours, "name");
  if (name.empty() || name != text_in(theirs, "name")) return;
  add(changed, fmt::format("engine {}", name), entry_of(ours, "version"),
      entry_of(theirs, "version"));
  const Json& libraries = entry_of(ours, "versions");
  if (!libraries.is_object()) return;
  for (const auto& [library, version] : libraries.items()) {
    add(changed, library, version, entry_of(entry_of(theirs, "versions"), library));
  }
}

void compare_programs(const Json& base, const Json& now, std::vector<Unlike>& changed) {
  const Json& ours = entry_of(base, "ridgeline");
  const Json& theirs = entry_of(now, "ridgeline");
  add(changed, "ridgeline", entry_of(ours, "version"), entry_of(theirs, "version"));
  const Json& build = entry_of(ours, "build");
  for (const char* key : {"compiler", "optimized"}) {
    add(changed, fmt::format("ridgeline {}", key), entry_of(build, key),
        entry_of(entry_of(theirs, "build"), key));
  }
  compare_engines_of(base, now, changed);
}

}  // namespace

MachineLikeness compare_machines(const Json& base, const Json& now) {
  MachineLikeness likeness;
  const Json& ours = entry_of(base, "machine");
  const Json& theirs = entry_of(now, "machine");
  compare_programs(base, now, likeness.changed);
  for (const char* key : {"kernel", "distribution"}) {
    add(likeness.changed, key, at(ours, "os", key), at(theirs, "os", key));
  }
  const auto drivers = [](const Json& machine) {
    return of_each(entry_of(machine, "accelerators"), "driver_version");
  };
  const std::size_t before = likeness.changed.size();
  add(likeness.changed, "driver", drivers(ours), drivers(theirs));
  const bool other_driver = likeness.changed.size() > before;

  compare_processors(entry_of(ours, "cpu"), entry_of(theirs, "cpu"), likeness);
  add(likeness.unlike, "allowed CPUs", at(ours, "allowed", "count"),
      at(theirs, "allowed", "count"));
  // Without a limit these are null, which is a value: one side may have one.
  for (const auto& [part, key] : {std::pair("allowed", "quota_cpus"), {"memory", "limit_bytes"}}) {
    if (!entry_of(ours, part).is_object() || !entry_of(theirs, part).is_object()) continue;
    const auto limit = [&](const Json& machine) {
      Json value = at(machine, part, key);
      return value.is_null() ? Json("none") : value;
    };
    add(likeness.unlike, fmt::format("{}.{}", part, key), limit(ours), limit(theirs));
  }
  add(likeness.unlike, "memory", memory_gib(ours), memory_gib(theirs));
  add(likeness.unlike, "virtual machine", at(ours, "virtualization", "virtual"),
      at(theirs, "virtualization", "virtual"));

  MachineLikeness cards;
  compare_accelerators(ours, theirs, cards);
  if (!on_cpu(base) || !on_cpu(now)) {
    likeness.unlike.insert(likeness.unlike.end(), cards.unlike.begin(), cards.unlike.end());
  }
  // The fingerprint sees the driver and cards that a case on the CPU does not use.
  const bool explained = !likeness.unlike.empty() || !cards.unlike.empty() || other_driver;
  if (!explained) {
    add(likeness.unlike, "fingerprint", entry_of(ours, "fingerprint"),
        entry_of(theirs, "fingerprint"));
  }
  return likeness;
}

}  // namespace ridgeline::analysis
