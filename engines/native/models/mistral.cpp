// Mistral: Llama with a sliding window, its own defaults, and no biases anywhere.
#include <nlohmann/json.hpp>

#include "engines/native/models/causal_lm.hpp"
#include "engines/native/models/config_reader.hpp"

namespace ridgeline::native {
namespace {

// What transformers takes where config.json names nothing.
Json with_defaults(const Json& given) {
  Json config = {{"intermediate_size", 14336},
                 {"num_key_value_heads", 8},
                 {"max_position_embeddings", 131072},
                 {"sliding_window", 4096}};
  for (const auto& [key, value] : given.items()) {
    const bool is_null_count = key == "num_key_value_heads" && value.is_null();
    if (is_null_count) {
      config.erase(key);  // as many as there are heads
    } else {
      config[key] = value;
    }
  }
  for (const char* ignored : {"attention_bias", "mlp_bias"}) config.erase(ignored);
  return config;
}

}  // namespace

Result<std::unique_ptr<Model>> make_mistral(Scope scope, const ModelRequest& request) {
  if (!request.config.is_object()) return bad_input("config.json: not an object");
  const Json filled = with_defaults(request.config);
  RIDGELINE_TRY(CausalLmConfig config,
                read_causal_lm_config({filled, request.architecture}, "Mistral"));
  config.question_base = "model";
  ConfigReader read(filled);
  if (!filled.at("sliding_window").is_null()) config.window = read.size("sliding_window", 4096);
  RIDGELINE_CHECK(read.status());
  return make_causal_lm(scope, std::move(config));
}

}  // namespace ridgeline::native
