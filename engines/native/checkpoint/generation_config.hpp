// What generation_config.json asks of greedy decoding.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "base/json.hpp"

namespace ridgeline::native {

/// The fields that greedy decoding with one beam honours.
struct GenerationConfig {
  std::vector<std::int64_t> eos_token_ids;
  std::optional<std::int64_t> pad_token_id;  ///< else the first end token
  std::optional<std::int64_t> decoder_start_token_id;
  std::optional<std::int64_t> forced_bos_token_id;
  std::vector<std::int64_t> forced_eos_token_ids;
  std::vector<std::int64_t> suppress_tokens;
  std::vector<std::int64_t> begin_suppress_tokens;  ///< at the first new token only
  std::shared_ptr<const Json> whole;                ///< all fields, for what families add

  /// Reads generation_config.json of a folder; a folder without one gives the same fields of
  /// `config` (config.json). Fields that would change greedy decoding and are not listed above
  /// (repetition_penalty, no_repeat_ngram_size, …) are kUnsupported, by name.
  static Result<GenerationConfig> load(const std::string& folder, const Json& config);

  std::optional<std::int64_t> padding() const {
    if (pad_token_id || eos_token_ids.empty()) return pad_token_id;
    return eos_token_ids.front();
  }
};

}  // namespace ridgeline::native
