// CLIP: a text and a vision encoder whose projections are compared by their cosine. Each of them is
// an architecture of its own as well, with and without the projection.
#include <fmt/format.h>

#include <array>
#include <nlohmann/json.hpp>
#include <optional>

#include "engines/native/models/clip_towers.hpp"
#include "engines/native/models/config_reader.hpp"
#include "engines/native/models/side_stream.hpp"
#include "engines/native/models/token_inputs.hpp"
#include "engines/native/models/towers.hpp"

namespace ridgeline::native {
namespace {

struct Architecture {
  std::string_view name;
  bool text;
  bool vision;
  bool projects;
  bool classifies;
};

constexpr std::array kArchitectures = {
    Architecture{"CLIPModel", true, true, true, false},
    Architecture{"CLIPTextModel", true, false, false, false},
    Architecture{"CLIPTextModelWithProjection", true, false, true, false},
    Architecture{"CLIPVisionModel", false, true, false, false},
    Architecture{"CLIPVisionModelWithProjection", false, true, true, false},
    Architecture{"CLIPForImageClassification", false, true, false, true},
};

struct Config {
  Architecture architecture;
  ClipTextConfig text;
  ClipVisionConfig vision;
  std::int64_t text_projection, vision_projection, labels;

  bool is_pair() const { return architecture.text && architecture.vision; }
  /// A tower without anything around it has no prefix in its names.
  bool is_bare() const { return !is_pair() && !architecture.projects && !architecture.classifies; }
};

// The config of a tower within that of the whole model; that itself where it is the tower's alone.
// `<key>_dict`, which the first configs hold, stands above it for the whole model (a tower loaded
// from the same file does not look at it), and leaves no field of it.
Result<const Json*> tower_config(const Json& config, const std::string& key, bool is_whole) {
  static const Json defaults = Json::object();
  const auto member = [&](const std::string& name) -> Result<const Json*> {
    const auto found = config.is_object() ? config.find(name) : config.end();
    if (found == config.end() || found->is_null()) return nullptr;
    if (!found->is_object()) {
      return bad_input(fmt::format("config.json: '{}' must be an object", name));
    }
    return &*found;
  };
  if (is_whole) {
    RIDGELINE_TRY(const Json* older, member(fmt::format("{}_dict", key)));
    if (older != nullptr) return older;
  }
  RIDGELINE_TRY(const Json* nested, member(key));
  if (nested != nullptr) return nested;
  return is_whole ? &defaults : &config;
}

Result<Config> parse_config(const ModelRequest& request) {
  Config c{};
  for (const Architecture& row : kArchitectures) {
    if (row.name == request.architecture) c.architecture = row;
  }
  if (c.architecture.name.empty()) {
    return unsupported(fmt::format("clip has no architecture '{}'", request.architecture));
  }
  const bool is_whole = c.is_pair() || c.architecture.classifies;
  if (c.architecture.text) {
    RIDGELINE_TRY(const Json* text, tower_config(request.config, "text_config", is_whole));
    RIDGELINE_TRY(c.text, ClipTextConfig::from(*text));
    c.text_projection = c.text.projection;
  }
  if (c.architecture.vision) {
    RIDGELINE_TRY(const Json* vision, tower_config(request.config, "vision_config", is_whole));
    RIDGELINE_TRY(c.vision, ClipVisionConfig::from(*vision));
    c.vision_projection = c.vision.projection;
  }
  ConfigReader read(request.config);
  if (c.is_pair()) c.text_projection = c.vision_projection = read.size("projection_dim", 512);
  if (c.architecture.classifies) c.labels = read.labels();
  RIDGELINE_CHECK(read.status());
  return c;
}

struct Bound {
  std::optional<ClipTexts> texts;
  std::optional<Images> images;
};

class Clip final : public Model, public IndependentTowers, Module {
 public:
  Clip(Scope root, const Config& config);

  Result<std::vector<InputSpec>> input_specs(const Workload& workload) const override;
  Result<Workload> workload_of(const NamedTensors& inputs) const override;
  Result<Phase> forward(const NamedTensors& inputs) override;
  Result<std::vector<Phase>> phases(const NamedTensors& inputs, const Workload& workload) override;
  std::vector<AttentionProbe> attention_probes(const NamedTensors& inputs) const override;
  bool has_independent_towers() const override { return config_.is_pair(); }

