// Whisper: speech to text, as a whole, as its base model, and as a classifier of sounds.
#include <ATen/ops/cat.h>
#include <ATen/ops/full.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "engines/native/models/config_reader.hpp"
#include "engines/native/models/decoding_phases.hpp"
#include "engines/native/models/token_inputs.hpp"
#include "engines/native/models/whisper_stacks.hpp"
#include "engines/native/models/whisper_start.hpp"
#include "engines/native/ops/conv.hpp"

namespace ridgeline::native {
namespace {

enum class Head { kNone, kLanguageModel, kClassifier };

struct ArchitectureRow {
  std::string_view name;
  Head head;
};

constexpr std::array kArchitectures = {
    ArchitectureRow{"WhisperForConditionalGeneration", Head::kLanguageModel},
    ArchitectureRow{"WhisperModel", Head::kNone},
    ArchitectureRow{"WhisperForAudioClassification", Head::kClassifier},
};

// Seconds of sound that fill the window: the published models take 30 s in 1500 positions.
constexpr double kSecondsPerPosition = 0.02;

class Whisper;

class WhisperDecoding final : public Decoding {
 public:
  WhisperDecoding(const Whisper& model, at::Tensor features, at::Tensor ids, WhisperCaches caches);

  void encode() override;
  at::Tensor prefill() override;
  at::Tensor step(const at::Tensor& tokens) override;
  void snapshot() override { caches_.self.snapshot(); }
  void restore() override { caches_.self.restore(); }
  // generate() of transformers returns new tokens only.
  at::Tensor prompt() const override { return {}; }
  std::int64_t prompt_length() const override { return ids_.size(1); }
  std::int64_t batch() const override { return ids_.size(0); }
  std::int64_t cache_bytes() const override { return caches_.self.bytes() + caches_.cross.bytes(); }

 private:
  const Whisper* model_;
  at::Tensor features_;
  at::Tensor ids_;
  at::Tensor encoded_;
  WhisperCaches caches_;
};

class Whisper final : public Model, Module {
 public:
  Whisper(Scope root, const WhisperConfig& config, Head head, std::int64_t start_token);

  Result<std::vector<InputSpec>> input_specs(const Workload& workload) const override;
  Result<Workload> workload_of(const NamedTensors& inputs) const override;
  Result<Phase> forward(const NamedTensors& inputs) override;
  Result<std::vector<Phase>> phases(const NamedTensors& inputs, const Workload& workload) override;
  bool decodes() const override { return head_ == Head::kLanguageModel; }
  Result<NamedTensors> generation_inputs(const NamedTensors& given,
                                         const GenerationConfig& generation) const override;
  Result<std::unique_ptr<Decoding>> decoding(const NamedTensors& inputs,
                                             std::int64_t new_tokens) override;
  std::vector<AttentionProbe> attention_probes(const NamedTensors& inputs) const override;

 private:
  friend class WhisperDecoding;

  std::int64_t frames() const { return 2 * config_.source_positions; }
  nn::AttentionContext context(bool causal) const;
  at::Tensor encode(const at::Tensor& features) const {
    return encoder_(features, context(/*causal=*/false));
  }
  at::Tensor logits(const at::Tensor& hidden) const {
    return ops::linear(hidden, output_, at::Tensor());
  }
  NamedTensors classify(const at::Tensor& features) const;
  NamedTensors transcribe(const at::Tensor& features, const at::Tensor& ids,
                          const at::Tensor& mask) const;
  Phase encode_phase(const at::Tensor& features, double seconds) const;

