// Reading generation_config.json.
#include "engines/native/checkpoint/generation_config.hpp"

#include <fmt/format.h>

#include <filesystem>
#include <nlohmann/json.hpp>

namespace ridgeline::native {
namespace {

constexpr std::uint64_t kLargestFile = 16u << 20;

// An id, a list of ids, or nothing.
Result<std::vector<std::int64_t>> ids_of(const Json& json, const char* key,
                                         const std::string& what) {
  std::vector<std::int64_t> ids;
  const Json& value = entry_of(json, key);
  if (value.is_null()) return ids;
  const Json list = value.is_array() ? value : Json::array({value});
  for (const Json& entry : list) {
    if (!entry.is_number_integer() || entry.get<std::int64_t>() < 0) {
      return bad_input(fmt::format("{}: '{}' must hold token ids", what, key));
    }
    ids.push_back(entry.get<std::int64_t>());
  }
  return ids;
}

Result<std::optional<std::int64_t>> id_of(const Json& json, const char* key,
                                          const std::string& what) {
  RIDGELINE_TRY(const std::vector<std::int64_t> ids, ids_of(json, key, what));
  if (ids.empty()) return std::optional<std::int64_t>();
  return std::optional(ids.front());
}

// Processors of transformers that change what greedy search picks, with the value that turns each
// off beside null.
struct Refused {
  const char* key;
  double off;
};

constexpr Refused kRefused[] = {{"repetition_penalty", 1},
                                {"encoder_repetition_penalty", 1},
                                {"no_repeat_ngram_size", 0},
                                {"encoder_no_repeat_ngram_size", 0},
                                {"min_length", 0},
                                {"min_new_tokens", 0},
                                {"guidance_scale", 1},
                                {"diversity_penalty", 0},
                                {"penalty_alpha", 0},
                                {"sequence_bias", 0},
                                {"bad_words_ids", 0},
                                {"exponential_decay_length_penalty", 0},
                                {"watermarking_config", 0},
                                {"force_words_ids", 0},
                                {"constraints", 0},
                                {"dola_layers", 0},
                                {"prompt_lookup_num_tokens", 0}};

Status check_refused(const Json& json, const std::string& what) {
  for (const Refused& row : kRefused) {
    const Json& value = entry_of(json, row.key);
    const bool off = value.is_null() || (value.is_number() && value.get<double>() == row.off) ||
                     (value.is_array() && value.empty()) || value == false;
    if (off) continue;
    return unsupported(
        fmt::format("{} asks for '{}', which greedy decoding here does not have", what, row.key),
        "remove the field, or set it to null");
  }
  return {};
}

}  // namespace

Result<GenerationConfig> GenerationConfig::load(const std::string& folder, const Json& config) {
  GenerationConfig generation;
  const std::string path = folder + "/generation_config.json";
  std::error_code ignored;
  std::string what = "config.json";
  Json whole = config;
  if (!folder.empty() && std::filesystem::exists(path, ignored)) {
    RIDGELINE_TRY(whole, read_json_file(path, kLargestFile));
    what = path;
  }
  generation.whole = std::make_shared<const Json>(std::move(whole));
  const Json& json = *generation.whole;
  if (!json.is_object()) return bad_input(fmt::format("{}: not an object", what));
  RIDGELINE_CHECK(check_refused(json, what));
  RIDGELINE_TRY(generation.eos_token_ids, ids_of(json, "eos_token_id", what));
  RIDGELINE_TRY(generation.pad_token_id, id_of(json, "pad_token_id", what));
  RIDGELINE_TRY(generation.decoder_start_token_id, id_of(json, "decoder_start_token_id", what));
  RIDGELINE_TRY(generation.forced_bos_token_id, id_of(json, "forced_bos_token_id", what));
  RIDGELINE_TRY(generation.forced_eos_token_ids, ids_of(json, "forced_eos_token_id", what));
  RIDGELINE_TRY(generation.suppress_tokens, ids_of(json, "suppress_tokens", what));
  RIDGELINE_TRY(generation.begin_suppress_tokens, ids_of(json, "begin_suppress_tokens", what));
  return generation;
}

}  // namespace ridgeline::native
