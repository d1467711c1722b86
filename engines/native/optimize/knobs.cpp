// The table of knobs, and applying the ones of a stage.
#include "engines/native/optimize/knobs.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

namespace ridgeline::native {

// One function a knob, each in a file of its own name.
Result<KnobOutcome> apply_threads(KnobContext& context);
Result<KnobOutcome> apply_cores(KnobContext& context);
Result<KnobOutcome> apply_pin(KnobContext& context);
Result<KnobOutcome> apply_numa(KnobContext& context);
Result<KnobOutcome> apply_keep_memory(KnobContext& context);
Result<KnobOutcome> apply_quantize(KnobContext& context);
Result<KnobOutcome> apply_prepack(KnobContext& context);
Result<KnobOutcome> apply_row_kernel(KnobContext& context);
Result<KnobOutcome> apply_huge_pages(KnobContext& context);
Result<KnobOutcome> apply_attention(KnobContext& context);
Result<KnobOutcome> apply_tf32(KnobContext& context);
Result<KnobOutcome> apply_cudnn_benchmark(KnobContext& context);
Result<KnobOutcome> apply_channels_last(KnobContext& context);
Result<KnobOutcome> apply_towers(KnobContext& context);
Result<KnobOutcome> apply_stream_priority(KnobContext& context);
Result<KnobOutcome> apply_graph(KnobContext& context);
Result<KnobOutcome> apply_fused(KnobContext& context);

const std::vector<Knob>& knobs() {
  static const std::vector<Knob> table = {
      {"cores", "list of CPU numbers, such as 0-3,8", "", KnobStage::kProcess, true,
       "CPUs the process may run on", apply_cores},
      {"threads", "a count", "", KnobStage::kProcess, true,
       "threads of one operation on the CPU (default: one per physical core)", apply_threads},
      {"pin", "on|off", "off", KnobStage::kProcess, true,
       "each thread of an operation but the calling one on a core of its own (CPU)", apply_pin},
      {"numa", "bind|off", "off", KnobStage::kProcess, true,
       "memory only from the NUMA nodes of the CPUs that the process may run on", apply_numa},
      {"keep_memory", "auto|on|off", "auto", KnobStage::kProcess, true,
       "memory that tensors free is kept for the next of their size (CPU)", apply_keep_memory},
      {"quantize", "off|int8", "off", KnobStage::kLoad, false,
       "weights of products in 8 bits, with a scale a row (CPU): decoding reads a quarter of "
       "float32",
       apply_quantize},
      {"prepack", "auto|on|off", "auto", KnobStage::kLoad, true,
       "weights of products rearranged once for oneDNN (CPU), not in every call", apply_prepack},
      {"row_kernel", "auto|on|off", "auto", KnobStage::kLoad, true,
       "products of one or a few rows, as in decoding, by a kernel of our own (CPU)",
       apply_row_kernel},
      {"huge_pages", "auto|on|off", "auto", KnobStage::kLoad, true,
       "weights that row_kernel streams lie side by side on huge pages (CPU)", apply_huge_pages},
      {"stream_priority", "auto|high|normal", "auto", KnobStage::kLoad, true,
       "stream of the engine's own on an accelerator, before or beside other work",
       apply_stream_priority},
      {"tf32", "auto|on|off", "auto", KnobStage::kLoad, false,
       "products and convolutions of float32 with factors rounded to 10 bits (CUDA)", apply_tf32},
      {"cudnn_benchmark", "auto|on|off", "auto", KnobStage::kLoad, true,
       "the first call of a convolution tries the algorithms of cuDNN and keeps the fastest (CUDA)",
       apply_cudnn_benchmark},
      {"channels_last", "auto|on|off", "auto", KnobStage::kLoad, true,
       "channels of convolutions side by side in memory, as tensor cores want them (CUDA)",
       apply_channels_last},
      {"attention", "auto|flash|cudnn|efficient|math", "auto", KnobStage::kPlan, true,
       "attention kernel: a fused one (cudnn and efficient on CUDA only), or step by step in plain "
       "matrix products; auto times them on CUDA",
       apply_attention},
      {"towers", "auto|serial|parallel", "auto", KnobStage::kPlan, true,
       "encoders of text and image one after the other, or side by side (CUDA)", apply_towers},
      {"fused", "auto|on|off", "auto", KnobStage::kPlan, true,
       "decoding steps of one sequence as a whole: each weight is streamed once, and all else is "
       "done beside it (CUDA and CPU); auto where that proves right and no slower",
       apply_fused},
      {"graph", "auto|on|off", "auto", KnobStage::kPlan, true,
       "work of a phase recorded once and handed over whole (CUDA graphs)", apply_graph},
  };
  return table;
}

namespace {

std::string_view name_of(KnobStage stage) {
  switch (stage) {
    case KnobStage::kProcess:
      return "process";
    case KnobStage::kLoad:
      return "load";
    case KnobStage::kPlan:
      return "plan";
  }
  return "plan";
}

std::string value_text(const Json& value) {
  return value.is_string() ? value.get<std::string>() : value.dump();
}

}  // namespace

Json knobs_json() {
  Json list = Json::array();
  for (const Knob& knob : knobs()) {
    list.push_back({{"id", knob.id},
                    {"values", knob.values},
                    {"default", knob.default_value.empty() ? Json() : Json(knob.default_value)},
                    {"stage", name_of(knob.stage)},
                    {"lossless", knob.lossless},
                    {"conflicts", Json::array()},
                    {"description", knob.description}});
  }
  return list;
}

Status check_knob_ids(const Json& requested) {
  for (const Json& entry : requested) {
    RIDGELINE_TRY(const std::string id, get_string(entry, "id", "optimization"));
    std::string known;
    bool found = false;
    for (const Knob& knob : knobs()) {
      found |= knob.id == id;
      known += (known.empty() ? "" : ", ") + std::string(knob.id);
    }
    if (!found) return unsupported(fmt::format("unknown optimization '{}'", id), "known: " + known);
  }
  return {};
}

Result<Json> apply_knobs(KnobStage stage, const Json& requested, KnobContext context) {
  Json outcomes = Json::array();
  for (const Knob& knob : knobs()) {
    if (knob.stage != stage) continue;
    Json asked;
    for (const Json& entry : requested) {
      if (entry.value("id", "") == knob.id) asked = entry.value("value", Json());
    }
    if (asked.is_null() && knob.default_value.empty())
      context.value.clear();
    else
      context.value = asked.is_null() ? std::string(knob.default_value) : value_text(asked);
    RIDGELINE_TRY(const KnobOutcome outcome, knob.apply(context));
    outcomes.push_back({{"id", knob.id},
                        {"requested", asked},
                        {"applied", outcome.applied},
                        {"value", outcome.value},
                        {"lossless", knob.lossless},
                        {"reason", outcome.reason.empty() ? Json() : Json(outcome.reason)}});
  }
  return outcomes;
}

}  // namespace ridgeline::native
