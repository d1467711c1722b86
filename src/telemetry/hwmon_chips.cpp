// Lists hwmon's chips and their inputs.
#include "telemetry/hwmon_chips.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <filesystem>
#include <map>
#include <system_error>
#include <tuple>

#include "telemetry/absence.hpp"
#include "telemetry/sensor_file.hpp"

namespace ridgeline::telemetry {
namespace {

using machine::Tree;

constexpr std::array<std::string_view, 5> kThermometers = {"coretemp", "k10temp", "zenpower",
                                                           "cpu_thermal", "cpu-thermal"};

// "0000:17:00.0"
bool is_pci_address(std::string_view text) {
  constexpr std::string_view kShape = "xxxx:xx:xx.x";
  if (text.size() != kShape.size()) return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool digit = std::isxdigit(static_cast<unsigned char>(text[i])) != 0;
    if (kShape[i] == 'x' ? !digit : text[i] != kShape[i]) return false;
  }
  return true;
}

// The last part of the path of the device behind a chip: "0000:17:00.0", "1-0040", "coretemp.0".
std::string device_of(const std::string& root, const std::string& folder) {
  std::error_code error;
  const auto device = std::filesystem::canonical(below(root, folder + "/device"), error);
  return error ? std::string() : device.filename().string();
}

// Display controllers (class 03) and accelerators (class 12).
bool is_accelerator(const Tree& tree, const std::string& folder) {
  const std::string device_class = tree.text(folder + "/device/class").value_or("");
  return device_class.starts_with("0x03") || device_class.starts_with("0x12");
}

std::vector<HwmonInput> inputs_of(const Tree& tree, const std::string& folder) {
  std::vector<HwmonInput> inputs;
  for (const std::string& file : tree.list(folder)) {
    if (auto input = parse_input(file)) inputs.push_back(std::move(*input));
  }
  std::sort(inputs.begin(), inputs.end(), [](const HwmonInput& a, const HwmonInput& b) {
    return std::tie(a.prefix, a.number, a.suffix) < std::tie(b.prefix, b.number, b.suffix);
  });
  return inputs;
}

}  // namespace

bool HwmonChip::has(std::string_view prefix, int number, std::string_view suffix) const {
  return std::any_of(inputs.begin(), inputs.end(), [&](const HwmonInput& input) {
    return input.prefix == prefix && input.number == number && input.suffix == suffix;
  });
}

std::string HwmonChip::path(std::string_view prefix, int number, std::string_view suffix) const {
  return fmt::format("{}/{}{}_{}", folder, prefix, number, suffix);
}

std::optional<std::string> HwmonChip::text(const Tree& tree, std::string_view prefix, int number,
                                           std::string_view suffix) const {
  const auto found = tree.text(path(prefix, number, suffix));
  return found ? std::optional(printable(*found)) : std::nullopt;
}

std::vector<HwmonChip> hwmon_chips(const Tree& tree, const std::string& root) {
  std::vector<HwmonChip> chips;
  std::vector<std::string> devices;
  std::map<std::string, int> count;
  for (const std::string& entry : tree.list("sys/class/hwmon")) {
    const std::string folder = "sys/class/hwmon/" + entry;
    HwmonChip chip;
    chip.folder = folder;
    chip.inputs = inputs_of(tree, folder);
    // Older kernels keep some drivers' files, ACPI's power meter among them, in the device's
    // folder.
    if (chip.inputs.empty()) {
      chip.folder = folder + "/device";
      chip.inputs = inputs_of(tree, chip.folder);
    }
    auto name = tree.text(folder + "/name");
    if (!name) name = tree.text(folder + "/device/name");
    chip.name = printable(name.value_or(entry));
    const std::string device = device_of(root, folder);
    if (is_pci_address(device) && is_accelerator(tree, folder)) chip.pci = device;
    ++count[chip.name];
    devices.push_back(device.empty() ? entry : device);
    chips.push_back(std::move(chip));
  }
  for (std::size_t i = 0; i < chips.size(); ++i) {
    chips[i].title = chips[i].name;
    if (count[chips[i].name] > 1) chips[i].title += "@" + devices[i];
  }
  std::sort(chips.begin(), chips.end(),
            [](const HwmonChip& a, const HwmonChip& b) { return a.title < b.title; });
  return chips;
}

bool is_cpu_thermometer(std::string_view name) {
  return std::find(kThermometers.begin(), kThermometers.end(), name) != kThermometers.end();
}

std::optional<HwmonInput> parse_input(std::string_view file) {
  const auto underscore = file.find('_');
  const auto digit = file.find_first_of("0123456789");
  if (underscore == std::string_view::npos || digit == 0 || digit >= underscore) {
    return std::nullopt;
  }
  const auto number = machine::parse_integer(file.substr(digit, underscore - digit));
  if (!number || *number > 9999) return std::nullopt;
  return HwmonInput{std::string(file.substr(0, digit)), static_cast<int>(*number),
                    std::string(file.substr(underscore + 1))};
}

}  // namespace ridgeline::telemetry