  WhisperConfig config_;
  Head head_;
  std::int64_t start_token_;
  Scope base_;
  WhisperEncoder encoder_;
  std::optional<WhisperDecoder> decoder_;
  ops::ProductWeight output_;
  at::Tensor layer_weights_;
  std::optional<nn::Linear> projector_, classifier_;
};

Whisper::Whisper(Scope root, const WhisperConfig& config, Head head, std::int64_t start_token)
    : config_(config),
      head_(head),
      start_token_(start_token),
      base_(head == Head::kLanguageModel ? root / "model" : root),
      encoder_(base_ / "encoder", config) {
  Declarations& declarations = root.declarations();
  if (head == Head::kClassifier) {
    if (config.weighted_layer_sum) {
      root.parameter(layer_weights_, "layer_weights", {config.encoder_layers + 1}, Init::kBias);
    }
    projector_.emplace(root / "projector", config.width, config.classifier_width);
    classifier_.emplace(root / "classifier", config.classifier_width, config.labels);
    declarations.rename_prefix("encoder.", "model.encoder.");
    declarations.ignore("decoder.");
    declarations.ignore("proj_out.");
    return;
  }
  decoder_.emplace(base_ / "decoder", config);
  if (head == Head::kLanguageModel) {
    root.parameter(output_, "proj_out.weight", {config.vocab_size, config.width}, Init::kWeight)
        .tied_to("model.decoder.embed_tokens.weight");
    declarations.rename_prefix("model.", "");
  } else {
    declarations.rename_prefix("", "model.");
    declarations.ignore("proj_out.");
  }
}

nn::AttentionContext Whisper::context(bool causal) const {
  nn::AttentionContext context;
  context.options.kernel = options().attention;
  context.options.causal = causal;
  return context;
}

Result<std::vector<InputSpec>> Whisper::input_specs(const Workload& workload) const {
  using Kind = InputSpec::Kind;
  std::vector<InputSpec> specs = {{.name = "input_features",
                                   .kind = Kind::kFeatures,
                                   .shape = {workload.batch, config_.mel_bins, frames()},
                                   .required = true}};
  if (head_ == Head::kClassifier) return specs;
  if (workload.sequence > config_.target_positions) {
    return bad_input(fmt::format("sequence {} is longer than the decoder's {} positions",
                                 workload.sequence, config_.target_positions));
  }
  const Shape ids = {workload.batch, workload.sequence};
  specs.push_back(
      {.name = "decoder_input_ids", .kind = Kind::kIds, .shape = ids, .high = config_.vocab_size});
  specs.push_back(
      {.name = "decoder_attention_mask", .kind = Kind::kMask, .shape = ids, .synthetic = false});
  // The extractor may return it; the encoder does not read it, in transformers neither.
  specs.push_back({.name = "attention_mask",
                   .kind = Kind::kMask,
                   .shape = {workload.batch, -1},
                   .synthetic = false});
  return specs;
}

Result<Workload> Whisper::workload_of(const NamedTensors& inputs) const {
  const at::Tensor* features = find(inputs, "input_features");
  if (features == nullptr) return bad_input("input 'input_features' is missing");
  if (features->dim() != 3 || features->size(2) != frames()) {
    return bad_input(fmt::format("input 'input_features' is {}, expected [batch, {}, {}]",
                                 to_string(features->sizes().vec()), config_.mel_bins, frames()));
  }
  Workload workload;
  workload.batch = features->size(0);
  workload.sequence = 1;
  if (find(inputs, "decoder_input_ids") == nullptr) return workload;
  RIDGELINE_TRY(const Workload tokens, token_workload(inputs, "decoder_input_ids"));
  workload.sequence = tokens.sequence;
  return workload;
}

NamedTensors Whisper::classify(const at::Tensor& features) const {
  std::vector<at::Tensor> layers;
  const bool weighted = config_.weighted_layer_sum;
  at::Tensor hidden = encoder_(features, context(/*causal=*/false), weighted ? &layers : nullptr);
  if (weighted) hidden = ops::weighted_sum(layers, layer_weights_);
  NamedTensors outputs = {{"logits", (*classifier_)(ops::mean((*projector_)(hidden), 1))}};
  for (std::size_t i = 0; i < layers.size(); ++i) {
    outputs.emplace_back(fmt::format("hidden_states[{}]", i), layers[i]);
  }
  return outputs;
}

NamedTensors Whisper::transcribe(const at::Tensor& features, const at::Tensor& ids,
                                 const at::Tensor& mask) const {
  const at::Tensor encoded = encode(features);
  nn::AttentionContext self = context(/*causal=*/!mask.defined());
  if (mask.defined()) {
    self.mask = ops::additive_mask(ops::causal_mask(mask, ids.size(1), 0, ids.device()),
                                   features.scalar_type());
  }
  const at::Tensor hidden = (*decoder_)(ids, encoded, self, context(/*causal=*/false));
  if (head_ == Head::kNone) {
    return {{"last_hidden_state", hidden}, {"encoder_last_hidden_state", encoded}};
  }
  return {{"logits", logits(hidden)}, {"encoder_last_hidden_state", encoded}};
}

Result<Phase> Whisper::forward(const NamedTensors& inputs) {
  const at::Tensor features = tensor_or_none(inputs, "input_features");
  const at::Tensor ids = tensor_or_none(inputs, "decoder_input_ids");
  Phase phase;
  phase.name = "forward";
  phase.unit = "window";
  phase.items = {{"window", static_cast<double>(features.size(0))}};
  if (head_ == Head::kClassifier) {
    phase.call = [this, features] { return classify(features); };
    return phase;
  }
  if (!ids.defined()) return bad_input("input 'decoder_input_ids' is missing");
  phase.items.emplace_back("token", static_cast<double>(ids.numel()));
  const at::Tensor mask = mask_if_padded(inputs, "decoder_attention_mask");
  phase.call = [this, features, ids, mask] { return transcribe(features, ids, mask); };
  return phase;
}

Phase Whisper::encode_phase(const at::Tensor& features, double seconds) const {
  Phase phase;
  phase.name = "encode";
  phase.unit = "window";
  phase.items = {{"window", static_cast<double>(features.size(0))}, {"audio_second", seconds}};
  phase.call = [this, features] { return NamedTensors{{"encoded", encode(features)}}; };
  return phase;
}

Result<std::vector<Phase>> Whisper::phases(const NamedTensors& inputs, const Workload& workload) {
  const at::Tensor features = tensor_or_none(inputs, "input_features");
  const double window = kSecondsPerPosition * static_cast<double>(config_.source_positions);
  if (workload.audio_seconds.value_or(0) > window) {
    return bad_input(fmt::format("audio_seconds {} is longer than the model's window of {} s",
                                 *workload.audio_seconds, window),
                     "give more --batch for longer sounds");
  }
  const double seconds = workload.total_audio_seconds.value_or(
      workload.audio_seconds.value_or(window) * static_cast<double>(features.size(0)));
  if (head_ == Head::kClassifier) {
    RIDGELINE_TRY(Phase whole, forward(inputs));
    whole.items.emplace_back("audio_second", seconds);
    std::vector<Phase> one;
    one.push_back(std::move(whole));
    return one;
  }
  if (!decodes()) {
    std::vector<Phase> two;
    two.push_back(encode_phase(features, seconds));
    RIDGELINE_TRY(two.emplace_back(), forward(inputs));
    return two;
  }
  const at::Tensor ids = tensor_or_none(inputs, "decoder_input_ids");
  const std::int64_t depth = workload.depth.value_or(ids.size(1));
  const std::int64_t repeats = (depth + ids.size(1) - 1) / ids.size(1);
  const NamedTensors deep = {
      {"input_features", features},
      {"decoder_input_ids", ids.repeat({1, repeats}).narrow(1, 0, depth).contiguous()}};
  const DecodingWork work{static_cast<double>(ids.numel()), workload.new_tokens, seconds};
  RIDGELINE_TRY(std::vector<Phase> all, decoding_phases(*this, inputs, deep, work));
  all.insert(all.begin(), encode_phase(features, seconds));
  return all;
}

Result<NamedTensors> Whisper::generation_inputs(const NamedTensors& given,
                                                const GenerationConfig& generation) const {
  const at::Tensor features = tensor_or_none(given, "input_features");
  const at::Tensor given_ids = tensor_or_none(given, "decoder_input_ids");
  if (given_ids.defined()) {
    return bad_input("Whisper makes its own start tokens", "leave decoder_input_ids out");
  }
  RIDGELINE_TRY(const WhisperStart start, whisper_start(generation, start_token_));
  const auto options = at::TensorOptions().dtype(at::kLong).device(features.device());
  const std::int64_t batch = features.size(0);
  std::vector<at::Tensor> columns;
  for (const std::optional<std::int64_t>& token : start.tokens) {
    if (token) {
      RIDGELINE_CHECK(check_token(*token, config_.vocab_size));
      columns.push_back(at::full({batch, 1}, *token, options));
      continue;
    }
    // The language: the likeliest of the known ones behind the start token.
    for (const std::int64_t language : start.languages) {
      RIDGELINE_CHECK(check_token(language, config_.vocab_size));
    }
    const at::Tensor first = at::full({batch, 1}, *start.tokens.front(), options);
    const at::Tensor scores =
        find(transcribe(features, first, at::Tensor()), "logits")->select(1, 0);
    const at::Tensor known = at::tensor(start.languages, at::kLong).to(features.device());
    columns.push_back(
        known.index_select(0, ops::argmax(scores.index_select(1, known))).unsqueeze(1));
  }
  return NamedTensors{{"input_features", features}, {"decoder_input_ids", at::cat(columns, 1)}};
}

Result<std::unique_ptr<Decoding>> Whisper::decoding(const NamedTensors& inputs,
                                                    std::int64_t new_tokens) {
  if (!decodes()) return Model::decoding(inputs, new_tokens);
  const at::Tensor ids = tensor_or_none(inputs, "decoder_input_ids");
  const at::Tensor features = tensor_or_none(inputs, "input_features");
  if (!ids.defined()) return bad_input("input 'decoder_input_ids' is missing");
  // The last new token is not fed back.
  const std::int64_t tokens = ids.size(1) + new_tokens - 1;
  if (tokens > config_.target_positions) {
    return bad_input(
        fmt::format("{} prompt and {} new tokens are more than the decoder's {} "
                    "positions",
                    ids.size(1), new_tokens, config_.target_positions));
  }
  nn::KvCacheShape self = {.layers = config_.decoder_layers,
                           .batch = ids.size(0),
                           .heads = config_.decoder_heads,
                           .head_dim = config_.width / config_.decoder_heads,
                           .capacity = ids.size(1) + new_tokens};
  nn::KvCacheShape cross = self;
  cross.capacity = config_.source_positions;
  const auto options =
      at::TensorOptions().dtype(decoder_->table().scalar_type()).device(decoder_->table().device());
  const auto element = static_cast<std::int64_t>(options.dtype().itemsize());
  RIDGELINE_CHECK(check_cache_memory(self.bytes(element) + cross.bytes(element), ids.device()));
  return std::unique_ptr<Decoding>(std::make_unique<WhisperDecoding>(
      *this, features, ids,
      WhisperCaches{nn::KvCache(self, options), nn::KvCache(cross, options)}));
}

std::vector<Model::AttentionProbe> Whisper::attention_probes(const NamedTensors& inputs) const {
  const at::Tensor features = tensor_or_none(inputs, "input_features");
  const std::int64_t batch = features.size(0);
  const std::int64_t positions = config_.source_positions;
  const Shape encoder = {batch, config_.encoder_heads, positions,
                         config_.width / config_.encoder_heads};
  std::vector<AttentionProbe> probes = {{encoder, encoder, false, false}};
  const at::Tensor ids = tensor_or_none(inputs, "decoder_input_ids");
  if (!ids.defined()) return probes;
  const std::int64_t head_dim = config_.width / config_.decoder_heads;
  const Shape self = {batch, config_.decoder_heads, ids.size(1), head_dim};
  const Shape cross = {batch, config_.decoder_heads, positions, head_dim};
  const bool mask = mask_if_padded(inputs, "decoder_attention_mask").defined();
  probes.push_back({self, self, mask, !mask});
  probes.push_back({self, cross, false, false});
  if (decodes() && ids.size(1) > 1) {
    // A step of decoding: one query to the tokens before it, and to the sound.
    const Shape step = {batch, config_.decoder_heads, 1, head_dim};
    const Shape seen = {batch, config_.decoder_heads, ids.size(1) + 1, head_dim};
    probes.push_back({step, seen, false, true});
    probes.push_back({step, cross, false, false});
  }
  return probes;
}

WhisperDecoding::WhisperDecoding(const Whisper& model, at::Tensor features, at::Tensor ids,
                                 WhisperCaches caches)
    : model_(&model),
      features_(std::move(features)),
      ids_(std::move(ids)),
      caches_(std::move(caches)) {}

void WhisperDecoding::encode() {
  encoded_ = model_->encode(features_);
}

at::Tensor WhisperDecoding::prefill() {
  caches_.self.clear();
  model_->decoder_->keep_encoded(encoded_, caches_.cross);
  const at::Tensor hidden =
      (*model_->decoder_)(ids_, caches_, model_->context(/*causal=*/true), model_->context(false));
  return model_->logits(hidden.select(1, ids_.size(1) - 1));
}

at::Tensor WhisperDecoding::step(const at::Tensor& tokens) {
  const at::Tensor hidden = (*model_->decoder_)(tokens.unsqueeze(1), caches_,
                                                model_->context(false), model_->context(false));
  return model_->logits(hidden.select(1, 0));
}

}  // namespace

Result<std::unique_ptr<Model>> make_whisper(Scope scope, const ModelRequest& request) {
  RIDGELINE_TRY(const WhisperConfig config, WhisperConfig::from(request.config));
  ConfigReader read(request.config);
  const std::int64_t start = read.optional_integer("decoder_start_token_id").value_or(50257);
  RIDGELINE_CHECK(read.status());
  for (const ArchitectureRow& row : kArchitectures) {
    if (row.name != request.architecture) continue;
    return std::unique_ptr<Model>(std::make_unique<Whisper>(scope, config, row.head, start));
  }
  return unsupported(fmt::format("whisper has no architecture '{}'", request.architecture));
}

}  // namespace ridgeline::native
