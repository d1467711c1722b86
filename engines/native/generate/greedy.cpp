// The greedy loop: suppression, end tokens, padding.
#include "engines/native/generate/greedy.hpp"

#include <ATen/ops/cat.h>
#include <ATen/ops/full.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/tensor.h>
#include <fmt/format.h>

#include <limits>

#include "engines/native/ops/ops.hpp"

namespace ridgeline::native {
namespace {

constexpr double kNever = -std::numeric_limits<double>::infinity();

at::Tensor index_of(const std::vector<std::int64_t>& ids, const at::Tensor& logits) {
  return at::tensor(ids, at::kLong).to(logits.device());
}

// All other tokens become impossible.
at::Tensor only(const at::Tensor& logits, const std::vector<std::int64_t>& ids) {
  return at::full_like(logits, kNever).index_fill_(1, index_of(ids, logits), 0);
}

Status check_ids(const std::vector<std::int64_t>& ids, std::int64_t vocabulary) {
  for (const std::int64_t id : ids) {
    if (id < vocabulary) continue;
    return bad_input(
        fmt::format("the generation config names token {}, the model has {}", id, vocabulary));
  }
  return {};
}

// Logits after the processors of the config, for new token `at` of `last`.
Result<at::Tensor> process(const at::Tensor& logits, const GenerationConfig& config,
                           std::int64_t at, std::int64_t length, bool is_last) {
  const std::int64_t vocabulary = logits.size(1);
  RIDGELINE_CHECK(check_ids(config.suppress_tokens, vocabulary));
  RIDGELINE_CHECK(check_ids(config.begin_suppress_tokens, vocabulary));
  at::Tensor scores = logits;
  if (config.forced_bos_token_id && length == 1) {
    RIDGELINE_CHECK(check_ids({*config.forced_bos_token_id}, vocabulary));
    scores = only(scores, {*config.forced_bos_token_id});
  }
  if (!config.forced_eos_token_ids.empty() && is_last) {
    RIDGELINE_CHECK(check_ids(config.forced_eos_token_ids, vocabulary));
    scores = only(scores, config.forced_eos_token_ids);
  }
  if (!config.suppress_tokens.empty()) {
    scores = scores.index_fill(1, index_of(config.suppress_tokens, logits), kNever);
  }
  if (at == 0 && !config.begin_suppress_tokens.empty()) {
    scores = scores.index_fill(1, index_of(config.begin_suppress_tokens, logits), kNever);
  }
  return scores;
}

}  // namespace

Result<Generated> generate_greedy(Decoding& decoding, const GenerationConfig& config,
                                  std::int64_t max_new_tokens, bool keep_logits) {
  std::vector<at::Tensor> tokens;
  std::vector<at::Tensor> all_logits;
  decoding.encode();
  at::Tensor logits = decoding.prefill();
  const std::int64_t prompt = decoding.prompt_length();
  at::Tensor unfinished = at::full({logits.size(0)}, true, logits.options().dtype(at::kBool));
  for (std::int64_t at = 0;;) {
    if (keep_logits) all_logits.push_back(logits.to(at::kFloat));
    RIDGELINE_TRY(const at::Tensor scores,
                  process(logits, config, at, prompt + at, at + 1 == max_new_tokens));
    at::Tensor token = ops::argmax(scores);
    if (const auto pad = config.padding(); pad && !config.eos_token_ids.empty()) {
      token = at::where(unfinished, token, at::full_like(token, *pad));
    }
    tokens.push_back(token);
    for (const std::int64_t end : config.eos_token_ids) {
      unfinished = unfinished.logical_and(token.ne(end));
    }
    if (++at == max_new_tokens || !unfinished.any().item<bool>()) break;
    logits = decoding.step(token);
  }
  Generated generated;
  generated.tokens = generated.sequences = at::stack(tokens, 1);
  if (const at::Tensor prompt_ids = decoding.prompt(); prompt_ids.defined()) {
    generated.sequences = at::cat({prompt_ids, generated.sequences}, 1);
  }
  if (keep_logits) generated.logits = at::stack(all_logits, 1);
  return generated;
}

}  // namespace ridgeline::native
