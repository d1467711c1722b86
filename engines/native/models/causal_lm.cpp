// Decoder-only language models: forward pass, heads, and decoding with preallocated caches.
#include "engines/native/models/causal_lm.hpp"

#include <ATen/ops/arange.h>
#include <ATen/ops/argmax.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/full.h>
#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "engines/native/device/backend.hpp"
#include "engines/native/fused/trial.hpp"
#include "engines/native/models/causal_decoding.hpp"
#include "engines/native/models/decoding_phases.hpp"
#include "engines/native/models/token_inputs.hpp"

namespace ridgeline::native {
namespace {

using nn::Rotary;

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
  Status check_fused(const CausalPrompt& prompt) const;
  nn::KvCacheShape cache_shape(const CausalPrompt& prompt, std::int64_t new_tokens) const;

  CausalPrompt bind(const NamedTensors& inputs) const;
  Result<at::Tensor> last_positions(const at::Tensor& ids) const;
  CausalStack stack() const {
    return {&decoder_, &rotary_, &lm_head_, config_.window, options().attention};
  }
  at::TensorOptions activations() const { return stack().activations(); }
  at::Tensor logits(const at::Tensor& hidden) const { return stack().logits(hidden); }
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

CausalPrompt CausalLm::bind(const NamedTensors& inputs) const {
  return {tensor_or_none(inputs, "input_ids"), mask_if_padded(inputs, "attention_mask"),
          tensor_or_none(inputs, "position_ids")};
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
  const CausalPrompt prompt = bind(inputs);
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
    return outputs(decoder_(prompt.ids, {angles, stack().prompt_context(prompt), nullptr}), last);
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
  const CausalPrompt prompt = bind(inputs);
  const nn::KvCacheShape shape = cache_shape(prompt, new_tokens);
  RIDGELINE_CHECK(
      check_cache_memory(shape.bytes(static_cast<std::int64_t>(activations().dtype().itemsize())),
                         prompt.ids.device()));
  // Allowed for the inputs that it was tried with: others of the plan are longer only.
  const bool fused = options().fused_decode && check_fused(prompt);
  return std::unique_ptr<Decoding>(
      std::make_unique<CausalDecoding>(stack(), prompt, shape, fused ? kernels_.get() : nullptr));
}

nn::KvCacheShape CausalLm::cache_shape(const CausalPrompt& prompt, std::int64_t new_tokens) const {
  return {.layers = config_.shape.layers,
          .batch = prompt.ids.size(0),
          .heads = config_.shape.kv_heads,
          .head_dim = config_.shape.head_dim,
          .capacity = prompt.ids.size(1) + new_tokens,
          .window = config_.window};
}

Status CausalLm::check_fused(const CausalPrompt& prompt) const {
  if (prompt.ids.size(0) != 1) return unsupported("the kernels decode one sequence at a time");
  if (prompt.mask.defined()) return unsupported("the kernels take no padded prompts");
  if (rotary_.depends_on_length(std::numeric_limits<std::int64_t>::max())) {
    return unsupported("angles that depend on the length of the sequence change in every step");
  }
  return {};
}

Result<Model::FusedTrial> CausalLm::try_fused(const NamedTensors& inputs) {
  if (!decodes()) return Model::try_fused(inputs);
  CausalPrompt prompt = bind(inputs);
  RIDGELINE_CHECK(check_fused(prompt));
  if (!kernels_) {
    const std::int64_t pairs = rotary_.range(0, 1, 1, activations()).cosine.size(-1);
    RIDGELINE_TRY(kernels_,
                  fused::build_kernels({config_.shape, pairs, decoder_.table().scalar_type()},
                                       stack().tensors()));
  }
  // On a GPU two parts of a context, on a CPU a prompt that takes no longer than a few steps.
  const std::int64_t tried = prompt.ids.is_cuda() ? 64 : 16;
  prompt.ids = prompt.ids.narrow(1, 0, std::min(tried, prompt.ids.size(1)));
  prompt.positions = at::Tensor();
  const nn::KvCacheShape shape = cache_shape(prompt, 1);
  CausalDecoding plain(stack(), prompt, shape, nullptr);
  CausalDecoding fused(stack(), prompt, shape, kernels_.get());
  RIDGELINE_TRY(FusedTrial trial,
                fused::compare_steps(plain, fused, backend_of(prompt.ids.device())));
  trial.bound = fused::step_bound(decoder_.table().scalar_type(), config_.shape.layers);
  return trial;
}

Result<std::vector<Phase>> CausalLm::phases(const NamedTensors& inputs, const Workload& workload) {
  if (!decodes()) return Model::phases(inputs, workload);
  const CausalPrompt prompt = bind(inputs);
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
  const CausalPrompt prompt = bind(inputs);
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

}  // namespace

std::unique_ptr<Model> make_causal_lm(Scope root, CausalLmConfig config) {
  return std::make_unique<CausalLm>(root, std::move(config));
}

}  // namespace ridgeline::native
