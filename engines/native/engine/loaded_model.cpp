// Loading: reference → config → modules → memory check → parameters.
#include "engines/native/engine/loaded_model.hpp"

#include <ATen/ops/empty.h>
#include <c10/core/ScalarType.h>
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "base/clock.hpp"
#include "base/host_memory.hpp"
#include "catalog/presets.hpp"
#include "engines/native/checkpoint/checkpoint.hpp"
#include "engines/native/checkpoint/model_config.hpp"
#include "engines/native/device/backend.hpp"
#include "engines/native/device/device.hpp"

namespace ridgeline::native {
namespace {

Result<std::string> choose_weights(const std::string& asked, bool has_folder,
                                   const std::string& reference) {
  if (asked == "auto") return std::string(has_folder ? "checkpoint" : "synthetic");
  if (asked == "synthetic" || asked == "meta") return asked;
  if (asked != "checkpoint") {
    return bad_input(fmt::format("unknown weights '{}'", asked),
                     "use auto, checkpoint or synthetic");
  }
  if (!has_folder) {
    return bad_input(fmt::format("preset '{}' has no weights of its own", reference),
                     "give a folder or a downloaded model, or use --weights synthetic");
  }
  return asked;
}

// Bytes that a process can still have where the weights will be, and what that memory is called.
struct Room {
  std::optional<std::int64_t> bytes;
  std::string_view name;
  ErrorClass shortage;
};

Room room_on(at::Device device) {
  // The first tensor of a device makes its context and its allocator.
  at::empty({1}, at::TensorOptions().device(device));
  const std::optional<DeviceMemory> memory = backend_of(device).memory();
  if (!memory) return {available_host_bytes(), "host memory", ErrorClass::kOomHost};
  // What the allocator keeps and no tensor uses is ours as well.
  const std::int64_t kept = memory->reserved - memory->allocated;
  return {memory->total - memory->used + kept, "device memory", ErrorClass::kOomDevice};
}

Status check_memory(const Declarations& declarations, at::ScalarType dtype, at::Device device,
                    const std::string& reference) {
  if (device.is_meta()) return {};
  const std::int64_t needed = declarations.bytes_needed(dtype);
  const Room room = room_on(device);
  if (!room.bytes || needed <= *room.bytes) return {};
  Error error{room.shortage,
              fmt::format("{} needs {:.1f} GB for its weights, {:.1f} GB of {} are left", reference,
                          static_cast<double>(needed) / 1e9, static_cast<double>(*room.bytes) / 1e9,
                          room.name),
              "use a smaller model or dtype, or free memory"};
  error.bytes_needed = needed;
  return error;
}

Result<std::unique_ptr<Source>> open_source(const ResolvedModel& resolved, std::uint64_t seed) {
  if (resolved.weights == "meta") return meta_source();
  if (resolved.weights == "synthetic") return synthetic_source(seed);
  RIDGELINE_TRY(Checkpoint checkpoint, Checkpoint::open(resolved.reference.folder));
  return checkpoint_source(std::move(checkpoint));
}

}  // namespace

Result<LoadRequest> LoadRequest::from(const Json& fields) {
  constexpr std::string_view kWhat = "load";
  LoadRequest request;
  RIDGELINE_TRY(request.model, get_string(fields, "model", kWhat));
  RIDGELINE_TRY(request.architecture, get_string(fields, "architecture", kWhat, ""));
  RIDGELINE_TRY(request.weights, get_string(fields, "weights", kWhat, "auto"));
  RIDGELINE_TRY(request.dtype, get_string(fields, "dtype", kWhat, "float32"));
  RIDGELINE_TRY(request.device, get_string(fields, "device", kWhat, "cpu"));
  RIDGELINE_TRY(const std::int64_t seed, get_int(fields, "seed", kWhat, 0));
  request.seed = static_cast<std::uint64_t>(seed);
  return request;
}

Result<ResolvedModel> resolve(const LoadRequest& request) {
  ResolvedModel resolved;
  RIDGELINE_TRY(resolved.reference,
                catalog::resolve_model(request.model, catalog::process_environment()));
  const bool has_folder = !resolved.reference.folder.empty();
  RIDGELINE_TRY(resolved.weights, choose_weights(request.weights, has_folder, request.model));

  std::string architecture = request.architecture;
  std::string family;
  if (has_folder) {
    RIDGELINE_TRY(Json config, read_model_config(resolved.reference.folder));
    const std::string what = resolved.reference.folder + "/config.json";
    RIDGELINE_TRY(family, model_type_of(config, what));
    if (architecture.empty()) {
      RIDGELINE_TRY(const auto names, architectures_of(config, what));
      architecture = names.front();
    }
    resolved.config = std::make_shared<const Json>(std::move(config));
  } else {
    RIDGELINE_TRY(const catalog::Preset preset, catalog::find_preset(resolved.reference.preset));
    family = preset.architecture.family;
    if (architecture.empty()) architecture = preset.architecture.architecture;
    resolved.config = preset.config;
  }
  RIDGELINE_TRY(resolved.architecture, catalog::find_architecture(family, architecture));
  return resolved;
}

Result<BuiltModel> build(const ResolvedModel& resolved) {
  RIDGELINE_TRY(const ModelFactory factory, find_factory(resolved.architecture.family));
  BuiltModel built;
  built.declarations = std::make_unique<Declarations>();
  RIDGELINE_TRY(built.model,
                factory(Scope(*built.declarations),
                        {*resolved.config, std::string(resolved.architecture.architecture)}));
  return built;
}

Result<LoadedModel> load(const LoadRequest& request) {
  LoadedModel loaded;
  const std::int64_t begin = now_ns();
  RIDGELINE_TRY(loaded.dtype, dtype_from(request.dtype));
  RIDGELINE_TRY(loaded.resolved, resolve(request));
  if (loaded.resolved.weights == "meta") {
    loaded.device = at::kMeta;
  } else {
    RIDGELINE_TRY(loaded.device, open_device(request.device));
  }
  RIDGELINE_TRY(loaded.built, build(loaded.resolved));
  RIDGELINE_CHECK(
      check_memory(*loaded.built.declarations, loaded.dtype, loaded.device, request.model));
  loaded.context_ns = now_ns() - begin;
  RIDGELINE_TRY(const std::unique_ptr<Source> source, open_source(loaded.resolved, request.seed));
  RIDGELINE_TRY(loaded.materialised,
                loaded.built.declarations->materialise(*source, loaded.dtype, loaded.device));
  return loaded;
}

std::int64_t LoadedModel::second_layout_bytes() const {
  std::int64_t bytes = 0;
  built.declarations->change_product_weights([&](ops::ProductWeight& weight) {
    if (!weight.plain.defined() || !weight.packed.defined()) return;
    bytes += weight.packed.numel() * static_cast<std::int64_t>(weight.packed.element_size());
  });
  return bytes;
}

bool LoadedModel::has_int8_weights() const {
  bool found = false;
  built.declarations->change_product_weights(
      [&](ops::ProductWeight& weight) { found |= weight.int8.rows.defined(); });
  return found;
}

Json LoadedModel::describe() const {
  const catalog::ModelReference& reference = resolved.reference;
  const auto text_or_null = [](std::string_view text) {
    return text.empty() ? Json() : Json(std::string(text));
  };
  Json weights = {{"source", resolved.weights},
                  {"bytes", materialised.bytes},
                  {"path", text_or_null(resolved.weights == "checkpoint" ? reference.folder : "")}};
  if (!materialised.note.empty()) weights["note"] = materialised.note;
  return {{"reference", reference.reference},
          {"family", resolved.architecture.family},
          {"modality", resolved.architecture.modality},
          {"architecture", resolved.architecture.architecture},
          {"task", resolved.architecture.task},
          {"parameters", materialised.parameters},
          {"weights", std::move(weights)},
          {"revision", text_or_null(reference.revision)},
          {"dtype", name_of(dtype)}};
}

}  // namespace ridgeline::native
