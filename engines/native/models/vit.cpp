// ViT: a pre-norm encoder over patches of an image with a class token and learned positions.
// Differences from CLIP's tower: a norm behind the blocks only, biases in the patch embedding.
#include <fmt/format.h>

#include <array>
#include <nlohmann/json.hpp>
#include <optional>

#include "engines/native/models/config_reader.hpp"
#include "engines/native/models/image_inputs.hpp"
#include "engines/native/models/model.hpp"
#include "engines/native/nn/encoder_layer.hpp"
#include "engines/native/nn/patch_embedding.hpp"

namespace ridgeline::native {
namespace {

// The largest published one has 64. Each layer adds its newer names to a list that every tensor is
// looked up in, so thousands of them would take long.
constexpr std::int64_t kMostLayers = 512;

struct Config {
  nn::PatchShape patches;
  nn::EncoderLayerShape layer;
  std::int64_t layers, pooled, labels;
  ops::Activation pooler_activation = ops::Activation::kTanh;
  bool classifies = false;
};

nn::EncoderLayerNames layer_names() {
  return {.attention = {"attention.attention.query", "attention.attention.key",
                        "attention.attention.value", "attention.output.dense"},
          .attention_norm = "layernorm_before",
          .up = "intermediate.dense",
          .down = "output.dense",
          .mlp_norm = "layernorm_after"};
}

// Parts of a layer in files, and in transformers' memory since 5.0 (release 5 still writes files
// with the older names).
constexpr std::array<std::array<std::string_view, 2>, 8> kNewerNames = {{
    {"attention.attention.query.", "attention.q_proj."},
    {"attention.attention.key.", "attention.k_proj."},
    {"attention.attention.value.", "attention.v_proj."},
    {"attention.output.dense.", "attention.o_proj."},
    {"intermediate.dense.", "mlp.fc1."},
    {"output.dense.", "mlp.fc2."},
    {"layernorm_before.", "layernorm_before."},
    {"layernorm_after.", "layernorm_after."},
}};

Result<Config> parse_config(const ModelRequest& request) {
  ConfigReader read(request.config);
  Config c{};
  c.layers = read.layers("num_hidden_layers", 12);
  c.layer.hidden = read.size("hidden_size", 768);
  c.layer.heads = read.size("num_attention_heads", 12);
  c.layer.intermediate = read.size("intermediate_size", 3072);
  c.layer.norm_eps = read.number("layer_norm_eps", 1e-12);
  c.layer.qkv_bias = read.flag("qkv_bias", true);
  c.labels = read.labels();
  // transformers takes 0 for "as wide as the stream", as it takes null.
  const bool narrow = read.optional_integer("pooler_output_size").value_or(0) != 0;
  c.pooled = narrow ? read.size("pooler_output_size", c.layer.hidden) : c.layer.hidden;
  // No field of the class, but its attention looks for it; else rounded down.
  const bool own_head = read.optional_integer("head_dim").has_value();
  c.layer.head_dim = own_head ? read.size("head_dim", 1) : c.layer.hidden / c.layer.heads;
  const std::string activation = read.text("hidden_act", "gelu");
  const std::string pooler_activation = read.text("pooler_act", "tanh");
  RIDGELINE_CHECK(read.status());

  if (c.layers > kMostLayers) {
    return bad_input(fmt::format("config.json: {} layers, more than {}", c.layers, kMostLayers));
  }
  if (c.layer.head_dim == 0) {
    return bad_input(
        fmt::format("config.json: {} heads in a hidden_size of {}", c.layer.heads, c.layer.hidden));
  }
  RIDGELINE_TRY(c.layer.activation, ops::activation_from(activation));
  RIDGELINE_TRY(c.pooler_activation, ops::activation_from(pooler_activation));
  RIDGELINE_TRY(c.patches, read_patch_shape(request.config, /*default_patch=*/16));
  c.classifies = request.architecture == "ViTForImageClassification";
  if (c.classifies || request.architecture == "ViTModel") return c;
  return unsupported(fmt::format("vit has no architecture '{}'", request.architecture));
}

class Vit final : public Model, Module {
 public:
  Vit(Scope root, const Config& config);

  Result<std::vector<InputSpec>> input_specs(const Workload& workload) const override {
    return image_specs(workload, config_.patches);
  }
  Result<Workload> workload_of(const NamedTensors& inputs) const override {
    return image_workload(inputs);
  }
  Result<Phase> forward(const NamedTensors& inputs) override;
  std::vector<AttentionProbe> attention_probes(const NamedTensors& inputs) const override;

 private:
  void declare_names(Declarations& declarations) const;
  NamedTensors outputs(const Images& images, const at::Tensor& class_token) const;

