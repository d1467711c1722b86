// Start tokens of Whisper from its generation config.
#include "engines/native/models/whisper_start.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

namespace ridgeline::native {
namespace {

Result<std::vector<std::pair<std::string, std::int64_t>>> id_map(const Json& json,
                                                                 const char* key) {
  std::vector<std::pair<std::string, std::int64_t>> ids;
  const Json& map = entry_of(json, key);
  if (!map.is_object()) return ids;
  for (const auto& [name, id] : map.items()) {
    if (!id.is_number_integer()) {
      return bad_input(fmt::format("generation_config.json: '{}' must map to token ids", key));
    }
    ids.emplace_back(name, id.get<std::int64_t>());
  }
  return ids;
}

// forced_decoder_ids, [[1, language or null], [2, task], …], as far as its places follow each
// other.
void add_forced(const Json& forced, std::vector<std::optional<std::int64_t>>& tokens) {
  if (!forced.is_array()) return;
  std::int64_t place = 1;
  for (const Json& pair : forced) {
    if (!pair.is_array() || pair.size() != 2 || pair[0] != place++) return;
    tokens.push_back(pair[1].is_number_integer() ? std::optional(pair[1].get<std::int64_t>())
                                                 : std::nullopt);
  }
}

}  // namespace

Result<WhisperStart> whisper_start(const GenerationConfig& generation, std::int64_t start_token) {
  const Json& json = *generation.whole;
  if (entry_of(json, "return_timestamps") == true) {
    return unsupported("the generation config asks for return_timestamps, which is not there",
                       "set return_timestamps to false");
  }
  RIDGELINE_TRY(const auto languages, id_map(json, "lang_to_id"));
  RIDGELINE_TRY(const auto tasks, id_map(json, "task_to_id"));
  const auto find_in = [](const auto& map, const std::string& name) {
    return std::find_if(map.begin(), map.end(), [&](const auto& row) { return row.first == name; });
  };
  WhisperStart start;
  start.tokens.push_back(generation.decoder_start_token_id.value_or(start_token));
  const Json& task = entry_of(json, "task");
  const Json& language = entry_of(json, "language");
  if (!task.is_string() && !language.is_string()) {
    add_forced(entry_of(json, "forced_decoder_ids"), start.tokens);
  }
  const bool undefined = start.tokens.size() <= 1 || !start.tokens[1];
  std::optional<std::optional<std::int64_t>> chosen;  // the language; empty inside: detect it
  if (language.is_string()) {
    const std::string name = language.get<std::string>();
    auto row = find_in(languages, name);
    if (row == languages.end()) row = find_in(languages, fmt::format("<|{}|>", name));
    if (row == languages.end()) {
      return unsupported(
          fmt::format("the generation config asks for language '{}', which is not "
                      "in its lang_to_id",
                      name));
    }
    chosen = row->second;
  } else if (!languages.empty() && undefined) {
    chosen.emplace();
    for (const auto& [name, id] : languages) start.languages.push_back(id);
  }
  if (chosen) {
    start.tokens.resize(std::max<std::size_t>(start.tokens.size(), 2));
    start.tokens[1] = *chosen;
  } else {
    // What stays undefined is left out.
    start.tokens.erase(std::remove(start.tokens.begin(), start.tokens.end(), std::nullopt),
                       start.tokens.end());
  }
  if (task.is_string() || language.is_string()) {
    const auto row = find_in(tasks, task.is_string() ? task.get<std::string>() : "transcribe");
    if (row == tasks.end() && task.is_string()) {
      return unsupported(
          fmt::format("the generation config asks for the unknown task {}", to_line(task)));
    }
    if (row != tasks.end()) start.tokens.push_back(row->second);
  }
  const Json& plain = entry_of(json, "no_timestamps_token_id");
  if (plain.is_number_integer() && start.tokens.back() != plain.get<std::int64_t>()) {
    start.tokens.push_back(plain.get<std::int64_t>());
  }
  return start;
}

Status check_token(std::int64_t token, std::int64_t vocabulary) {
  if (token >= 0 && token < vocabulary) return {};
  return bad_input(
      fmt::format("the generation config names token {}, the model has {}", token, vocabulary));
}

}  // namespace ridgeline::native
