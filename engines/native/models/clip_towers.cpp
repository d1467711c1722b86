// CLIP's encoders: config fields, inputs, forward passes.
#include "engines/native/models/clip_towers.hpp"

#include <ATen/ops/arange.h>
#include <ATen/ops/argmax.h>
#include <ATen/ops/empty.h>
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "engines/native/models/config_reader.hpp"
#include "engines/native/models/token_inputs.hpp"

namespace ridgeline::native {
namespace {

nn::EncoderLayerNames layer_names() {
  return {.attention = {"self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj",
                        "self_attn.out_proj"},
          .attention_norm = "layer_norm1",
          .up = "mlp.fc1",
          .down = "mlp.fc2",
          .mlp_norm = "layer_norm2"};
}

// The fields that both towers have, with the defaults of one.
Result<nn::EncoderLayerShape> read_layer(ConfigReader& read, std::int64_t hidden,
                                         std::int64_t heads, std::int64_t intermediate) {
  nn::EncoderLayerShape layer{};
  layer.hidden = read.size("hidden_size", hidden);
  layer.heads = read.size("num_attention_heads", heads);
  layer.intermediate = read.size("intermediate_size", intermediate);
  layer.norm_eps = read.number("layer_norm_eps", 1e-5);
  const std::string activation = read.text("hidden_act", "quick_gelu");
  RIDGELINE_CHECK(read.status());
  if (layer.hidden % layer.heads != 0) {
    return bad_input(fmt::format("config.json: hidden_size {} is no multiple of {} heads",
                                 layer.hidden, layer.heads));
  }
  layer.head_dim = layer.hidden / layer.heads;
  RIDGELINE_TRY(layer.activation, ops::activation_from(activation));
  return layer;
}

}  // namespace

Result<ClipTextConfig> ClipTextConfig::from(const Json& config) {
  ConfigReader read(config);
  ClipTextConfig c{};
  c.layers = read.layers("num_hidden_layers", 12);
  c.vocab_size = read.size("vocab_size", 49408);
  c.positions = read.size("max_position_embeddings", 77);
  c.projection = read.size("projection_dim", 512);
  c.eos_token_id = read.optional_integer("eos_token_id").value_or(49407);
  RIDGELINE_TRY(c.layer, read_layer(read, 512, 8, 2048));
  return c;
}

Result<ClipVisionConfig> ClipVisionConfig::from(const Json& config) {
  ConfigReader read(config);
  ClipVisionConfig c{};
  c.layers = read.layers("num_hidden_layers", 12);
  c.projection = read.size("projection_dim", 512);
  RIDGELINE_TRY(c.layer, read_layer(read, 768, 12, 3072));
  RIDGELINE_TRY(c.patches, read_patch_shape(config, /*default_patch=*/32));
  const auto [image, patch] = std::pair(c.patches.image, c.patches.patch);
  if (image[0] != image[1] || patch[0] != patch[1]) {
    return unsupported(fmt::format("clip with images of {}x{} and patches of {}x{}: squares only",
                                   image[0], image[1], patch[0], patch[1]));
  }
  return c;
}

ClipText::ClipText(Scope scope, const ClipTextConfig& config)
    : config_(config),
      tokens_(scope / "embeddings.token_embedding", config.vocab_size, config.layer.hidden),
      positions_(scope / "embeddings.position_embedding", config.positions, config.layer.hidden),
      layers_(scope / "encoder.layers", config.layers, layer_names(), config.layer),
      norm_(scope / "final_layer_norm", config.layer.hidden, config.layer.norm_eps) {}

Result<std::vector<InputSpec>> ClipText::input_specs(const Workload& workload) const {
  if (workload.sequence > config_.positions) {
    return bad_input(fmt::format("sequence {} is longer than the model's {} positions",
                                 workload.sequence, config_.positions));
  }
  using Kind = InputSpec::Kind;
  // The images of a workload from real data are counted apart from its texts.
  const Shape ids = {workload.is_real() ? -1 : workload.batch, workload.sequence};
  return std::vector<InputSpec>{
      {.name = "input_ids",
       .kind = Kind::kIds,
       .shape = ids,
       .high = config_.vocab_size,
       .required = true},
      {.name = "attention_mask", .kind = Kind::kMask, .shape = ids},
      {.name = "position_ids",
       .kind = Kind::kIds,
       .shape = {-1, workload.sequence},
       .high = config_.positions,
       .synthetic = false},
  };
}

Result<ClipTexts> ClipText::bind(const NamedTensors& inputs) const {
  constexpr std::int64_t kLargestId = 2;
  ClipTexts texts{tensor_or_none(inputs, "input_ids"), tensor_or_none(inputs, "position_ids"),
                  mask_if_padded(inputs, "attention_mask"), at::Tensor()};
  const at::Tensor& ids = texts.ids;
  if (!texts.positions.defined()) {
    texts.positions = at::arange(ids.size(1), ids.options()).unsqueeze(0);
  }
  const std::int64_t rows = texts.positions.size(0);
  if ((rows != 1 && rows != ids.size(0)) ||
      (texts.mask.defined() && texts.mask.size(0) != ids.size(0))) {
    return bad_input(fmt::format(
        "{} texts, but attention_mask or position_ids with another number of rows", ids.size(0)));
  }
  if (ids.is_meta()) {
    texts.ends = at::empty({ids.size(0)}, ids.options());
  } else if (config_.eos_token_id == kLargestId) {
    texts.ends = at::argmax(ids, -1);
  } else {
    texts.ends = at::argmax(ids.eq(config_.eos_token_id).to(at::kLong), -1);
  }
  return texts;
}

ClipFeatures ClipText::operator()(const ClipTexts& texts,
                                  const ops::AttentionChoice& kernel) const {
  nn::AttentionContext context;
  context.options.kernel = kernel;
  context.options.causal = !texts.mask.defined();
  if (texts.mask.defined()) {
    context.mask =
        ops::additive_mask(ops::causal_mask(texts.mask, texts.ids.size(1), 0, texts.ids.device()),
                           tokens_.table().scalar_type());
  }
  const at::Tensor embedded = ops::add_into(tokens_(texts.ids), positions_(texts.positions));
  const at::Tensor hidden = norm_(layers_(embedded, context));
  return {hidden, ops::take(hidden, texts.ends)};
}

Model::AttentionProbe ClipText::attention_probe(const NamedTensors& inputs) const {
  const at::Tensor& ids = *find(inputs, "input_ids");
  const Shape shape = {ids.size(0), config_.layer.heads, ids.size(1), config_.layer.head_dim};
  const bool mask = mask_if_padded(inputs, "attention_mask").defined();
  return {shape, shape, mask, !mask};
}

ClipVision::ClipVision(Scope scope, const ClipVisionConfig& config)
    : config_(config),
      patches_(scope / "embeddings.patch_embedding", config.patches, config.layer.hidden,
               /*bias=*/false),
      first_norm_(scope / "pre_layrnorm", config.layer.hidden, config.layer.norm_eps),
      layers_(scope / "encoder.layers", config.layers, layer_names(), config.layer),
      last_norm_(scope / "post_layernorm", config.layer.hidden, config.layer.norm_eps) {
  const Scope embeddings = scope / "embeddings";
  const std::int64_t hidden = config.layer.hidden;
  embeddings.parameter(class_token_, "class_embedding", {hidden}, Init::kEmbedding);
  embeddings.parameter(positions_, "position_embedding.weight",
                       {1 + config.patches.patches(), hidden}, Init::kEmbedding);
}

at::Tensor ClipVision::encode(const Images& images, const ops::AttentionChoice& kernel) const {
  nn::AttentionContext context;
  context.options.kernel = kernel;
  const at::Tensor tokens =
      ops::embed_tokens(patches_(images.pixels), class_token_, images.positions);
  return layers_(first_norm_(tokens), context);
}

ClipFeatures ClipVision::operator()(const Images& images,
                                    const ops::AttentionChoice& kernel) const {
  const at::Tensor hidden = encode(images, kernel);
  return {hidden, last_norm_(hidden.select(1, 0))};
}

Model::AttentionProbe ClipVision::attention_probe(const NamedTensors& inputs) const {
  const Shape shape = {find(inputs, "pixel_values")->size(0), config_.layer.heads,
                       image_tokens(inputs, config_.patches), config_.layer.head_dim};
  return {shape, shape, false, false};
}

}  // namespace ridgeline::native
