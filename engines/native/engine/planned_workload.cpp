// Planning a workload: inputs, knobs, phases.
#include "engines/native/engine/planned_workload.hpp"

#include <ATen/ops/from_blob.h>
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "base/clock.hpp"
#include "engines/native/device/device.hpp"
#include "engines/native/device/memory.hpp"
#include "engines/native/engine/digest.hpp"
#include "engines/native/optimize/knobs.hpp"

namespace ridgeline::native {
namespace {

constexpr std::int64_t kLargestBatch = 1 << 20;
constexpr std::int64_t kLongestSequence = 1 << 24;

class PhaseRunnable final : public protocol::Runnable {
 public:
  PhaseRunnable(const Phase& phase, at::Device device) : phase_(phase), device_(device) {}

  void restore() override {
    // Outputs go before the clock starts: freeing them is not the model's work.
    outputs_.clear();
    if (phase_.restore) phase_.restore();
  }
  void enqueue() override { outputs_ = phase_.call(); }
  void wait() override { synchronize(device_); }
  double items() override { return phase_.items.front().second; }

 private:
  const Phase& phase_;
  at::Device device_;
  NamedTensors outputs_;
};

std::int64_t total_bytes(const NamedTensors& tensors) {
  std::int64_t bytes = 0;
  for (const auto& [name, tensor] : tensors) bytes += static_cast<std::int64_t>(tensor.nbytes());
  return bytes;
}

}  // namespace

Result<Workload> workload_from(const Json& fields) {
  constexpr std::string_view kWhat = "workload";
  Workload workload;
  RIDGELINE_TRY(workload.batch, get_int(fields, "batch", kWhat, 1));
  RIDGELINE_TRY(workload.sequence, get_int(fields, "sequence", kWhat, 128));
  RIDGELINE_TRY(const std::int64_t seed, get_int(fields, "seed", kWhat, 0));
  workload.seed = static_cast<std::uint64_t>(seed);
  if (workload.batch < 1 || workload.batch > kLargestBatch) {
    return bad_input(fmt::format("batch {} is outside 1 to {}", workload.batch, kLargestBatch));
  }
  if (workload.sequence < 1 || workload.sequence > kLongestSequence) {
    return bad_input(
        fmt::format("sequence {} is outside 1 to {}", workload.sequence, kLongestSequence));
  }
  const auto text = fields.is_object() ? fields.find("text") : fields.end();
  if (text == fields.end() || text->is_null()) return workload;
  if (!text->is_array()) return bad_input("workload: 'text' must be a list of strings");
  for (const Json& line : *text) {
    if (!line.is_string()) return bad_input("workload: 'text' must be a list of strings");
    workload.text.push_back(line.get<std::string>());
  }
  if (workload.text.empty()) return workload;
  // The texts are the batch; a larger batch repeats them in turn.
  const std::size_t given = workload.text.size();
  workload.batch = std::max<std::int64_t>(workload.batch, static_cast<std::int64_t>(given));
  for (std::size_t i = given; i < static_cast<std::size_t>(workload.batch); ++i) {
    workload.text.push_back(workload.text[i % given]);
  }
  return workload;
}

Result<NamedTensors> tokenize(const TextTokenizer& tokenizer,
                              const std::vector<std::string>& texts) {
  RIDGELINE_TRY(TokenizedBatch batch, tokenizer.encode(texts));
  const auto tensor = [&](std::vector<std::int64_t>& values) {
    return at::from_blob(values.data(), {batch.batch, batch.sequence}, at::kLong).clone();
  };
  NamedTensors tensors = {{"input_ids", tensor(batch.input_ids)}};
  if (batch.has_token_type_ids)
    tensors.emplace_back("token_type_ids", tensor(batch.token_type_ids));
  tensors.emplace_back("attention_mask", tensor(batch.attention_mask));
  return tensors;
}

Result<TextTokenizer> tokenizer_of(const catalog::ModelReference& reference) {
  if (reference.folder.empty()) {
    return bad_input(fmt::format("preset '{}' has no tokenizer", reference.reference),
                     "give a model folder or a downloaded model for real text");
  }
  return TextTokenizer::load(reference.folder);
}

Result<NamedTensors> PlannedWorkload::make_inputs() {
  if (workload_.text.empty()) {
    RIDGELINE_TRY(const auto specs, loaded_->model().input_specs(workload_));
    return synthetic_inputs(specs, workload_.seed, loaded_->dtype, loaded_->device.is_meta());
  }
  RIDGELINE_TRY(tokenizer_, tokenizer_of(loaded_->resolved.reference));
  RIDGELINE_TRY(const NamedTensors tokens, tokenize(*tokenizer_, workload_.text));
  workload_.sequence = tokens.front().second.size(1);
  RIDGELINE_TRY(const auto specs, loaded_->model().input_specs(workload_));
  return check_inputs(specs, tokens, loaded_->dtype);
}

void PlannedWorkload::add_preprocess() {
  if (!tokenizer_) return;
  Phase phase;
  phase.name = "preprocess";
  phase.unit = "sequence";
  phase.items = phases_.front().items;
  phase.call = [this] {
    // The same texts gave tokens when the inputs were made, so this cannot fail.
    auto tokens = tokenize(*tokenizer_, workload_.text);
    return tokens ? *std::move(tokens) : NamedTensors();
  };
  phases_.insert(phases_.begin(), std::move(phase));
}

Result<std::unique_ptr<PlannedWorkload>> PlannedWorkload::plan(const LoadedModel& loaded,
                                                               const Workload& workload,
                                                               const Json& optimizations) {
  std::unique_ptr<PlannedWorkload> planned(new PlannedWorkload(loaded, workload));
  const std::int64_t begin = now_ns();
  RIDGELINE_TRY(NamedTensors inputs, planned->make_inputs());
  for (auto& [name, tensor] : inputs) tensor = tensor.to(loaded.device);
  planned->inputs_ = std::move(inputs);
  planned->inputs_ns_ = now_ns() - begin;

  RunOptions run_options;
  RIDGELINE_TRY(planned->optimizations_, apply_knobs(KnobStage::kPlan, optimizations,
                                                     {.value = {},
                                                      .device = loaded.device,
                                                      .dtype = loaded.dtype,
                                                      .model = &loaded.model(),
                                                      .inputs = &planned->inputs_,
                                                      .run_options = &run_options}));
  loaded.model().set_options(run_options);
  RIDGELINE_TRY(planned->phases_, loaded.model().phases(planned->inputs_, planned->workload_));
  planned->add_preprocess();
  return planned;
}

Json PlannedWorkload::describe() const {
  Json phases = Json::array();
  for (const Phase& phase : phases_) {
    Json items = Json::object();
    for (const auto& [unit, count] : phase.items) items[unit] = count;
    phases.push_back({{"name", phase.name},
                      {"unit", phase.unit},
                      {"items", std::move(items)},
                      {"growing", phase.growing}});
  }
  return {{"phases", std::move(phases)},
          {"optimizations", optimizations_},
          {"workload", {{"batch", workload_.batch}, {"sequence", workload_.sequence}}},
          {"inputs", {{"digest", digest_of(inputs_)}, {"synthetic", workload_.text.empty()}}},
          {"stages", {{{"name", "inputs"}, {"ns", inputs_ns_}}}}};
}

const Phase* PlannedWorkload::find_phase(const std::string& name) const {
  for (const Phase& phase : phases_) {
    if (phase.name == name) return &phase;
  }
  return nullptr;
}

Result<Json> PlannedWorkload::memory(const std::string& name, std::int64_t library_bytes) const {
  const Phase* phase = find_phase(name);
  if (phase == nullptr) return bad_input(fmt::format("no phase '{}' is planned", name));
  if (phase->restore) phase->restore();
  NamedTensors outputs;
  const MemoryUse use = measure_memory([&] {
    outputs = phase->call();
    synchronize(loaded_->device);
  });
  const std::int64_t weights = loaded_->materialised.bytes;
  const std::int64_t inputs = total_bytes(inputs_);
  const std::int64_t cache = phase->cache_bytes;
  return Json{
      {"tracked",
       {{"weights", weights},
        {"cache", cache},
        {"inputs", inputs},
        {"outputs", total_bytes(outputs)},
        {"activations_peak", use.peak_bytes},
        {"peak", weights + cache + inputs + use.peak_bytes}}},
      {"resident",
       {{"library", library_bytes}, {"now", resident_bytes()}, {"peak", peak_resident_bytes()}}},
      {"outputs", {{"digest", digest_of(outputs)}}}};
}

Result<protocol::Runnable*> PlannedWorkload::runnable(const std::string& name) {
  const Phase* phase = find_phase(name);
  if (phase == nullptr) return bad_input(fmt::format("no phase '{}' is planned", name));
  runnable_ = std::make_unique<PhaseRunnable>(*phase, loaded_->device);
  return runnable_.get();
}

}  // namespace ridgeline::native
