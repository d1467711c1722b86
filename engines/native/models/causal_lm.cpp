// Decoder-only language models: forward pass, heads, and decoding with preallocated caches.
#include "engines/native/models/causal_lm.hpp"

#include <ATen/ops/arange.h>
#include <ATen/ops/argmax.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/full.h>
#include <ATen/ops/ones.h>
#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "engines/native/device/backend.hpp"
#include "engines/native/fused/decode_step.hpp"
#include "engines/native/fused/trial.hpp"
#include "engines/native/models/decoding_phases.hpp"
#include "engines/native/models/token_inputs.hpp"

namespace ridgeline::native {
namespace {

using nn::DecoderPass;
using nn::Rotary;

class CausalLm;

// Ids of a batch and where they are padded.
struct Prompt {
  at::Tensor ids;        // [B, S]
  at::Tensor mask;       // [B, S], undefined when nothing is padded
  at::Tensor positions;  // [B or 1, S], undefined: 0, 1, 2, …
};

class CausalDecoding final : public Decoding {
 public:
  /// Steps run by `kernels` when given.
  CausalDecoding(const CausalLm& model, Prompt prompt, const nn::KvCacheShape& shape,
                 at::TensorOptions options, std::shared_ptr<const fused::DecodeKernels> kernels);

  at::Tensor prefill() override;
  at::Tensor step(const at::Tensor& tokens) override;
  void snapshot() override { cache_.snapshot(); }
  void restore() override { cache_.restore(); }
  at::Tensor prompt() const override { return prompt_.ids; }
  std::int64_t prompt_length() const override { return prompt_.ids.size(1); }
  std::int64_t batch() const override { return prompt_.ids.size(0); }
  std::int64_t cache_bytes() const override { return cache_.bytes(); }

 private:
  Rotary::Angles angles(std::int64_t begin, std::int64_t count) const;
  Rotary::Angles turn(std::int64_t begin, std::int64_t count) const;
  at::Tensor slots_seen(std::int64_t visible) const;

  const CausalLm* model_;
  Prompt prompt_;
  nn::KvCache cache_;
  at::Tensor positions_;  // [B, capacity] of padded prompts, else undefined
  Rotary::Angles table_;  // of all positions; undefined when it depends on the length
  at::Tensor valid_;      // [B, 1, 1, tokens] of padded prompts: which tokens may be seen
  std::optional<fused::DecodeStep> fused_step_;
};

class CausalLm final : public Model, Module {
 public:
  CausalLm(Scope root, CausalLmConfig config);

  Result<std::vector<InputSpec>> input_specs(const Workload& workload) const override;
  Result<Workload> workload_of(const NamedTensors& inputs) const override;
  Result<Phase> forward(const NamedTensors& inputs) override;
  Result<std::vector<Phase>> phases(const NamedTensors& inputs, const Workload& workload) override;
  bool decodes() const override { return config_.head == CausalHead::kLanguageModel; }
  Result<NamedTensors> generation_inputs(const NamedTensors& given,
                                         const GenerationConfig& generation) const override;
  Result<std::unique_ptr<Decoding>> decoding(const NamedTensors& inputs,
                                             std::int64_t new_tokens) override;
  std::vector<AttentionProbe> attention_probes(const NamedTensors& inputs) const override;
  Result<FusedTrial> try_fused(const NamedTensors& inputs) override;

 private:
  friend class CausalDecoding;

  Status check_fused(const Prompt& prompt) const;
  nn::KvCacheShape cache_shape(const Prompt& prompt, std::int64_t new_tokens) const;
  fused::DecoderTensors tensors() const;

  Prompt bind(const NamedTensors& inputs) const;
  nn::AttentionContext prompt_context(const Prompt& prompt) const;
  Result<at::Tensor> last_positions(const at::Tensor& ids) const;
  at::TensorOptions activations() const;
  at::Tensor logits(const at::Tensor& hidden) const {
    return ops::linear(hidden, lm_head_, at::Tensor());
  }
  NamedTensors outputs(const at::Tensor& hidden, const at::Tensor& last) const;
  void declare_head(Scope root, const std::string& word_embedding);

