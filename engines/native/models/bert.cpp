// BERT: a post-norm encoder with learned positions, and the heads that transformers gives it.
// Differences from other encoders: token types, the pooler on the first token, the MLM transform.
#include <fmt/format.h>

#include <deque>
#include <nlohmann/json.hpp>
#include <optional>

#include <ATen/ops/arange.h>
#include <ATen/ops/zeros.h>

#include "engines/native/models/config_reader.hpp"
#include "engines/native/models/model.hpp"
#include "engines/native/models/token_inputs.hpp"
#include "engines/native/nn/attention.hpp"
#include "engines/native/nn/mlp.hpp"

namespace ridgeline::native {
namespace {

enum class Head { kNone, kMaskedLm, kPreTraining, kSequence, kToken, kQuestion };

struct Config {
  std::int64_t vocab_size, hidden_size, num_hidden_layers, num_attention_heads;
  std::int64_t intermediate_size, max_position_embeddings, type_vocab_size, labels;
  double layer_norm_eps;
  ops::Activation activation = ops::Activation::kGelu;
  bool is_decoder, add_cross_attention, tie_word_embeddings;
  bool pooler = false;
  Head head = Head::kNone;
};

struct ArchitectureRow {
  std::string_view name;
  Head head;
  bool pooler;
};

constexpr std::array kArchitectures = {
    ArchitectureRow{"BertModel", Head::kNone, true},
    ArchitectureRow{"BertForMaskedLM", Head::kMaskedLm, false},
    ArchitectureRow{"BertLMHeadModel", Head::kMaskedLm, false},
    ArchitectureRow{"BertForPreTraining", Head::kPreTraining, true},
    ArchitectureRow{"BertForSequenceClassification", Head::kSequence, true},
    ArchitectureRow{"BertForTokenClassification", Head::kToken, false},
    ArchitectureRow{"BertForQuestionAnswering", Head::kQuestion, false},
};

Result<Config> parse_config(const ModelRequest& request) {
  ConfigReader read(request.config);
  Config c{};
  c.vocab_size = read.size("vocab_size", 30522);
  c.hidden_size = read.size("hidden_size", 768);
  c.num_hidden_layers = read.layers("num_hidden_layers", 12);
  c.num_attention_heads = read.size("num_attention_heads", 12);
  c.intermediate_size = read.size("intermediate_size", 3072);
  c.max_position_embeddings = read.size("max_position_embeddings", 512);
  c.type_vocab_size = read.size("type_vocab_size", 2);
  c.layer_norm_eps = read.number("layer_norm_eps", 1e-12);
  c.is_decoder = read.flag("is_decoder", false);
  c.add_cross_attention = read.flag("add_cross_attention", false);
  c.tie_word_embeddings = read.flag("tie_word_embeddings", true);
  c.labels = read.labels();
  const std::string positions = read.text("position_embedding_type", "absolute");
  const std::string activation = read.text("hidden_act", "gelu");
  RIDGELINE_CHECK(read.status());

  if (positions != "absolute") {
    return unsupported(fmt::format("bert with position_embedding_type '{}'", positions));
  }
  if (c.hidden_size % c.num_attention_heads != 0) {
    return bad_input(fmt::format("config.json: hidden_size {} is no multiple of {} heads",
                                 c.hidden_size, c.num_attention_heads));
  }
  if (c.add_cross_attention && !c.is_decoder) {
    return bad_input("config.json: add_cross_attention needs is_decoder");
  }
  RIDGELINE_TRY(c.activation, ops::activation_from(activation));
  for (const ArchitectureRow& row : kArchitectures) {
    if (row.name != request.architecture) continue;
    c.head = row.head;
    c.pooler = row.pooler;
    return c;
  }
  return unsupported(fmt::format("bert has no architecture '{}'", request.architecture));
}

nn::AttentionShape attention_shape(const Config& c) {
  return {c.hidden_size, c.num_attention_heads, c.hidden_size / c.num_attention_heads};
}

constexpr auto kAttentionNames = [] {
  return nn::AttentionNames{"self.query", "self.key", "self.value", "output.dense"};
};

struct Inputs {
  at::Tensor input_ids;               // [B, S]
  at::Tensor token_type_ids;          // [B, S]
  at::Tensor position_ids;            // [B or 1, S]
  at::Tensor attention_mask;          // [B, S], undefined when nothing is padded
  at::Tensor encoder_hidden_states;   // [B, T, D], undefined without cross-attention
  at::Tensor encoder_attention_mask;  // [B, T], undefined when nothing is padded
};

struct Embeddings : Module {
  Embeddings(Scope scope, const Config& c)
      : word(scope / "word_embeddings", c.vocab_size, c.hidden_size),
        position(scope / "position_embeddings", c.max_position_embeddings, c.hidden_size),
        token_type(scope / "token_type_embeddings", c.type_vocab_size, c.hidden_size),
        norm(scope / "LayerNorm", c.hidden_size, c.layer_norm_eps) {}

