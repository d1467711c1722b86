// Synthetic weights as a checkpoint folder that any engine can load.
#pragma once

#include <string>

#include "base/error.hpp"
#include "base/json.hpp"
#include "engines/native/engine/loaded_model.hpp"

namespace ridgeline::native {

/// Writes config.json and model.safetensors into a new `folder`, whole or not at all.
Result<Json> write_synthetic_checkpoint(const LoadRequest& request, const std::string& folder);

}  // namespace ridgeline::native