  CausalLmConfig config_;
  Rotary rotary_;
  Scope base_;
  nn::GatedDecoder decoder_;
  ops::ProductWeight lm_head_;
  std::optional<nn::Linear> classifier_;
  std::shared_ptr<const fused::DecodeKernels> kernels_;  // once try_fused() has built them
};

std::string base_name(const CausalLmConfig& config) {
  switch (config.head) {
    case CausalHead::kNone:
      return "";
    case CausalHead::kQuestion:
      return config.question_base;
    default:
      return "model";
  }
}

CausalLm::CausalLm(Scope root, CausalLmConfig config)
    : config_(std::move(config)),
      rotary_(config_.rotary),
      base_(root / base_name(config_)),
      decoder_(base_, config_.shape) {
  declare_head(root, base_.prefix() + "embed_tokens.weight");
  // A base model saved alone has no prefix in its names, and a head's file has one.
  Declarations& declarations = root.declarations();
  if (config_.head == CausalHead::kNone) {
    declarations.rename_prefix("", "model.");
    declarations.ignore("score.");
  } else {
    declarations.rename_prefix(base_.prefix(), "");
    if (config_.head == CausalHead::kQuestion && base_.prefix() != "model.") {
      declarations.rename_prefix(base_.prefix(), "model.");
    }
  }
  if (config_.head != CausalHead::kLanguageModel) declarations.ignore("lm_head.");
  // A buffer of old releases.
  declarations.ignore("rotary_emb.inv_freq");
}

void CausalLm::declare_head(Scope root, const std::string& word_embedding) {
  const std::int64_t hidden = config_.shape.hidden;
  switch (config_.head) {
    case CausalHead::kNone:
      break;
    case CausalHead::kLanguageModel: {
      Parameter& head = root.parameter(lm_head_, "lm_head.weight",
                                       {config_.shape.vocab_size, hidden}, Init::kWeight);
      if (config_.tie_word_embeddings) head.tied_to(word_embedding);
      break;
    }
    case CausalHead::kSequence:
      classifier_.emplace(root / "score", hidden, config_.labels, /*bias=*/false);
      break;
    case CausalHead::kToken:
      classifier_.emplace(root / "score", hidden, config_.labels);
      break;
    case CausalHead::kQuestion:
      classifier_.emplace(root / "qa_outputs", hidden, 2);
      break;
  }
}

Result<std::vector<InputSpec>> CausalLm::input_specs(const Workload& workload) const {
  using Kind = InputSpec::Kind;
  const Shape ids = {workload.batch, workload.sequence};
  return std::vector<InputSpec>{
      {.name = "input_ids",
       .kind = Kind::kIds,
       .shape = ids,
       .high = config_.shape.vocab_size,
       .required = true},
      {.name = "attention_mask", .kind = Kind::kMask, .shape = ids},
      {.name = "position_ids",
       .kind = Kind::kIds,
       .shape = {-1, workload.sequence},
       .high = kLongestRotary,
       .synthetic = false},
  };
}

Result<Workload> CausalLm::workload_of(const NamedTensors& inputs) const {
  return token_workload(inputs, "input_ids");
}

Prompt CausalLm::bind(const NamedTensors& inputs) const {
  return {tensor_or_none(inputs, "input_ids"), mask_if_padded(inputs, "attention_mask"),
          tensor_or_none(inputs, "position_ids")};
}

at::TensorOptions CausalLm::activations() const {
  const at::Tensor& weight = decoder_.table();
  return at::TensorOptions().dtype(weight.scalar_type()).device(weight.device());
}

nn::AttentionContext CausalLm::prompt_context(const Prompt& prompt) const {
  nn::AttentionContext context;
  context.options.kernel = options().attention;
  const std::int64_t sequence = prompt.ids.size(1);
  const bool slides = config_.window > 0 && sequence > config_.window;
  context.options.causal = !prompt.mask.defined() && !slides;
  if (!context.options.causal) {
    const at::Tensor seen =
        ops::causal_mask(prompt.mask, sequence, slides ? config_.window : 0, prompt.ids.device());
    context.mask = ops::additive_mask(seen, activations().dtype().toScalarType());
  }
  return context;
}

// Where each row has its last token that is not padding, as transformers finds it.
Result<at::Tensor> CausalLm::last_positions(const at::Tensor& ids) const {
  if (!config_.pad_token_id) {
    if (ids.size(0) > 1) {
      return bad_input("several sequences need a pad_token_id in config.json to be classified");
    }
    return at::full({1}, ids.size(1) - 1, ids.options());
  }
  if (ids.is_meta()) return at::empty({ids.size(0)}, ids.options());
  const at::Tensor real = ids.ne(*config_.pad_token_id).to(at::kLong);
  return at::argmax(at::arange(ids.size(1), ids.options()) * real, -1);
}

NamedTensors CausalLm::outputs(const at::Tensor& hidden, const at::Tensor& last) const {
  switch (config_.head) {
    case CausalHead::kNone:
      return {{"last_hidden_state", hidden}};
    case CausalHead::kLanguageModel:
      return {{"logits", logits(hidden)}};
    case CausalHead::kSequence:
      return {{"logits", ops::take((*classifier_)(hidden), last)}};
    case CausalHead::kToken:
      return {{"logits", (*classifier_)(hidden)}};
    case CausalHead::kQuestion: {
      const at::Tensor both = (*classifier_)(hidden);
      return {{"start_logits", both.select(-1, 0)}, {"end_logits", both.select(-1, 1)}};
    }
  }
  return {};
}

Result<Phase> CausalLm::forward(const NamedTensors& inputs) {
  const Prompt prompt = bind(inputs);
  at::Tensor last;
  if (config_.head == CausalHead::kSequence) {
    RIDGELINE_TRY(last, last_positions(prompt.ids));
  }
  std::int64_t length = prompt.ids.size(1);
  if (prompt.positions.defined() && !prompt.positions.is_meta()) {
    length = prompt.positions.max().item<std::int64_t>() + 1;
  }
  Rotary::Angles angles = rotary_.range(0, length, length, activations());
  if (prompt.positions.defined()) angles = at_positions(angles, prompt.positions);

  Phase phase;
  phase.name = "forward";
  phase.unit = "sequence";
  phase.items = token_items(prompt.ids, prompt.mask);
  phase.call = [this, prompt, angles, last] {
    return outputs(decoder_(prompt.ids, {angles, prompt_context(prompt), nullptr}), last);
  };
  return phase;
}

Result<NamedTensors> CausalLm::generation_inputs(const NamedTensors& given,
                                                 const GenerationConfig& generation) const {
  NamedTensors inputs = given;
  const at::Tensor ids = tensor_or_none(given, "input_ids");
  const auto& pad = generation.pad_token_id;
  const auto& ends = generation.eos_token_ids;
  const bool pad_is_end = pad && std::find(ends.begin(), ends.end(), *pad) != ends.end();
  // Without a mask, padding is what holds the padding token.
  if (find(given, "attention_mask") == nullptr && pad && !pad_is_end) {
    inputs.emplace_back("attention_mask", ids.ne(*pad).to(at::kLong));
  }
  return inputs;
}

Result<std::unique_ptr<Decoding>> CausalLm::decoding(const NamedTensors& inputs,
                                                     std::int64_t new_tokens) {
  if (!decodes()) return Model::decoding(inputs, new_tokens);
  const Prompt prompt = bind(inputs);
  const nn::KvCacheShape shape = cache_shape(prompt, new_tokens);
  RIDGELINE_CHECK(
      check_cache_memory(shape.bytes(static_cast<std::int64_t>(activations().dtype().itemsize())),
                         prompt.ids.device()));
  // Allowed for the inputs that it was tried with: others of the plan are longer only.
  const bool fused = options().fused_decode && check_fused(prompt);
  return std::unique_ptr<Decoding>(std::make_unique<CausalDecoding>(
      *this, prompt, shape, activations(), fused ? kernels_ : nullptr));
}

nn::KvCacheShape CausalLm::cache_shape(const Prompt& prompt, std::int64_t new_tokens) const {
  return {.layers = config_.shape.layers,
          .batch = prompt.ids.size(0),
          .heads = config_.shape.kv_heads,
          .head_dim = config_.shape.head_dim,
          .capacity = prompt.ids.size(1) + new_tokens,
          .window = config_.window};
}

fused::DecoderTensors CausalLm::tensors() const {
  fused::DecoderTensors all{.table = decoder_.table(),
                            .layers = {},
                            .last_norm = decoder_.last_norm(),
                            .head = lm_head_.plain};
  for (const nn::GatedDecoderLayer& layer : decoder_.layers()) {
    all.layers.push_back(layer.tensors());
  }
  return all;
}

Status CausalLm::check_fused(const Prompt& prompt) const {
  if (prompt.ids.size(0) != 1) return unsupported("the kernels decode one sequence at a time");
  if (prompt.mask.defined()) return unsupported("the kernels take no padded prompts");
  if (rotary_.depends_on_length(std::numeric_limits<std::int64_t>::max())) {
    return unsupported("angles that depend on the length of the sequence change in every step");
  }
  return {};
}

Result<Model::FusedTrial> CausalLm::try_fused(const NamedTensors& inputs) {
  if (!decodes()) return Model::try_fused(inputs);
  Prompt prompt = bind(inputs);
  RIDGELINE_CHECK(check_fused(prompt));
  if (!kernels_) {
    const std::int64_t pairs = rotary_.range(0, 1, 1, activations()).cosine.size(-1);
    RIDGELINE_TRY(kernels_,
                  fused::DecodeKernels::build(
                      {config_.shape, pairs, decoder_.table().scalar_type()}, prompt.ids.device()));
  }
  constexpr std::int64_t kTriedTokens = 64;
  prompt.ids = prompt.ids.narrow(1, 0, std::min(kTriedTokens, prompt.ids.size(1)));
  prompt.positions = at::Tensor();
  const nn::KvCacheShape shape = cache_shape(prompt, 1);
  CausalDecoding plain(*this, prompt, shape, activations(), nullptr);
  CausalDecoding fused(*this, prompt, shape, activations(), kernels_);
  RIDGELINE_TRY(FusedTrial trial,
                fused::compare_steps(plain, fused, backend_of(prompt.ids.device())));
  trial.bound = fused::step_bound(decoder_.table().scalar_type(), config_.shape.layers);
  return trial;
}

Result<std::vector<Phase>> CausalLm::phases(const NamedTensors& inputs, const Workload& workload) {
  if (!decodes()) return Model::phases(inputs, workload);
  const Prompt prompt = bind(inputs);
  const std::int64_t sequence = prompt.ids.size(1);
  const std::int64_t depth = workload.depth.value_or(sequence);
  NamedTensors deep = inputs;
  if (depth != sequence) {
    // The prompt over and over, so that the cache holds keys of real tokens.
    const std::int64_t repeats = (depth + sequence - 1) / sequence;
    deep = {{"input_ids", prompt.ids.repeat({1, repeats}).narrow(1, 0, depth).contiguous()}};
  }
  double tokens = 0;
  for (const auto& [unit, count] : token_items(prompt.ids, prompt.mask)) {
    if (unit == "token") tokens = count;
  }
  return decoding_phases(*this, inputs, deep, {tokens, workload.new_tokens});
}

std::vector<Model::AttentionProbe> CausalLm::attention_probes(const NamedTensors& inputs) const {
  const Prompt prompt = bind(inputs);
  const std::int64_t batch = prompt.ids.size(0);
  const std::int64_t sequence = prompt.ids.size(1);
  const Shape query = {batch, config_.shape.heads, sequence, config_.shape.head_dim};
  const Shape key = {batch, config_.shape.kv_heads, sequence, config_.shape.head_dim};
  const bool mask = prompt.mask.defined() || (config_.window > 0 && sequence > config_.window);
  std::vector<AttentionProbe> probes = {{query, key, mask, !mask}};
  if (decodes()) {
    // A step sees the prompt and itself. A group's queries lie as rows of one head, so that there
    // is nothing to be causal about.
    const std::int64_t seen =
        config_.window > 0 ? std::min(config_.window, sequence + 1) : sequence + 1;
    probes.push_back({{batch, config_.shape.heads, 1, config_.shape.head_dim},
                      {batch, config_.shape.kv_heads, seen, config_.shape.head_dim},
                      prompt.mask.defined(),
                      true});
  }
  return probes;
}

CausalDecoding::CausalDecoding(const CausalLm& model, Prompt prompt, const nn::KvCacheShape& shape,
                               at::TensorOptions options,
                               std::shared_ptr<const fused::DecodeKernels> kernels)
    : model_(&model), prompt_(std::move(prompt)), cache_(shape, options) {
  if (kernels) fused_step_.emplace(std::move(kernels), model.tensors());
  const std::int64_t sequence = prompt_.ids.size(1);
  if (prompt_.mask.defined()) {
    // Positions as generate() derives them: padding does not count.
    const at::Tensor counted =
        (prompt_.mask.ne(0).to(at::kLong).cumsum(1) - 1).masked_fill_(prompt_.mask.eq(0), 0);
    const at::Tensor next = counted.select(1, sequence - 1).unsqueeze(1) + 1 +
                            at::arange(shape.capacity - sequence, counted.options()).unsqueeze(0);
    positions_ = at::cat({counted, next}, 1);
    valid_ = at::cat({prompt_.mask.ne(0), at::ones({batch(), shape.capacity - sequence},
                                                   prompt_.mask.options().dtype(at::kBool))},
                     1)
                 .view({batch(), 1, 1, shape.capacity});
  }
  if (!model_->rotary_.depends_on_length(shape.capacity)) table_ = turn(0, shape.capacity);
}

// Angles of tokens [begin, begin + count) of every row.
Rotary::Angles CausalDecoding::turn(std::int64_t begin, std::int64_t count) const {
  const at::TensorOptions options = model_->activations();
  if (!positions_.defined()) {
    return model_->rotary_.range(begin, count, begin + count, options);
  }
  const at::Tensor positions = positions_.narrow(1, begin, count);
  const std::int64_t length = positions.max().item<std::int64_t>() + 1;
  return at_positions(model_->rotary_.range(0, length, length, options), positions);
}

Rotary::Angles CausalDecoding::angles(std::int64_t begin, std::int64_t count) const {
  return table_.cosine.defined() ? at_range(table_, begin, count) : turn(begin, count);
}

// Which slots of the cache hold tokens that may be seen, [B, 1, 1, visible].
at::Tensor CausalDecoding::slots_seen(std::int64_t visible) const {
  if (!valid_.defined()) return valid_;
  const std::int64_t tokens = cache_.length() + 1;
  if (tokens <= cache_.slots()) return valid_.narrow(3, 0, visible);
  // A ring: slot s holds the newest token t with t mod slots == s.
  const std::int64_t slots = cache_.slots();
  const std::int64_t oldest = tokens - slots;
  return ops::turned(valid_.narrow(3, oldest, slots), oldest % slots);
}

at::Tensor CausalDecoding::prefill() {
  cache_.clear();
  const std::int64_t sequence = prompt_.ids.size(1);
  const at::Tensor hidden = model_->decoder_(
      prompt_.ids, {angles(0, sequence), model_->prompt_context(prompt_), &cache_});
  cache_.advance(sequence);
  return model_->logits(hidden.select(1, sequence - 1));
}

at::Tensor CausalDecoding::step(const at::Tensor& tokens) {
  if (fused_step_) {
    const at::Tensor logits = (*fused_step_)(tokens, angles(cache_.length(), 1), cache_);
    cache_.advance(1);
    return logits;
  }
  DecoderPass pass{angles(cache_.length(), 1), {}, &cache_};
  pass.context.options.kernel = model_->options().attention;
  pass.context.mask = slots_seen(cache_.visible(1));
  if (pass.context.mask.defined()) {
    pass.context.mask =
        ops::additive_mask(pass.context.mask, model_->activations().dtype().toScalarType());
  }
  const at::Tensor hidden = model_->decoder_(tokens.unsqueeze(1), pass);
  cache_.advance(1);
  return model_->logits(hidden.select(1, 0));
}

}  // namespace

std::unique_ptr<Model> make_causal_lm(Scope root, CausalLmConfig config) {
  return std::make_unique<CausalLm>(root, std::move(config));
}

}  // namespace ridgeline::native