  at::Tensor operator()(const Inputs& in) const {
    at::Tensor sum = ops::add_into(word(in.input_ids), token_type(in.token_type_ids));
    return norm(ops::add_into(std::move(sum), position(in.position_ids)));
  }

  nn::Embedding word, position, token_type;
  nn::LayerNorm norm;
};

struct Contexts {
  nn::AttentionContext self;
  nn::AttentionContext cross;
  at::Tensor encoder_hidden_states;
};

struct Layer : Module {
  Layer(Scope scope, const Config& c)
      : attention(scope / "attention", kAttentionNames(), attention_shape(c)),
        attention_norm(scope / "attention.output.LayerNorm", c.hidden_size, c.layer_norm_eps),
        mlp(scope, "intermediate.dense", "output.dense", c.hidden_size, c.intermediate_size,
            c.activation),
        mlp_norm(scope / "output.LayerNorm", c.hidden_size, c.layer_norm_eps) {
    if (!c.add_cross_attention) return;
    cross.emplace(scope / "crossattention", kAttentionNames(), attention_shape(c));
    cross_norm.emplace(scope / "crossattention.output.LayerNorm", c.hidden_size, c.layer_norm_eps);
  }

  at::Tensor operator()(at::Tensor x, const Contexts& contexts) const {
    x = attention_norm(ops::add_into(attention(x, contexts.self), x));
    if (cross && contexts.encoder_hidden_states.defined()) {
      x = (*cross_norm)(
          ops::add_into((*cross)(x, contexts.encoder_hidden_states, contexts.cross), x));
    }
    return mlp_norm(ops::add_into(mlp(x), x));
  }

  nn::SelfAttention attention;
  nn::LayerNorm attention_norm;
  nn::Mlp mlp;
  nn::LayerNorm mlp_norm;
  std::optional<nn::CrossAttention> cross;
  std::optional<nn::LayerNorm> cross_norm;
};

// Transform, norm, and the vocabulary product whose weight is the word embedding unless untied.
struct LmHead : Module {
  LmHead(Scope scope, const Config& c, const std::string& word_embedding)
      : dense(scope / "transform.dense", c.hidden_size, c.hidden_size),
        norm(scope / "transform.LayerNorm", c.hidden_size, c.layer_norm_eps),
        activation(c.activation) {
    Parameter& decoder =
        scope.parameter(weight, "decoder.weight", {c.vocab_size, c.hidden_size}, Init::kWeight);
    if (c.tie_word_embeddings) decoder.tied_to(word_embedding);
    // Tied, the bias is the head's own; untied, the decoder has one of its own, as its weight.
    const bool tied = c.tie_word_embeddings;
    scope.parameter(bias, tied ? "bias" : "decoder.bias", {c.vocab_size}, Init::kBias)
        .also(tied ? "decoder.bias" : "bias");
    // transformers keeps the head's bias then too, and uses it for nothing.
    if (!tied) scope.parameter(unused_bias, "bias", {c.vocab_size}, Init::kBias).optional();
  }

  at::Tensor operator()(const at::Tensor& x) const {
    return ops::linear(norm(ops::activate(dense(x), activation)), weight, bias);
  }

