// What the user means by a model: a folder, a model in the Hugging Face cache, or a preset.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.hpp"

namespace ridgeline::catalog {

enum class ModelKind { kFolder, kHub, kPreset };

struct ModelReference {
  ModelKind kind = ModelKind::kPreset;
  std::string reference;  ///< as the user wrote it: for display and records
  std::string folder;     ///< has config.json; empty for presets
  std::string preset;     ///< name; empty for folders and hub models
  std::string revision;   ///< commit hash of a hub model; else empty
};

/// Gives the value of an environment variable. A parameter, so that tests need not change their
/// own.
using Environment = std::function<std::optional<std::string>(const char* name)>;

/// Variables of this process; HOME falls back to the user database.
Environment process_environment();

/// The cache folder as huggingface_hub finds it: HF_HUB_CACHE, else HUGGINGFACE_HUB_CACHE, else
/// $HF_HOME/hub, else $XDG_CACHE_HOME/huggingface/hub, else ~/.cache/huggingface/hub. Empty values
/// count as unset.
std::string hub_cache_folder(const Environment& environment);

/// Resolves, in this order: a path ('/', './', '../' or '~' at its front, or '/' at its end: the
/// folder must exist), a folder of that name with config.json, a preset, `name` or `org/name` with
/// an optional `@revision` (branch, tag or full commit) in the hub cache. Nothing is downloaded.
Result<ModelReference> resolve_model(std::string_view reference, const Environment& environment);

}  // namespace ridgeline::catalog
