// The tokens with which Whisper's decoder starts: start, language, task, no time stamps.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "base/error.hpp"
#include "engines/native/checkpoint/generation_config.hpp"

namespace ridgeline::native {

struct WhisperStart {
  std::vector<std::optional<std::int64_t>> tokens;  ///< an empty one: the language, to be detected
  std::vector<std::int64_t> languages;              ///< tokens to choose it from
};

/// As generate() of transformers forms them from `language`, `task`, `lang_to_id`, `task_to_id`,
/// `forced_decoder_ids` and `no_timestamps_token_id`. kUnsupported for `return_timestamps`.
Result<WhisperStart> whisper_start(const GenerationConfig& generation, std::int64_t start_token);

/// An error unless the token is one of the vocabulary's.
Status check_token(std::int64_t token, std::int64_t vocabulary);

}  // namespace ridgeline::native
