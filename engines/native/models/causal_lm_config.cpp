// Reading the config fields that Llama and its relatives share.
#include <fmt/format.h>

#include <array>
#include <nlohmann/json.hpp>

#include "engines/native/models/causal_lm.hpp"
#include "engines/native/models/config_reader.hpp"

namespace ridgeline::native {
namespace {

struct HeadRow {
  std::string_view suffix;
  CausalHead head;
};

constexpr std::array kHeads = {
    HeadRow{"ForCausalLM", CausalHead::kLanguageModel},
    HeadRow{"Model", CausalHead::kNone},
    HeadRow{"ForSequenceClassification", CausalHead::kSequence},
    HeadRow{"ForTokenClassification", CausalHead::kToken},
    HeadRow{"ForQuestionAnswering", CausalHead::kQuestion},
};

Result<CausalHead> head_of(std::string_view architecture, std::string_view prefix) {
  for (const HeadRow& row : kHeads) {
    if (architecture == fmt::format("{}{}", prefix, row.suffix)) return row.head;
  }
  return unsupported(fmt::format("no architecture '{}'", architecture));
}

Status check(const nn::GatedDecoderShape& s) {
  if (s.hidden % s.heads != 0) {
    return bad_input(
        fmt::format("config.json: hidden_size {} is no multiple of {} heads", s.hidden, s.heads));
  }
  if (s.heads % s.kv_heads != 0) {
    return bad_input(fmt::format("config.json: {} heads cannot share {} key-value heads evenly",
                                 s.heads, s.kv_heads));
  }
  return {};
}

}  // namespace

Result<CausalLmConfig> read_causal_lm_config(const ModelRequest& request, std::string_view prefix) {
  ConfigReader read(request.config);
  CausalLmConfig c;
  nn::GatedDecoderShape& s = c.shape;
  s.vocab_size = read.size("vocab_size", 32000);
  s.hidden = read.size("hidden_size", 4096);
  s.intermediate = read.size("intermediate_size", 11008);
  s.layers = read.layers("num_hidden_layers", 32);
  s.heads = read.size("num_attention_heads", 32);
  s.kv_heads = read.size("num_key_value_heads", s.heads);
  s.head_dim = read.size("head_dim", std::max<std::int64_t>(1, s.hidden / s.heads));
  s.norm_eps = read.number("rms_norm_eps", 1e-6);
  s.qkv_bias = s.output_bias = read.flag("attention_bias", false);
  s.mlp_bias = read.flag("mlp_bias", false);
  c.tie_word_embeddings = read.flag("tie_word_embeddings", false);
  c.pad_token_id = read.optional_integer("pad_token_id");
  c.labels = read.labels();
  const std::string activation = read.text("hidden_act", "silu");
  const std::int64_t positions = read.size("max_position_embeddings", 2048);
  RIDGELINE_CHECK(read.status());

  RIDGELINE_CHECK(check(s));
  RIDGELINE_TRY(s.activation, ops::activation_from(activation));
  RIDGELINE_TRY(c.rotary, nn::RotaryConfig::from(request.config, s.head_dim, positions, 10000));
  RIDGELINE_TRY(c.head, head_of(request.architecture, prefix));
  return c;
}

}  // namespace ridgeline::native
