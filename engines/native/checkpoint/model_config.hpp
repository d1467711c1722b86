// config.json of a model folder, in the spellings of old and new transformers releases.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "base/json.hpp"

namespace ridgeline::native {

/// `folder`/config.json; an error when it is missing, above 16 MiB or not a JSON object.
Result<Json> read_model_config(const std::string& folder);

/// `model_type`, which names the family. `what` names the file in errors.
Result<std::string> model_type_of(const Json& config, std::string_view what);

/// `architectures`, the first being the default; an error when it is missing or empty.
Result<std::vector<std::string>> architectures_of(const Json& config, std::string_view what);

/// The type the weights were saved in ("float32", "bfloat16", …): `dtype`, in files written before
/// release 5 `torch_dtype`, there also as "torch.float32"; nothing when the file does not say.
Result<std::optional<std::string>> saved_dtype_of(const Json& config, std::string_view what);

}  // namespace ridgeline::native