  Config config_;
  Scope base_;
  nn::PatchEmbedding patches_;
  nn::EncoderLayers layers_;
  nn::LayerNorm norm_;
  at::Tensor class_token_;  // [1, 1, hidden]
  at::Tensor positions_;    // [1, 1 + patches, hidden]
  ops::ProductWeight pooler_;
  at::Tensor pooler_bias_;
  std::optional<nn::Linear> classifier_;
};

Vit::Vit(Scope root, const Config& config)
    : config_(config),
      base_(config.classifies ? root / "vit" : root),
      patches_(base_ / "embeddings.patch_embeddings.projection", config.patches,
               config.layer.hidden, /*bias=*/true),
      layers_(base_ / "encoder.layer", config.layers, layer_names(), config.layer),
      norm_(base_ / "layernorm", config.layer.hidden, config.layer.norm_eps) {
  const std::int64_t hidden = config.layer.hidden;
  const Scope embeddings = base_ / "embeddings";
  embeddings.parameter(class_token_, "cls_token", {1, 1, hidden}, Init::kEmbedding);
  embeddings.parameter(positions_, "position_embeddings", {1, 1 + config.patches.patches(), hidden},
                       Init::kEmbedding);
  if (config.classifies) {
    classifier_.emplace(root / "classifier", hidden, config.labels);
  } else {
    // Published classifiers have no pooler. transformers then fills one with random numbers; here
    // its output is left out.
    const Scope pooler = base_ / "pooler.dense";
    pooler.parameter(pooler_, "weight", {config.pooled, hidden}, Init::kWeight).optional();
    pooler.parameter(pooler_bias_, "bias", {config.pooled}, Init::kBias).optional();
  }
  declare_names(root.declarations());
}

void Vit::declare_names(Declarations& declarations) const {
  // A base model saved alone has no "vit." in its names, and a head's file has it.
  const std::string_view own = config_.classifies ? "vit." : "";
  const std::string_view other = config_.classifies ? "" : "vit.";
  for (std::int64_t i = 0; i < config_.layers; ++i) {
    for (const auto& [older, newer] : kNewerNames) {
      const std::string logical = fmt::format("{}encoder.layer.{}.{}", own, i, older);
      declarations.rename_prefix(logical, fmt::format("{}layers.{}.{}", own, i, newer));
      declarations.rename_prefix(logical, fmt::format("{}layers.{}.{}", other, i, newer));
    }
  }
  declarations.rename_prefix(std::string(own), std::string(other));
  // Parts of the other architectures.
  declarations.ignore("embeddings.mask_token");
  declarations.ignore("decoder.0.");
  declarations.ignore(config_.classifies ? "pooler.dense." : "classifier.");
}

NamedTensors Vit::outputs(const Images& images, const at::Tensor& class_token) const {
  nn::AttentionContext context;
  context.options.kernel = options().attention;
  const at::Tensor tokens =
      ops::embed_tokens(patches_(images.pixels), class_token, images.positions);
  const at::Tensor hidden = layers_(tokens, context);
  if (classifier_) {
    // The head reads the class token only, so only that needs the norm.
    return {{"logits", (*classifier_)(norm_(hidden.select(1, 0)))}};
  }
  const at::Tensor normed = norm_(hidden);
  if (!pooler_.any().defined()) return {{"last_hidden_state", normed}};
  const at::Tensor pooled = ops::linear(normed.select(1, 0), pooler_, pooler_bias_);
  return {{"last_hidden_state", normed},
          {"pooler_output", ops::activate(pooled, config_.pooler_activation)}};
}

Result<Phase> Vit::forward(const NamedTensors& inputs) {
  if (pooler_.any().defined() != pooler_bias_.defined()) {
    return bad_input(
        fmt::format("the weights hold one of {0}.weight and {0}.bias only", "pooler.dense"));
  }
  RIDGELINE_TRY(const Images images, bind_images(inputs, config_.patches, positions_.squeeze(0)));
  const at::Tensor class_token = class_token_.flatten();
  Phase phase;
  phase.name = "forward";
  phase.unit = "image";
  phase.items = {{"image", static_cast<double>(images.pixels.size(0))}};
  phase.call = [this, images, class_token] { return outputs(images, class_token); };
  return phase;
}

std::vector<Model::AttentionProbe> Vit::attention_probes(const NamedTensors& inputs) const {
  const Shape shape = {find(inputs, "pixel_values")->size(0), config_.layer.heads,
                       image_tokens(inputs, config_.patches), config_.layer.head_dim};
  return {{shape, shape, false, false}};
}

}  // namespace

Result<std::unique_ptr<Model>> make_vit(Scope scope, const ModelRequest& request) {
  RIDGELINE_TRY(const Config config, parse_config(request));
  return std::unique_ptr<Model>(std::make_unique<Vit>(scope, config));
}

}  // namespace ridgeline::native
