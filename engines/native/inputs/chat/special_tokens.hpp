// The special tokens that a template sees as variables: bos_token, eos_token and so on.
#pragma once

#include <string>

#include "base/error.hpp"
#include "base/json.hpp"
#include "engines/native/inputs/chat/value.hpp"

namespace ridgeline::native {

/// Reads them from `config`, the root of tokenizer_config.json (an empty object when there is no
/// such file), and from special_tokens_map.json of `folder` where transformers does; tokens that
/// stand nowhere get the default of their tokenizer's class.
Result<jinja::Dict> read_special_tokens(const std::string& folder, const Json& config);

}  // namespace ridgeline::native
