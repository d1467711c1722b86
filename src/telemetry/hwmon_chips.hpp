// The chips of hwmon with the parts of their folders that sources ask for.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "machine/tree.hpp"

namespace ridgeline::telemetry {

/// One numbered input: "power1_average" is prefix "power", number 1, suffix "average".
struct HwmonInput {
  std::string prefix;
  int number = 0;
  std::string suffix;
};

struct HwmonChip {
  std::string name;    ///< of the driver: "coretemp", "amdgpu"
  std::string title;   ///< the name, with "@device" where two chips share it: the same in every run
  std::string folder;  ///< that holds the inputs: "sys/class/hwmon/hwmon2"
  std::string pci;     ///< address of the GPU or accelerator that it belongs to, or empty
  std::vector<HwmonInput> inputs;  ///< by prefix, number and suffix

  bool has(std::string_view prefix, int number, std::string_view suffix) const;
  std::string path(std::string_view prefix, int number, std::string_view suffix) const;
  /// The printable text beside an input, such as its label.
  std::optional<std::string> text(const machine::Tree& tree, std::string_view prefix, int number,
                                  std::string_view suffix) const;
};

/// All chips, by title. `root` is the tree's.
std::vector<HwmonChip> hwmon_chips(const machine::Tree& tree, const std::string& root);

/// A chip that measures the processor's temperature.
bool is_cpu_thermometer(std::string_view name);

/// A number that follows "prefix" and goes on to the end or to '_': "temp12_input" → 12.
std::optional<HwmonInput> parse_input(std::string_view file);

}  // namespace ridgeline::telemetry
