// JSON forms and ids of configurations and workloads.
#include "measure/configuration.hpp"

#include <fmt/format.h>

#include <charconv>
#include <nlohmann/json.hpp>

#include "base/fingerprint.hpp"
#include "base/json_values.hpp"
#include "catalog/model_reference.hpp"
#include "catalog/presets.hpp"
#include "measure/engine_name.hpp"

namespace ridgeline::measure {
namespace {

Json identity(const Configuration& configuration) {
  return {{"configuration", to_json(configuration)}, {"optimize", optimize_json(configuration)}};
}

// The preset that a model reference means, if it means one: a folder of that name comes first.
std::optional<catalog::Preset> preset_of(const std::string& model) {
  const auto reference = catalog::resolve_model(model, catalog::process_environment());
  if (!reference || reference->kind != catalog::ModelKind::kPreset) return std::nullopt;
  auto preset = catalog::find_preset(reference->preset);
  return preset ? std::optional(*std::move(preset)) : std::nullopt;
}

}  // namespace

KnobValue knob_value_from_text(std::string_view text) {
  if (text == "true") return true;
  if (text == "false") return false;
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  // Only the canonical spelling is a number: "007" stays the text that it is.
  if (error == std::errc() && fmt::format("{}", number) == text) return number;
  return std::string(text);
}

std::string to_text(const KnobValue& value) {
  if (const auto* flag = std::get_if<bool>(&value)) return *flag ? "true" : "false";
  if (const auto* number = std::get_if<std::int64_t>(&value)) return fmt::format("{}", *number);
  return std::get<std::string>(value);
}

Json to_json(const KnobValue& value) {
  return std::visit([](const auto& held) { return Json(held); }, value);
}

Json to_json(const Configuration& configuration) {
  return {{"engine", configuration.engine},
          {"model", configuration.model},
          {"architecture", or_null(configuration.architecture)},
          {"weights", configuration.weights},
          {"dtype", configuration.dtype},
          {"device", configuration.device},
          {"threads", or_null(configuration.threads)},
          {"cores", or_null(configuration.cores)},
          {"seed", configuration.seed}};
}

Json optimize_json(const Configuration& configuration) {
  Json json = Json::object();
  json["auto"] = configuration.optimize_auto;
  for (const Knob& knob : configuration.knobs) json[knob.id] = to_json(knob.value);
  return json;
}

Json wire_optimizations(const Configuration& configuration) {
  Json list = Json::array();
  if (configuration.threads) {
    list.push_back({{"id", "threads"}, {"value", *configuration.threads}});
  }
  if (configuration.cores) list.push_back({{"id", "cores"}, {"value", *configuration.cores}});
  for (const Knob& knob : configuration.knobs) {
    list.push_back({{"id", knob.id}, {"value", to_json(knob.value)}});
  }
  return list;
}

Json load_fields(const Configuration& configuration) {
  Json fields = {{"model", configuration.model},
                 {"architecture", or_null(configuration.architecture)},
                 {"weights", configuration.weights},
                 {"dtype", configuration.dtype},
                 {"device", configuration.device},
                 {"seed", configuration.seed},
                 {"optimize_auto", configuration.optimize_auto},
                 {"optimizations", wire_optimizations(configuration)}};
  const std::string mode = parse_engine(configuration.engine).mode;
  if (!mode.empty()) fields["mode"] = mode;
  const auto preset = preset_of(configuration.model);
  if (!preset) return fields;
  if (!configuration.architecture) {
    fields["architecture"] = std::string(preset->architecture.architecture);
  }
  fields["config"] = *preset->config;
  return fields;
}

std::string id_of(const Configuration& configuration) {
  return fingerprint(identity(configuration));
}

std::string describe(const Configuration& configuration) {
  std::string line = fmt::format("{} {}", configuration.engine, configuration.model);
  if (configuration.architecture) line += " " + *configuration.architecture;
  if (configuration.weights != "auto") line += " weights=" + configuration.weights;
  line += fmt::format(" {} {}", configuration.dtype, configuration.device);
  if (configuration.threads) line += fmt::format(" threads={}", *configuration.threads);
  if (configuration.cores) line += " cores=" + *configuration.cores;
  if (!configuration.optimize_auto && configuration.knobs.empty()) line += " optimize=none";
  for (const Knob& knob : configuration.knobs) {
    line += fmt::format(" {}={}", knob.id, to_text(knob.value));
  }
  return line;
}

std::string case_id(const Configuration& configuration, const Workload& workload) {
  Json json = identity(configuration);
  json["workload"] = to_json(workload);
  return fingerprint(json);
}

}  // namespace ridgeline::measure