  nn::Linear dense;
  nn::LayerNorm norm;
  ops::Activation activation;
  ops::ProductWeight weight;
  at::Tensor bias, unused_bias;
};

class Bert final : public Model, Module {
 public:
  Bert(Scope root, const Config& config)
      : config_(config),
        base_(config.head == Head::kNone ? root : root / "bert"),
        embeddings_(base_ / "embeddings", config) {
    for (std::int64_t i = 0; i < config.num_hidden_layers; ++i) {
      layers_.emplace_back(base_ / "encoder" / "layer" / i, config);
    }
    if (config.pooler) {
      pooler_.emplace(base_ / "pooler.dense", config.hidden_size, config.hidden_size);
    }
    declare_head(root);
    // A base model saved alone has no "bert." in its names, and a head's file has it.
    if (config.head == Head::kNone) {
      root.declarations().rename_prefix("", "bert.");
    } else {
      root.declarations().rename_prefix("bert.", "");
    }
    for (const char* part : unused_parts()) root.declarations().ignore(part);
  }

  Result<std::vector<InputSpec>> input_specs(const Workload& workload) const override;
  Result<Workload> workload_of(const NamedTensors& inputs) const override;
  Result<Phase> forward(const NamedTensors& inputs) override;
  std::vector<AttentionProbe> attention_probes(const NamedTensors& inputs) const override;

 private:
  void declare_head(Scope root);
  std::vector<const char*> unused_parts() const;
  Inputs bind(const NamedTensors& inputs) const;
  Contexts contexts(const Inputs& in) const;
  at::Tensor encode(const Inputs& in) const;
  NamedTensors outputs(const Inputs& in) const;
  at::Tensor pool(const at::Tensor& hidden) const {
    return ops::activate((*pooler_)(hidden.select(1, 0)), ops::Activation::kTanh);
  }

