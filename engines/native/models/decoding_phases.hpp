// The phases of models that produce tokens: prefill, decode at a depth, generate.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "engines/native/models/model.hpp"

namespace ridgeline::native {

struct DecodingWork {
  double prompt_tokens;      ///< real ones of all rows
  std::int64_t new_tokens;   ///< of `generate`, exact
  double audio_seconds = 0;  ///< real sound of all rows; 0: none
};

/// Phases of a model that decodes():
///   prefill   the prompt → logits of its last position; unit token
///   decode    one token a row behind the tokens of `deep`; the cache is put back before each call
///   generate  the prompt, then `new_tokens` tokens, greedy, without regard to end tokens; each is
///             fetched by the host, as by a server that streams
/// Fills the cache of decode.
Result<std::vector<Phase>> decoding_phases(Model& model, const NamedTensors& inputs,
                                           const NamedTensors& deep, const DecodingWork& work);

/// An error when caches of so many bytes do not fit into the memory of the device: before anything
/// is allocated.
Status check_cache_memory(std::int64_t bytes, at::Device device);

}  // namespace ridgeline::native
