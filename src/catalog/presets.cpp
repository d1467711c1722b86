// Reads the presets that the build embeds.
#include "catalog/presets.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "base/nearest.hpp"
#include "embedded/presets.hpp"

namespace ridgeline::catalog {
namespace {

Result<std::shared_ptr<const Json>> take_object(const Json& preset, const char* key,
                                                const std::string& what) {
  const auto it = preset.find(key);
  if (it == preset.end() || !it->is_object() || it->empty()) {
    return bad_input(fmt::format("{}: '{}' must be an object", what, key));
  }
  return std::make_shared<const Json>(*it);
}

}  // namespace

Result<Preset> parse_preset(std::string_view name, std::string_view text) {
  const std::string what = fmt::format("preset {}", name);
  RIDGELINE_TRY(const Json json, parse_json(text, what));
  if (!json.is_object()) return bad_input(fmt::format("{}: not a JSON object", what));
  Preset preset;
  preset.name = name;
  RIDGELINE_TRY(preset.reference, get_string(json, "reference", what));
  RIDGELINE_TRY(preset.description, get_string(json, "description", what));
  RIDGELINE_TRY(preset.config, take_object(json, "config", what));
  RIDGELINE_TRY(preset.workload, take_object(json, "workload", what));
  RIDGELINE_TRY(const std::string family, get_string(*preset.config, "model_type", what));
  RIDGELINE_TRY(const std::string architecture, get_string(json, "architecture", what));
  RIDGELINE_TRY(preset.architecture, find_architecture(family, architecture));
  return preset;
}

std::vector<std::string_view> preset_names() {
  std::vector<std::string_view> names;
  for (const auto& file : embedded::presets()) names.push_back(file.stem);
  return names;
}

Result<std::vector<Preset>> presets() {
  std::vector<Preset> all;
  for (const auto& file : embedded::presets()) {
    RIDGELINE_TRY(Preset preset, parse_preset(file.stem, file.text));
    all.push_back(std::move(preset));
  }
  return all;
}

Result<Preset> find_preset(std::string_view name) {
  for (const auto& file : embedded::presets()) {
    if (file.stem == name) return parse_preset(file.stem, file.text);
  }
  return bad_input(fmt::format("no preset '{}'", name.substr(0, 100)),
                   suggestion(name, preset_names()));
}

std::string preset_for(std::string_view hub_id) {
  const Result<std::vector<Preset>> all = presets();
  if (!all) return {};
  for (const Preset& preset : *all) {
    if (preset.reference == hub_id) return preset.name;
  }
  return {};
}

}  // namespace ridgeline::catalog
