// Presets: published model configurations shipped with the program, for runs without a download.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "base/json.hpp"
#include "catalog/families.hpp"

namespace ridgeline::catalog {

/// A file of data/presets. `config` is what config.json of `reference` says; `workload` the default
/// one ({"batch":1,"sequence":128}); neither is null.
struct Preset {
  std::string name;
  std::string reference;  ///< hub id of the model it stands for
  std::string description;
  Architecture architecture;  ///< row of the catalog
  std::shared_ptr<const Json> config;
  std::shared_ptr<const Json> workload;
};

/// Names, sorted.
std::vector<std::string_view> preset_names();

/// All presets, sorted by name.
Result<std::vector<Preset>> presets();

/// The preset of that name; unknown: an error with the nearest name and the list.
Result<Preset> find_preset(std::string_view name);

/// The name of the preset that stands for a hub id; empty when there is none.
std::string preset_for(std::string_view hub_id);

/// Parses one file: every field must be there and the architecture in the catalog.
Result<Preset> parse_preset(std::string_view name, std::string_view text);

}  // namespace ridgeline::catalog
