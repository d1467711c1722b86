// The tokens that Whisper's tokenizer puts in front of a text (Radford et al. 2022, section 2.3).
#pragma once

#include <cstdint>
#include <functional>
#include <string_view>
#include <vector>

#include "base/error.hpp"

namespace ridgeline::native {

struct WhisperPrompt {
  std::string_view language;  ///< a name or a code of a language, or empty
  std::string_view task;      ///< transcribe or translate, or empty
  bool predict_timestamps = false;
};

/// The ids: start of transcript, language, task, and that there are no time stamps. `id_of` gives
/// the id of a token. Errors: a language or a task that Whisper does not know.
Result<std::vector<std::int64_t>> whisper_prompt_ids(
    const WhisperPrompt& prompt, const std::function<std::int64_t(std::string_view)>& id_of);

}  // namespace ridgeline::native
