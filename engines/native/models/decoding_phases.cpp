// The phases of models that produce tokens.
#include "engines/native/models/decoding_phases.hpp"

#include <ATen/ops/empty.h>
#include <fmt/format.h>

#include "base/clock.hpp"
#include "base/host_memory.hpp"

namespace ridgeline::native {
namespace {

Phase prefill_phase(const std::shared_ptr<Decoding>& decoding, const DecodingWork& work) {
  Phase phase;
  phase.name = "prefill";
  phase.unit = "token";
  phase.items = {{"token", work.prompt_tokens}};
  phase.cache_bytes = decoding->cache_bytes();
  phase.call = [decoding] { return NamedTensors{{"logits", decoding->prefill()}}; };
  return phase;
}

// `decoding` holds its prompt already.
Phase decode_phase(const std::shared_ptr<Decoding>& decoding, const at::Tensor& token) {
  Phase phase;
  phase.name = "decode";
  phase.unit = "token";
  phase.items = {{"token", static_cast<double>(decoding->batch())}};
  phase.cache_bytes = decoding->cache_bytes();
  decoding->snapshot();
  phase.restore = [decoding] { decoding->restore(); };
  phase.call = [decoding, token] { return NamedTensors{{"logits", decoding->step(token)}}; };
  return phase;
}

// The host has the token when this returns: time of arrival, in ns.
std::int64_t arrival(const at::Tensor& token) {
  if (!token.is_cpu() && !token.is_meta()) token.cpu();
  return now_ns();
}

Phase generate_phase(const std::shared_ptr<Decoding>& decoding, at::Device device,
                     const DecodingWork& work) {
  Phase phase;
  phase.name = "generate";
  phase.unit = "token";
  phase.host_driven = true;
  const auto batch = static_cast<double>(decoding->batch());
  phase.items = {{"token", batch * static_cast<double>(work.new_tokens)}, {"sequence", batch}};
  if (work.audio_seconds > 0) phase.items.emplace_back("audio_second", work.audio_seconds);
  phase.cache_bytes = decoding->cache_bytes();
  auto times = std::make_shared<TokenTimes>();
  times->reserve(static_cast<std::size_t>(work.new_tokens));
  const at::Tensor tokens = at::empty({decoding->batch(), work.new_tokens},
                                      at::TensorOptions().dtype(at::kLong).device(device));
  phase.token_times = times;
  phase.call = [decoding, times, tokens] {
    times->clear();
    decoding->encode();
    at::Tensor token = ops::argmax(decoding->prefill());
    for (std::int64_t i = 0;;) {
      ops::put_column(tokens, i, token);
      times->push_back(arrival(token));
      if (++i == tokens.size(1)) break;
      token = ops::argmax(decoding->step(token));
    }
    return NamedTensors{{"sequences", tokens}};
  };
  return phase;
}

}  // namespace

Result<std::vector<Phase>> decoding_phases(Model& model, const NamedTensors& inputs,
                                           const NamedTensors& deep, const DecodingWork& work) {
  RIDGELINE_TRY(std::shared_ptr<Decoding> prompt, model.decoding(inputs, work.new_tokens));
  // The first new token comes from the prompt, the second from the step that is timed.
  RIDGELINE_TRY(std::shared_ptr<Decoding> behind, model.decoding(deep, 2));
  const at::Device device = inputs.front().second.device();
  prompt->encode();
  behind->encode();
  const at::Tensor token = ops::argmax(behind->prefill());
  std::vector<Phase> phases;
  phases.push_back(prefill_phase(prompt, work));
  phases.push_back(decode_phase(behind, token));
  phases.push_back(generate_phase(prompt, device, work));
  return phases;
}

Status check_cache_memory(std::int64_t bytes, at::Device device) {
  const auto available = available_host_bytes();
  if (!device.is_cpu() || !available || bytes <= *available) return {};
  Error error{ErrorClass::kOomHost,
              fmt::format("the key-value cache needs {:.1f} GB, {:.1f} GB of host memory are left",
                          static_cast<double>(bytes) / 1e9, static_cast<double>(*available) / 1e9),
              "use a smaller depth, sequence or batch"};
  error.bytes_needed = bytes;
  return error;
}

}  // namespace ridgeline::native