  Config config_;
  Scope base_;
  Embeddings embeddings_;
  std::deque<Layer> layers_;
  std::optional<nn::Linear> pooler_;
  std::optional<LmHead> lm_head_;
  std::optional<nn::Linear> classifier_;  // of sequences, tokens or answers
};

void Bert::declare_head(Scope root) {
  const std::string word_embedding = base_.prefix() + "embeddings.word_embeddings.weight";
  const std::int64_t hidden = config_.hidden_size;
  switch (config_.head) {
    case Head::kNone:
      break;
    case Head::kPreTraining:
      classifier_.emplace(root / "cls.seq_relationship", hidden, 2);
      [[fallthrough]];
    case Head::kMaskedLm:
      lm_head_.emplace(root / "cls.predictions", config_, word_embedding);
      break;
    case Head::kSequence:
    case Head::kToken:
      classifier_.emplace(root / "classifier", hidden, config_.labels);
      break;
    case Head::kQuestion:
      classifier_.emplace(root / "qa_outputs", hidden, 2);
      break;
  }
}

// What a published file may hold beside this architecture: buffers of older releases, and the parts
// of the pre-training model that the architecture leaves out (transformers ignores them as well).
std::vector<const char*> Bert::unused_parts() const {
  std::vector<const char*> parts = {"embeddings.position_ids", "embeddings.token_type_ids"};
  if (!config_.pooler) parts.push_back("pooler.dense.");
  if (!lm_head_) parts.push_back("cls.predictions.");
  if (config_.head != Head::kPreTraining) parts.push_back("cls.seq_relationship.");
  if (config_.head == Head::kNone) parts.insert(parts.end(), {"classifier.", "qa_outputs."});
  return parts;
}

Result<std::vector<InputSpec>> Bert::input_specs(const Workload& workload) const {
  if (workload.sequence > config_.max_position_embeddings) {
    return bad_input(fmt::format("sequence {} is longer than the model's {} positions",
                                 workload.sequence, config_.max_position_embeddings));
  }
  using Kind = InputSpec::Kind;
  const Shape ids = {workload.batch, workload.sequence};
  std::vector<InputSpec> specs = {
      {.name = "input_ids",
       .kind = Kind::kIds,
       .shape = ids,
       .high = config_.vocab_size,
       .required = true},
      {.name = "attention_mask", .kind = Kind::kMask, .shape = ids},
      {.name = "token_type_ids", .kind = Kind::kIds, .shape = ids, .high = config_.type_vocab_size},
      {.name = "position_ids",
       .kind = Kind::kIds,
       .shape = {-1, workload.sequence},
       .high = config_.max_position_embeddings,
       .synthetic = false},
  };
  if (config_.add_cross_attention) {
    specs.push_back({.name = "encoder_hidden_states",
                     .kind = Kind::kFeatures,
                     .shape = {workload.batch, -1, config_.hidden_size},
                     .synthetic = false});
    specs.push_back({.name = "encoder_attention_mask",
                     .kind = Kind::kMask,
                     .shape = {workload.batch, -1},
                     .synthetic = false});
  }
  return specs;
}

Result<Workload> Bert::workload_of(const NamedTensors& inputs) const {
  return token_workload(inputs, "input_ids");
}

Inputs Bert::bind(const NamedTensors& inputs) const {
  Inputs in{tensor_or_none(inputs, "input_ids"),
            tensor_or_none(inputs, "token_type_ids"),
            tensor_or_none(inputs, "position_ids"),
            mask_if_padded(inputs, "attention_mask"),
            tensor_or_none(inputs, "encoder_hidden_states"),
            mask_if_padded(inputs, "encoder_attention_mask")};
  const auto options = in.input_ids.options();
  if (!in.token_type_ids.defined()) in.token_type_ids = at::zeros(in.input_ids.sizes(), options);
  if (!in.position_ids.defined()) {
    in.position_ids = at::arange(in.input_ids.size(1), options).unsqueeze(0);
  }
  return in;
}

Contexts Bert::contexts(const Inputs& in) const {
  Contexts contexts;
  contexts.encoder_hidden_states = in.encoder_hidden_states;
  contexts.self.options.kernel = contexts.cross.options.kernel = options().attention;
  const at::Device device = in.input_ids.device();
  // All layers share a mask.
  const at::ScalarType dtype = embeddings_.word.table().scalar_type();
  if (in.attention_mask.defined()) {
    contexts.self.mask = ops::additive_mask(
        config_.is_decoder
            ? ops::causal_mask(in.attention_mask, in.input_ids.size(1), /*window=*/0, device)
            : ops::attention_mask(in.attention_mask),
        dtype);
  } else {
    contexts.self.options.causal = config_.is_decoder;
  }
  if (in.encoder_attention_mask.defined()) {
    contexts.cross.mask = ops::additive_mask(ops::attention_mask(in.encoder_attention_mask), dtype);
  }
  return contexts;
}

at::Tensor Bert::encode(const Inputs& in) const {
  const Contexts context = contexts(in);
  at::Tensor x = embeddings_(in);
  for (const Layer& layer : layers_) x = layer(std::move(x), context);
  return x;
}

NamedTensors Bert::outputs(const Inputs& in) const {
  const at::Tensor hidden = encode(in);
  switch (config_.head) {
    case Head::kNone:
      return {{"last_hidden_state", hidden}, {"pooler_output", pool(hidden)}};
    case Head::kMaskedLm:
      return {{"logits", (*lm_head_)(hidden)}};
    case Head::kPreTraining:
      return {{"prediction_logits", (*lm_head_)(hidden)},
              {"seq_relationship_logits", (*classifier_)(pool(hidden))}};
    case Head::kSequence:
      return {{"logits", (*classifier_)(pool(hidden))}};
    case Head::kToken:
      return {{"logits", (*classifier_)(hidden)}};
    case Head::kQuestion: {
      const at::Tensor logits = (*classifier_)(hidden);
      return {{"start_logits", logits.select(-1, 0)}, {"end_logits", logits.select(-1, 1)}};
    }
  }
  return {};
}

Result<Phase> Bert::forward(const NamedTensors& inputs) {
  const Inputs in = bind(inputs);
  Phase phase;
  phase.name = "forward";
  phase.unit = "sequence";
  phase.items = token_items(in.input_ids, in.attention_mask);
  phase.call = [this, in] { return outputs(in); };
  return phase;
}

std::vector<Model::AttentionProbe> Bert::attention_probes(const NamedTensors& inputs) const {
  const Inputs in = bind(inputs);
  const std::int64_t heads = config_.num_attention_heads;
  const Shape shape = {in.input_ids.size(0), heads, in.input_ids.size(1),
                       config_.hidden_size / heads};
  const bool mask = in.attention_mask.defined();
  return {{shape, shape, mask, config_.is_decoder && !mask}};
}

}  // namespace

Result<std::unique_ptr<Model>> make_bert(Scope scope, const ModelRequest& request) {
  RIDGELINE_TRY(const Config config, parse_config(request));
  return std::unique_ptr<Model>(std::make_unique<Bert>(scope, config));
}

}  // namespace ridgeline::native
