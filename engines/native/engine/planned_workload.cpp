// Planning a workload: inputs, knobs, phases.
#include "engines/native/engine/planned_workload.hpp"

#include <ATen/ops/ones.h>
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "base/clock.hpp"
#include "engines/native/device/backend.hpp"
#include "engines/native/device/device.hpp"
#include "engines/native/device/memory.hpp"
#include "engines/native/engine/digest.hpp"
#include "engines/native/engine/op_profile.hpp"
#include "engines/native/engine/phase_runnable.hpp"
#include "engines/native/optimize/knobs.hpp"

namespace ridgeline::native {
namespace {

constexpr std::int64_t kLargestBatch = 1 << 20;
constexpr std::int64_t kLongestSequence = 1 << 24;
constexpr std::int64_t kLargestImage = 1 << 14;
constexpr std::int64_t kLongestSound = 24 * 3600;
constexpr std::string_view kWorkload = "workload";

Result<std::optional<std::int64_t>> optional_size(const Json& fields, const char* key,
                                                  std::int64_t largest) {
  const auto found = fields.is_object() ? fields.find(key) : fields.end();
  if (found == fields.end() || found->is_null()) return std::optional<std::int64_t>();
  RIDGELINE_TRY(const std::int64_t value, get_int(fields, key, kWorkload));
  if (value < 1 || value > largest) {
    return bad_input(fmt::format("{} {} is outside 1 to {}", key, value, largest));
  }
  return std::optional(value);
}

Result<std::int64_t> size_of(const Json& fields, const char* key, std::int64_t largest,
                             std::int64_t fallback) {
  RIDGELINE_TRY(const auto value, optional_size(fields, key, largest));
  return value.value_or(fallback);
}

Result<std::vector<std::string>> strings_of(const Json& fields, const char* key) {
  std::vector<std::string> values;
  const auto found = fields.is_object() ? fields.find(key) : fields.end();
  if (found == fields.end() || found->is_null()) return values;
  if (!found->is_array()) return bad_input(fmt::format("workload: '{}' must be a list", key));
  for (const Json& entry : *found) {
    if (!entry.is_string()) {
      return bad_input(fmt::format("workload: '{}' must be a list of strings", key));
    }
    values.push_back(entry.get<std::string>());
  }
  return values;
}

void repeat_rows(std::vector<std::string>& rows, std::int64_t batch) {
  const std::size_t given = rows.size();
  for (std::size_t i = given; given > 0 && i < static_cast<std::size_t>(batch); ++i) {
    rows.push_back(rows[i % given]);
  }
}

std::int64_t total_bytes(const NamedTensors& tensors) {
  std::int64_t bytes = 0;
  for (const auto& [name, tensor] : tensors) bytes += static_cast<std::int64_t>(tensor.nbytes());
  return bytes;
}

}  // namespace

Result<Workload> workload_from(const Json& fields, bool repeat) {
  Workload workload;
  RIDGELINE_TRY(workload.batch, size_of(fields, "batch", kLargestBatch, 1));
  RIDGELINE_TRY(workload.sequence, size_of(fields, "sequence", kLongestSequence, 128));
  RIDGELINE_TRY(workload.depth, optional_size(fields, "depth", kLongestSequence));
  RIDGELINE_TRY(workload.new_tokens, size_of(fields, "new_tokens", kLongestSequence, 32));
  RIDGELINE_TRY(workload.image_size, optional_size(fields, "image_size", kLargestImage));
  RIDGELINE_TRY(const auto seconds, optional_size(fields, "audio_seconds", kLongestSound));
  if (seconds) workload.audio_seconds = static_cast<double>(*seconds);
  RIDGELINE_TRY(const std::int64_t seed, get_int(fields, "seed", kWorkload, 0));
  workload.seed = static_cast<std::uint64_t>(seed);
  RIDGELINE_TRY(workload.text, strings_of(fields, "text"));
  RIDGELINE_TRY(workload.images, strings_of(fields, "image"));
  RIDGELINE_TRY(workload.audio, strings_of(fields, "audio"));
  RIDGELINE_TRY(workload.chat, get_bool(fields, "chat", kWorkload, false));
  if (!repeat) return workload;
  // The data are the batch; a larger batch repeats them in turn.
  const std::size_t given =
      std::max({workload.text.size(), workload.images.size(), workload.audio.size()});
  workload.batch = std::max<std::int64_t>(workload.batch, static_cast<std::int64_t>(given));
  repeat_rows(workload.text, workload.batch);
  repeat_rows(workload.images, workload.batch);
  repeat_rows(workload.audio, workload.batch);
  return workload;
}

Result<NamedTensors> PlannedWorkload::make_inputs() {
  if (workload_.is_real()) return real_inputs();
  RIDGELINE_TRY(const auto specs, loaded_->model().input_specs(workload_));
  return synthetic_inputs(specs, workload_.seed, loaded_->dtype, loaded_->device.is_meta());
}

Result<NamedTensors> PlannedWorkload::real_inputs() {
  RIDGELINE_TRY(processor_,
                Processor::open(loaded_->resolved.processor_source(), workload_, loaded_->device));
  RIDGELINE_TRY(Processor::Outcome made, (*processor_)(workload_, SoundExtent::kAllWindows));
  workload_.total_audio_seconds = made.audio_seconds;
  Model& model = loaded_->model();
  RIDGELINE_TRY(const Workload shapes, model.workload_of(made.tensors));
  workload_.batch = shapes.batch;
  workload_.sequence = shapes.sequence;
  RIDGELINE_TRY(const auto specs, model.input_specs(shapes));
  // Pictures of another size than the model's need its positions interpolated.
  if (workload_.image_size) {
    for (const InputSpec& spec : specs) {
      if (spec.kind != InputSpec::Kind::kFlag) continue;
      made.tensors.emplace_back(spec.name, at::ones({}, at::kBool));
    }
  }
  RIDGELINE_TRY(NamedTensors inputs, check_inputs(specs, made.tensors, loaded_->dtype));
  for (auto& [name, tensor] : inputs) tensor = tensor.to(loaded_->device);
  return start_tokens(std::move(inputs));
}

// Completes inputs of models whose decoder starts with tokens of its own.
Result<NamedTensors> PlannedWorkload::start_tokens(NamedTensors inputs) {
  Model& model = loaded_->model();
  if (!model.decodes() || find(inputs, "input_ids") != nullptr) return inputs;
  RIDGELINE_TRY(
      const GenerationConfig config,
      GenerationConfig::load(loaded_->resolved.reference.folder, *loaded_->resolved.config));
  RIDGELINE_TRY(NamedTensors complete, model.generation_inputs(inputs, config));
  if (const at::Tensor* ids = find(complete, "decoder_input_ids")) {
    workload_.sequence = ids->size(1);
  }
  return complete;
}

void PlannedWorkload::add_preprocess() {
  if (!processor_) return;
  Phase phase;
  phase.name = "preprocess";
  phase.host_driven = true;
  phase.unit = phases_.front().unit;
  // Each unit that a phase counts, once: a pair of text and picture has both.
  for (const Phase& part : phases_) {
    for (const auto& item : part.items) {
      const bool known = std::any_of(phase.items.begin(), phase.items.end(),
                                     [&](const auto& one) { return one.first == item.first; });
      const bool is_output = part.token_times != nullptr;
      if (!known && !is_output) phase.items.push_back(item);
    }
  }
  phase.call = [this] {
    // The same data gave tensors when the inputs were made, so this cannot fail.
    auto made = (*processor_)(workload_, SoundExtent::kAllWindows);
    return made ? std::move(made->tensors) : NamedTensors();
  };
  // A request begins with its raw data: what is timed from there to the tokens includes this.
  for (Phase& whole : phases_) {
    if (!whole.token_times) continue;
    whole.call = [prepare = phase.call, generate = whole.call] {
      prepare();
      return generate();
    };
  }
  phases_.insert(phases_.begin(), std::move(phase));
}

Result<std::unique_ptr<PlannedWorkload>> PlannedWorkload::with_inputs(const LoadedModel& loaded,
                                                                      const Workload& workload) {
  std::unique_ptr<PlannedWorkload> planned(new PlannedWorkload(loaded, workload));
  const std::int64_t begin = now_ns();
  RIDGELINE_TRY(NamedTensors inputs, planned->make_inputs());
  for (auto& [name, tensor] : inputs) tensor = tensor.to(loaded.device);
  planned->inputs_ = std::move(inputs);
  planned->inputs_ns_ = now_ns() - begin;
  return planned;
}

Result<std::unique_ptr<PlannedWorkload>> PlannedWorkload::plan(const LoadedModel& loaded,
                                                               const Workload& workload,
                                                               const Json& optimizations) {
  RIDGELINE_TRY(std::unique_ptr<PlannedWorkload> planned, with_inputs(loaded, workload));
  RunOptions run_options;
  ExecutionOptions execution;
  RIDGELINE_TRY(planned->optimizations_, apply_knobs(KnobStage::kPlan, optimizations,
                                                     {.value = {},
                                                      .device = loaded.device,
                                                      .dtype = loaded.dtype,
                                                      .model = &loaded.model(),
                                                      .inputs = &planned->inputs_,
                                                      .run_options = &run_options,
                                                      .execution = &execution}));
  loaded.model().set_options(run_options);
  RIDGELINE_TRY(planned->phases_, loaded.model().phases(planned->inputs_, planned->workload_));
  planned->add_preprocess();
  if (execution.record) planned->record_phases();
  return planned;
}

// What became of the recording stands in the place of what the knob hoped for.
void PlannedWorkload::record_phases() {
  recorded_ = RecordedPhases::record(phases_, *backend_);
  const KnobOutcome& outcome = recorded_.outcome();
  for (Json& entry : optimizations_) {
    if (entry.at("id") != "graph") continue;
    entry["applied"] = outcome.applied;
    entry["value"] = outcome.value;
    entry["reason"] = outcome.reason.empty() ? Json() : Json(outcome.reason);
  }
}

PlannedWorkload::PlannedWorkload(const LoadedModel& loaded, Workload workload)
    : loaded_(&loaded), backend_(&backend_of(loaded.device)), workload_(std::move(workload)) {}

PlannedWorkload::~PlannedWorkload() {
  runnable_.reset();
  try {
    // Recorded work holds a pool of its own: it goes back to the device, not to the allocator.
    backend_->wait();
    recorded_ = RecordedPhases();
    backend_->release_unused();
  } catch (const std::exception&) {
    // A device that is lost has nothing to give back, and the next use of it says so.
  }
}

// The sizes that the model really works on; null where it has no such size.
Json PlannedWorkload::actual_workload() const {
  const auto size_in = [&](const char* name, std::int64_t dimension) -> Json {
    const at::Tensor* tensor = find(inputs_, name);
    return tensor == nullptr ? Json() : Json(tensor->size(dimension));
  };
  Json sequence = size_in("input_ids", 1);
  if (sequence.is_null()) sequence = size_in("decoder_input_ids", 1);
  Json actual = {{"batch", workload_.batch}, {"sequence", sequence}};
  if (loaded_->model().decodes()) {
    actual["depth"] = workload_.depth ? Json(*workload_.depth) : sequence;
    actual["new_tokens"] = workload_.new_tokens;
  }
  const Json height = size_in("pixel_values", 2);
  const Json width = size_in("pixel_values", 3);
  if (!height.is_null()) actual["image_size"] = height == width ? height : Json{height, width};
  if (workload_.total_audio_seconds) actual["audio_seconds"] = *workload_.total_audio_seconds;
  return actual;
}

Json PlannedWorkload::describe() const {
  Json phases = Json::array();
  for (const Phase& phase : phases_) {
    Json items = Json::object();
    for (const auto& [unit, count] : phase.items) items[unit] = count;
    phases.push_back({{"name", phase.name},
                      {"unit", phase.unit},
                      {"items", std::move(items)},
                      {"growing", phase.growing},
                      {"tokens_per_call", phase.token_times ? workload_.new_tokens : 0}});
  }
  return {{"phases", std::move(phases)},
          {"optimizations", optimizations_},
          {"workload", actual_workload()},
          {"inputs", {{"digest", digest_of(inputs_)}, {"synthetic", !workload_.is_real()}}},
          {"stages", stages()}};
}

Json PlannedWorkload::stages() const {
  Json stages = Json::array();
  stages.push_back({{"name", "inputs"}, {"ns", inputs_ns_}});
  if (recorded_.ns() > 0) stages.push_back({{"name", "capture"}, {"ns", recorded_.ns()}});
  return stages;
}

// Null where the device has no memory of its own.
Json PlannedWorkload::device_memory() const {
  const std::optional<DeviceMemory> memory = backend_->memory();
  if (!memory) return nullptr;
  return {{"allocated", memory->allocated},
          {"allocated_peak", memory->peak_allocated},
          {"reserved", memory->reserved},
          {"reserved_peak", memory->peak_reserved},
          {"graphs", recorded_.pool_bytes()},
          {"used", memory->used},
          {"total", memory->total}};
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
  // Call by call, also where a recording is what runs: its allocations were made long ago.
  if (phase->restore) phase->restore();
  backend_->release_unused();
  backend_->reset_peak();
  NamedTensors outputs;
  const MemoryUse use = measure_memory([&] {
    outputs = phase->call();
    backend_->wait();
  });
  const std::string digest = output_digest(*phase, outputs);
  const std::int64_t weights = loaded_->materialised.bytes;
  const std::int64_t inputs = total_bytes(inputs_);
  const std::int64_t cache = phase->cache_bytes;
  const std::int64_t packed = loaded_->second_layout_bytes();
  return Json{
      {"tracked",
       {{"weights", weights},
        {"packed", packed},
        {"cache", cache},
        {"inputs", inputs},
        {"outputs", total_bytes(outputs)},
        {"activations_peak", use.peak_bytes},
        {"peak", weights + packed + cache + inputs + use.peak_bytes}}},
      {"resident",
       {{"library", library_bytes}, {"now", resident_bytes()}, {"peak", peak_resident_bytes()}}},
      {"device", device_memory()},
      {"outputs", {{"digest", digest}}}};
}

Result<Json> PlannedWorkload::profile(const std::string& name, double seconds) const {
  const Phase* phase = find_phase(name);
  if (phase == nullptr) return bad_input(fmt::format("no phase '{}' is planned", name));
  return profile_ops(*phase, *backend_, seconds, recorded_.find(name) != nullptr);
}

// Of what is timed: a replay writes its outputs to a place of their own.
std::string PlannedWorkload::output_digest(const Phase& phase, const NamedTensors& called) const {
  const RecordedPhase* recorded = recorded_.find(phase.name);
  if (recorded == nullptr) return digest_of(called);
  if (phase.restore) phase.restore();
  recorded->graph->replay();
  backend_->wait();
  return digest_of(recorded->outputs);
}

Result<protocol::Runnable*> PlannedWorkload::runnable(const std::string& name) {
  const Phase* phase = find_phase(name);
  if (phase == nullptr) return bad_input(fmt::format("no phase '{}' is planned", name));
  runnable_ = std::make_unique<PhaseRunnable>(*phase, recorded_.find(name), *backend_);
  return runnable_.get();
}

}  // namespace ridgeline::native
