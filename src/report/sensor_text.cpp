// Folds domains and absences: devices that are alike, kinds that lack for one reason.
#include "report/sensor_text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

#include "report/format.hpp"
#include "report/record_view.hpp"
#include "report/section.hpp"

namespace ridgeline::report {
namespace {

using Names = std::vector<std::string>;

void add_unique(Names& names, const std::string& name) {
  if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
}

std::string joined(const Names& names) {
  return fmt::format("{}", fmt::join(names, ", "));
}

std::string text_or_empty(const Json& json, std::string_view key) {
  return text_at(json, {key}).value_or("");
}

// 0.1 → "100 ms".
std::string period(double seconds) {
  if (seconds >= 1) return fmt::format("{:.3g} s", seconds);
  if (seconds >= 1e-3) return fmt::format("{:.3g} ms", 1e3 * seconds);
  return fmt::format("{:.3g} µs", 1e6 * seconds);
}

// Domains of one kind that differ in nothing but their names: "package-0, package-1".
struct Group {
  std::string kind;  // with its unit
  std::string facts;
  Names ids;

  bool operator==(const Group&) const = default;
};

struct Domain {
  std::string device;
  Group group;  // of one id
};

// The id without the device's address: what stands in the heading is not repeated.
std::string short_id(const Json& domain, const std::string& device) {
  const std::string id = text_or_none(domain, {"id"});
  const bool is_long = !device.empty() && id.starts_with(device + "/");
  return is_long ? id.substr(device.size() + 1) : id;
}

Domain domain_of(const Json& json) {
  Domain domain;
  domain.device = text_or_empty(json, "device");
  const std::string id = short_id(json, domain.device);
  const std::string scope = text_or_empty(json, "scope");
  Names facts;
  // "dram-0" and "throttle.sw_thermal" tell their scope by themselves.
  if (!scope.empty() && id.find(scope) == std::string::npos) facts.push_back(scope);
  add_unique(facts, text_or_none(json, {"provenance"}));
  if (const auto every = number_at(json, {"update_period"})) {
    facts.push_back("every " + period(*every));
  }
  const std::string note = text_or_empty(json, "note");
  if (!note.empty()) facts.push_back(note);
  domain.group = {
      fmt::format("{} [{}]", text_or_none(json, {"kind"}), text_or_none(json, {"unit"})),
      joined(facts),
      {id}};
  return domain;
}

void add_to(std::vector<Group>& groups, const Group& one) {
  for (Group& group : groups) {
    if (group.kind != one.kind || group.facts != one.facts) continue;
    add_unique(group.ids, one.ids.front());
    return;
  }
  groups.push_back(one);
}

// The groups of each device, in the order of appearance; those of the host have an empty name.
std::vector<std::pair<Names, std::vector<Group>>> blocks_of(const Json& domains) {
  std::vector<std::pair<std::string, std::vector<Group>>> by_device;
  for (const Json& json : domains) {
    const Domain domain = domain_of(json);
    auto it = std::find_if(by_device.begin(), by_device.end(),
                           [&](const auto& one) { return one.first == domain.device; });
    if (it == by_device.end()) it = by_device.insert(it, {domain.device, {}});
    add_to(it->second, domain.group);
  }
  std::vector<std::pair<Names, std::vector<Group>>> blocks;
  for (auto& [device, groups] : by_device) {
    auto it = std::find_if(blocks.begin(), blocks.end(), [&, &groups = groups](const auto& block) {
      return block.second == groups;
    });
    if (it == blocks.end()) it = blocks.insert(it, {Names{}, std::move(groups)});
    it->first.push_back(device);
  }
  return blocks;
}

// Absences with one reason: "energy, traffic (pcie_rx, pcie_tx) of 0000:17:00.0".
struct Lack {
  std::string reason;
  std::string enable;
  std::vector<std::pair<std::string, Names>> kinds;  // with scopes; none: all of them
  Names devices;
};

std::vector<Lack> lacks_of(const Json& absences) {
  std::vector<Lack> lacks;
  for (const Json& json : absences) {
    const std::string reason = text_or_none(json, {"reason"});
    const std::string enable = text_or_empty(json, "enable");
    auto lack = std::find_if(lacks.begin(), lacks.end(), [&](const Lack& one) {
      return one.reason == reason && one.enable == enable;
    });
    if (lack == lacks.end()) lack = lacks.insert(lack, {reason, enable, {}, {}});
    const std::string name = text_or_none(json, {"kind"});
    auto kind = std::find_if(lack->kinds.begin(), lack->kinds.end(),
                             [&](const auto& one) { return one.first == name; });
    if (kind == lack->kinds.end()) kind = lack->kinds.insert(kind, {name, {}});
    const std::string scope = text_or_empty(json, "scope");
    if (!scope.empty()) add_unique(kind->second, scope);
    const std::string device = text_or_empty(json, "device");
    if (!device.empty()) add_unique(lack->devices, device);
  }
  return lacks;
}

std::string what_lacks(const Lack& lack) {
  Names kinds;
  for (const auto& [kind, scopes] : lack.kinds) {
    kinds.push_back(scopes.empty() ? kind : fmt::format("{} ({})", kind, joined(scopes)));
  }
  std::string text = joined(kinds);
  if (!lack.devices.empty()) text += " of " + joined(lack.devices);
  return text;
}

void add_block(const Names& devices, const std::vector<Group>& groups, Section& section) {
  if (!devices.front().empty()) section.add("", joined(devices));
  std::string before;
  for (const Group& group : groups) {
    const std::string kind = group.kind == before ? "" : "  " + group.kind;
    before = group.kind;
    section.add(kind, fmt::format("{} ({})", joined(group.ids), group.facts));
  }
}

void add_source(const Json& source, Section& section) {
  const auto blocks = blocks_of(list_at(source, {"domains"}));
  const auto lacks = lacks_of(list_at(source, {"absences"}));
  std::string name = text_or_none(source, {"name"});
  if (!blocks.empty() || lacks.empty()) {
    section.add(name, blocks.empty() ? kNone : "");
    name = "  " + std::string(kNone);
  }
  for (const auto& [devices, groups] : blocks) add_block(devices, groups, section);
  for (const Lack& lack : lacks) {
    const std::string dash = blocks.empty() ? std::string(kNone) + " " : "";
    section.add(name, fmt::format("{}{}: {}", dash, what_lacks(lack), lack.reason));
    section.advise(lack.enable);
    if (blocks.empty()) name.clear();
  }
}

}  // namespace

std::string sensor_text(const Json& sources) {
  if (!sources.is_array() || sources.empty()) return "";
  Section section("Sensors");
  for (const Json& source : sources) add_source(source, section);
  return section.text();
}

}  // namespace ridgeline::report
