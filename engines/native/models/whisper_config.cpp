// Reading the config of a Whisper model.
#include <fmt/format.h>

#include "engines/native/models/config_reader.hpp"
#include "engines/native/models/whisper_stacks.hpp"

namespace ridgeline::native {

Result<WhisperConfig> WhisperConfig::from(const Json& json) {
  ConfigReader read(json);
  WhisperConfig c{};
  c.vocab_size = read.size("vocab_size", 51865);
  c.mel_bins = read.size("num_mel_bins", 80);
  c.width = read.size("d_model", 384);
  c.encoder_layers = read.layers("encoder_layers", 4);
  c.encoder_heads = read.size("encoder_attention_heads", 6);
  c.encoder_ffn = read.size("encoder_ffn_dim", 1536);
  c.decoder_layers = read.layers("decoder_layers", 4);
  c.decoder_heads = read.size("decoder_attention_heads", 6);
  c.decoder_ffn = read.size("decoder_ffn_dim", 1536);
  c.source_positions = read.size("max_source_positions", 1500);
  c.target_positions = read.size("max_target_positions", 448);
  c.classifier_width = read.size("classifier_proj_size", 256);
  c.weighted_layer_sum = read.flag("use_weighted_layer_sum", false);
  c.labels = read.labels();
  const std::string activation = read.text("activation_function", "gelu");
  RIDGELINE_CHECK(read.status());
  for (const std::int64_t heads : {c.encoder_heads, c.decoder_heads}) {
    if (c.width % heads == 0) continue;
    return bad_input(
        fmt::format("config.json: d_model {} is no multiple of {} heads", c.width, heads));
  }
  RIDGELINE_TRY(c.activation, ops::activation_from(activation));
  return c;
}

}  // namespace ridgeline::native