 private:
  void ignore_other_parts(Declarations& declarations) const;
  Result<Bound> bind(const NamedTensors& inputs) const;
  Phase phase(std::string name, const Bound& bound) const;
  ClipFeatures text_features(const ClipTexts& texts) const;
  ClipFeatures image_features(const Images& images) const;
  NamedTensors pair_outputs(const Bound& bound, SideStream* side) const;
  NamedTensors tower_outputs(const ClipFeatures& features, std::string_view embeds) const;
  NamedTensors outputs(const Bound& bound, SideStream* side) const;

  Config config_;
  std::optional<ClipText> text_;
  std::optional<ClipVision> vision_;
  std::optional<nn::Linear> text_projection_, vision_projection_, classifier_;
  at::Tensor logit_scale_;  // [], the logarithm
};

Clip::Clip(Scope root, const Config& config) : config_(config) {
  const auto [name, text, vision, projects, classifies] = config.architecture;
  if (text) {
    text_.emplace(root / (config.is_bare() ? "" : "text_model"), config.text);
    if (projects) {
      text_projection_.emplace(root / "text_projection", config.text.layer.hidden,
                               config.text_projection, /*bias=*/false);
    }
  }
  if (vision) {
    vision_.emplace(root / (config.is_bare() ? "" : "vision_model"), config.vision);
    if (projects) {
      vision_projection_.emplace(root / "visual_projection", config.vision.layer.hidden,
                                 config.vision_projection, /*bias=*/false);
    }
  }
  if (classifies) {
    classifier_.emplace(root / "classifier", config.vision.layer.hidden, config.labels);
  }
  if (config.is_pair()) root.parameter(logit_scale_, "logit_scale", {}, Init::kBias);
  if (config.is_bare()) {
    root.declarations().rename_prefix("", text ? "text_model." : "vision_model.");
  }
  ignore_other_parts(root.declarations());
}

// What files hold besides: buffers of older releases, and the parts of the whole model that an
// architecture leaves out.
void Clip::ignore_other_parts(Declarations& declarations) const {
  declarations.ignore("embeddings.position_ids");
  if (config_.is_pair()) return;
  declarations.ignore("logit_scale");
  if (!text_) declarations.ignore("text_model.");
  if (!vision_) declarations.ignore("vision_model.");
  if (!text_projection_) declarations.ignore("text_projection.");
  if (!vision_projection_) declarations.ignore("visual_projection.");
  if (!classifier_) declarations.ignore("classifier.");
}

Result<std::vector<InputSpec>> Clip::input_specs(const Workload& workload) const {
  std::vector<InputSpec> specs;
  if (text_) {
    RIDGELINE_TRY(specs, text_->input_specs(workload));
  }
  if (vision_) {
    RIDGELINE_TRY(const std::vector<InputSpec> images, vision_->input_specs(workload));
    specs.insert(specs.end(), images.begin(), images.end());
  }
  return specs;
}

Result<Workload> Clip::workload_of(const NamedTensors& inputs) const {
  if (!vision_) return token_workload(inputs, "input_ids");
  RIDGELINE_TRY(const Workload images, image_workload(inputs));
  if (!text_) return images;
  // As many texts and images as there are: every text is compared with every image.
  RIDGELINE_TRY(Workload workload, token_workload(inputs, "input_ids"));
  workload.image_size = images.image_size;
  return workload;
}

Result<Bound> Clip::bind(const NamedTensors& inputs) const {
  Bound bound;
  if (text_) {
    RIDGELINE_TRY(bound.texts, text_->bind(inputs));
  }
  if (vision_) {
    RIDGELINE_TRY(bound.images, vision_->bind(inputs));
  }
  return bound;
}

ClipFeatures Clip::text_features(const ClipTexts& texts) const {
  ClipFeatures features = (*text_)(texts, options().attention);
  if (text_projection_) features.pooled = (*text_projection_)(features.pooled);
  return features;
}

ClipFeatures Clip::image_features(const Images& images) const {
  ClipFeatures features = (*vision_)(images, options().attention);
  if (vision_projection_) features.pooled = (*vision_projection_)(features.pooled);
  return features;
}

NamedTensors Clip::pair_outputs(const Bound& bound, SideStream* side) const {
  ClipFeatures text;
  const auto read_texts = [&] { text = text_features(*bound.texts); };
  if (side != nullptr) side->fork(read_texts);
  const ClipFeatures image = image_features(*bound.images);
  if (side != nullptr) {
    side->join({text.hidden, text.pooled});
  } else {
    read_texts();
  }
  const at::Tensor image_embeds = ops::l2_normalize(image.pooled);
  const at::Tensor text_embeds = ops::l2_normalize(text.pooled);
  const at::Tensor logits =
      ops::scale_by_exp(ops::similarity(text_embeds, image_embeds), logit_scale_);
  return {{"logits_per_image", logits.t()},
          {"logits_per_text", logits},
          {"text_embeds", text_embeds},
          {"image_embeds", image_embeds},
          {"text_model_output.last_hidden_state", text.hidden},
          {"text_model_output.pooler_output", text.pooled},
          {"vision_model_output.last_hidden_state", image.hidden},
          {"vision_model_output.pooler_output", image.pooled}};
}

NamedTensors Clip::tower_outputs(const ClipFeatures& features, std::string_view embeds) const {
  if (!config_.is_pair() && config_.architecture.projects) {
    return {{std::string(embeds), features.pooled}, {"last_hidden_state", features.hidden}};
  }
  return {{"last_hidden_state", features.hidden}, {"pooler_output", features.pooled}};
}

NamedTensors Clip::outputs(const Bound& bound, SideStream* side) const {
  if (classifier_) {
    // The mean of the patches, without the class token and the norm behind the blocks.
    const at::Tensor hidden = vision_->encode(*bound.images, options().attention);
    const at::Tensor patches = hidden.narrow(1, 1, hidden.size(1) - 1);
    return {{"logits", (*classifier_)(ops::mean(patches, 1))}};
  }
  if (!bound.texts) return tower_outputs(image_features(*bound.images), "image_embeds");
  if (!bound.images) return tower_outputs(text_features(*bound.texts), "text_embeds");
  return pair_outputs(bound, side);
}

// The work on what is bound: a tower alone where only its inputs are.
Phase Clip::phase(std::string name, const Bound& bound) const {
  Phase phase;
  phase.name = std::move(name);
  phase.unit = bound.images ? "image" : "sequence";
  if (bound.images) {
    phase.items.emplace_back("image", static_cast<double>(bound.images->pixels.size(0)));
  }
  if (bound.texts) {
    for (const auto& item : token_items(bound.texts->ids, bound.texts->mask)) {
      phase.items.push_back(item);
    }
  }
  std::shared_ptr<SideStream> side;
  if (bound.images && bound.texts && options().parallel_towers) {
    side = std::make_shared<SideStream>(bound.images->pixels.device());
  }
  phase.call = [this, bound, side] { return outputs(bound, side.get()); };
  return phase;
}

Result<Phase> Clip::forward(const NamedTensors& inputs) {
  RIDGELINE_TRY(const Bound bound, bind(inputs));
  return phase("forward", bound);
}

Result<std::vector<Phase>> Clip::phases(const NamedTensors& inputs, const Workload& workload) {
  if (!config_.is_pair()) return Model::phases(inputs, workload);
  RIDGELINE_TRY(const Bound bound, bind(inputs));
  std::vector<Phase> all;
  all.push_back(phase("encode_text", {bound.texts, std::nullopt}));
  all.push_back(phase("encode_image", {std::nullopt, bound.images}));
  all.push_back(phase("forward", bound));
  return all;
}

std::vector<Model::AttentionProbe> Clip::attention_probes(const NamedTensors& inputs) const {
  std::vector<AttentionProbe> probes;
  if (text_) probes.push_back(text_->attention_probe(inputs));
  if (vision_) probes.push_back(vision_->attention_probe(inputs));
  return probes;
}

}  // namespace

Result<std::unique_ptr<Model>> make_clip(Scope scope, const ModelRequest& request) {
  RIDGELINE_TRY(const Config config, parse_config(request));
  return std::unique_ptr<Model>(std::make_unique<Clip>(scope, config));
}

}  // namespace ridgeline::native
