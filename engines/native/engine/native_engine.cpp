// Messages of the protocol, one function each.
#include "engines/native/engine/native_engine.hpp"

#include <c10/util/Exception.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <nlohmann/json.hpp>

#include "base/clock.hpp"
#include "base/json_values.hpp"
#include "engines/native/device/device.hpp"
#include "engines/native/device/identity.hpp"
#include "engines/native/device/memory.hpp"
#include "engines/native/engine/cost.hpp"
#include "engines/native/engine/digest.hpp"
#include "engines/native/engine/probe.hpp"
#include "engines/native/engine/synthesize.hpp"
#include "engines/native/generate/greedy.hpp"
#include "engines/native/ops/cpu/parallel.hpp"
#include "engines/native/optimize/knobs.hpp"
#include "engines/native/scope/tensor_file.hpp"

namespace ridgeline::native {
namespace {

Json optimizations_of(const Json& fields) {
  const auto found = fields.find("optimizations");
  return found != fields.end() && found->is_array() ? *found : Json::array();
}

// Weights in 8 bits, as far as a cost from shapes alone can know.
bool asks_for_int8(const Json& optimizations) {
  return std::any_of(optimizations.begin(), optimizations.end(), [](const Json& one) {
    return text_in(one, "id") == "quantize" && text_in(one, "value") == "int8";
  });
}

const Json& workload_field(const Json& fields) {
  static const Json empty = Json::object();
  const auto found = fields.find("workload");
  return found != fields.end() && found->is_object() ? *found : empty;
}

Json shapes_of(const NamedTensors& tensors) {
  Json shapes = Json::object();
  for (const auto& [name, tensor] : tensors) shapes[name] = tensor.sizes().vec();
  return shapes;
}

// Bounds the cache that a request can ask for; no model has a longer context.
constexpr std::int64_t kMostNewTokens = std::int64_t{1} << 24;

Error nothing_loaded() {
  return {ErrorClass::kProtocol, "no model is loaded", "send `load` first"};
}

}  // namespace

NativeEngine::NativeEngine() : library_bytes_(resident_bytes()) {}

Result<Json> NativeEngine::hello(const protocol::Request&) {
  return Json{{"name", "native"},
              {"version", RIDGELINE_VERSION},
              {"versions",
               {{"torch", RIDGELINE_TORCH_VERSION},
                {"compiler", __VERSION__},
                {"openmp", ops::cpu::openmp_runtime()}}},
              {"devices", list_devices()},
              {"abilities",
               {{"messages",
                 {"load", "plan", "cost", "run", "stop", "memory", "profile", "inputs", "forward",
                  "generate", "prepare", "synthesize", "probe"}},
                {"dtypes", {"float32", "bfloat16", "float16"}}}},
              {"knobs", knobs_json()}};
}

Result<Json> NativeEngine::handle(const protocol::Request& request) {
  const std::string_view message = request.message;
  if (message == "load") return load_model(request.fields);
  if (message == "plan") return plan(request.fields);
  if (message == "cost") return cost(request.fields);
  if (message == "memory") return memory(request.fields);
  if (message == "profile") return profile(request.fields);
  if (message == "inputs") return inputs(request.fields);
  if (message == "forward") return forward(request.fields);
  if (message == "generate") return generate(request.fields);
  if (message == "prepare") return prepare(request.fields);
  if (message == "synthesize") return synthesize(request.fields);
  if (message == "probe") return probe(request.fields, request.progress);
  return protocol::unknown_message(message);
}

Result<Json> NativeEngine::load_model(const Json& fields) {
  planned_.reset();
  loaded_.reset();
  RIDGELINE_TRY(const std::string mode, get_string(fields, "mode", "load", ""));
  if (!mode.empty()) {
    return bad_input(fmt::format("the native engine has no mode '{}'", mode),
                     "write --engine native; its choices are those of --optimize");
  }
  const Json asked = optimizations_of(fields);
  RIDGELINE_CHECK(check_knob_ids(asked));
  RIDGELINE_TRY(const LoadRequest request, LoadRequest::from(fields));
  // Affinity and threads first: everything after inherits them, synthetic weights included.
  const KnobContext context{.value = {}, .device = at::kCPU, .dtype = at::kFloat};
  RIDGELINE_TRY(Json outcomes, apply_knobs(KnobStage::kProcess, asked, context));
  const std::int64_t library_before = cuda_load_ns();
  RIDGELINE_TRY(LoadedModel loaded, native::load(request));
  loaded_.emplace(std::move(loaded));
  const std::int64_t library_ns = cuda_load_ns() - library_before;
  const std::int64_t begin = now_ns();
  RIDGELINE_TRY(const Json packed, apply_knobs(KnobStage::kLoad, asked,
                                               {.value = {},
                                                .device = loaded_->device,
                                                .dtype = loaded_->dtype,
                                                .declarations = loaded_->built.declarations.get(),
                                                .weight_bytes = &loaded_->materialised.bytes,
                                                .model = &loaded_->model()}));
  const std::int64_t pack_ns = now_ns() - begin;
  for (const Json& outcome : packed) outcomes.push_back(outcome);
  return Json{{"model", loaded_->describe()},
              {"stages",
               {{{"name", "library"}, {"ns", library_ns}},
                {{"name", "context"}, {"ns", loaded_->context_ns - library_ns}},
                {{"name", "read"}, {"ns", loaded_->materialised.read_ns}},
                {{"name", "transfer"}, {"ns", loaded_->materialised.transfer_ns}},
                {{"name", "pack"}, {"ns", pack_ns}}}},
              {"optimizations", std::move(outcomes)}};
}

Result<Json> NativeEngine::plan(const Json& fields) {
  if (!loaded_) return nothing_loaded();
  planned_.reset();
  RIDGELINE_TRY(const Workload workload, workload_from(workload_field(fields)));
  RIDGELINE_TRY(planned_, PlannedWorkload::plan(*loaded_, workload, optimizations_of(fields)));
  return planned_->describe();
}

Result<Json> NativeEngine::cost(const Json& fields) {
  if (planned_ && !fields.contains("workload")) {
    return cost_of(loaded_->resolved, loaded_->dtype, planned_->workload(), &planned_->inputs(),
                   loaded_->has_int8_weights(), loaded_->second_layout_bytes());
  }
  RIDGELINE_TRY(const Workload workload, workload_from(workload_field(fields)));
  if (loaded_ && !fields.contains("model")) {
    return cost_of(loaded_->resolved, loaded_->dtype, workload, nullptr,
                   loaded_->has_int8_weights(), loaded_->second_layout_bytes());
  }
  RIDGELINE_TRY(const LoadRequest request, LoadRequest::from(fields));
  RIDGELINE_TRY(const at::ScalarType dtype, dtype_from(request.dtype));
  RIDGELINE_TRY(const ResolvedModel resolved, resolve(request));
  return cost_of(resolved, dtype, workload, nullptr, asks_for_int8(optimizations_of(fields)));
}

Result<Json> NativeEngine::memory(const Json& fields) {
  if (!planned_) return nothing_loaded();
  RIDGELINE_TRY(const std::string phase, get_string(fields, "phase", "memory"));
  return planned_->memory(phase, library_bytes_);
}

Result<Json> NativeEngine::profile(const Json& fields) {
  constexpr double kMostSeconds = 600;
  if (!planned_) return nothing_loaded();
  RIDGELINE_TRY(const std::string phase, get_string(fields, "phase", "profile"));
  RIDGELINE_TRY(const double seconds, get_number(fields, "seconds", "profile", 0.5));
  if (!(seconds >= 0 && seconds <= kMostSeconds)) {
    return bad_input(fmt::format("profile: {} seconds are not between 0 and 600", seconds));
  }
  return planned_->profile(phase, seconds);
}

// The tensors of the file that the message names, or of its texts, pictures and sounds; checked, on
// the device.
Result<NamedTensors> NativeEngine::read_inputs(const Json& fields, std::string_view message) {
  NamedTensors given;
  if (fields.contains("inputs")) {
    RIDGELINE_TRY(const std::string from, get_string(fields, "inputs", message));
    RIDGELINE_TRY(given, read_tensors(from));
  } else {
    RIDGELINE_TRY(const Workload data, workload_from(fields, /*repeat=*/false));
    if (!data.is_real()) return bad_input(fmt::format("{}: no inputs", message));
    RIDGELINE_TRY(Processor processor,
                  Processor::open(loaded_->resolved.processor_source(), data, loaded_->device));
    RIDGELINE_TRY(Processor::Outcome made, processor(data, SoundExtent::kFirstWindow));
    given = std::move(made.tensors);
  }
  const Model& model = loaded_->model();
  RIDGELINE_TRY(const Workload workload, model.workload_of(given));
  RIDGELINE_TRY(const auto specs, model.input_specs(workload));
  RIDGELINE_TRY(NamedTensors inputs, check_inputs(specs, given, loaded_->dtype));
  for (auto& [name, tensor] : inputs) tensor = tensor.to(loaded_->device);
  return inputs;
}

// Writes what a workload's phases would be given, all of it or the tensors that `names` lists, so
// that another engine can be given the same. A model that decodes says so.
Result<Json> NativeEngine::inputs(const Json& fields) {
  if (!loaded_) return nothing_loaded();
  if (loaded_->device.is_meta()) return bad_input("meta weights have inputs without values");
  RIDGELINE_TRY(const std::string to, get_string(fields, "outputs", "inputs"));
  RIDGELINE_TRY(const Workload workload, workload_from(workload_field(fields)));
  planned_.reset();
  RIDGELINE_TRY(const auto planned, PlannedWorkload::with_inputs(*loaded_, workload));
  const Json& names = entry_of(fields, "names");
  NamedTensors kept;
  for (const auto& [name, tensor] : planned->inputs()) {
    const bool is_named =
        !names.is_array() || std::find(names.begin(), names.end(), Json(name)) != names.end();
    if (is_named) kept.emplace_back(name, tensor);
  }
  if (kept.empty()) return bad_input("inputs: the model has none of the named ones");
  RIDGELINE_CHECK(write_tensors(to, kept, /*widen=*/true));
  return Json{{"outputs", shapes_of(kept)},
              {"digest", digest_of(kept)},
              {"synthetic", !planned->workload().is_real()},
              {"decodes", loaded_->model().decodes()}};
}

Result<Json> NativeEngine::set_run_options(const Json& fields, const NamedTensors& inputs) {
  Model& model = loaded_->model();
  RunOptions run_options;
  RIDGELINE_TRY(Json outcomes, apply_knobs(KnobStage::kPlan, optimizations_of(fields),
                                           {.value = {},
                                            .device = loaded_->device,
                                            .dtype = loaded_->dtype,
                                            .model = &model,
                                            .inputs = &inputs,
                                            .run_options = &run_options}));
  model.set_options(run_options);
  return outcomes;
}

Result<Json> NativeEngine::forward(const Json& fields) {
  if (!loaded_) return nothing_loaded();
  RIDGELINE_TRY(const std::string to, get_string(fields, "outputs", "forward"));
  RIDGELINE_TRY(const NamedTensors inputs, read_inputs(fields, "forward"));
  RIDGELINE_TRY(Json outcomes, set_run_options(fields, inputs));
  RIDGELINE_TRY(const Phase phase, loaded_->model().forward(inputs));
  const NamedTensors outputs = phase.call();
  synchronize(loaded_->device);
  RIDGELINE_CHECK(write_tensors(to, outputs, /*widen=*/true));
  return Json{{"outputs", shapes_of(outputs)},
              {"digest", digest_of(outputs)},
              {"optimizations", std::move(outcomes)}};
}

// What was generated, as text, where the model has a tokenizer: new tokens only.
Json NativeEngine::texts_of(const Generated& generated) const {
  const auto tokenizer = TextTokenizer::load(loaded_->resolved.reference.folder);
  if (!tokenizer) return nullptr;
  const at::Tensor tokens = generated.tokens.cpu().contiguous();
  Json texts = Json::array();
  for (std::int64_t row = 0; row < tokens.size(0); ++row) {
    const at::Tensor ids = tokens[row];
    const auto text = tokenizer->decode(
        {ids.const_data_ptr<std::int64_t>(), static_cast<std::size_t>(ids.numel())},
        /*skip_special_tokens=*/true);
    texts.push_back(text ? Json(*text) : Json());
  }
  return texts;
}

Result<Json> NativeEngine::generate(const Json& fields) {
  if (!loaded_) return nothing_loaded();
  RIDGELINE_TRY(const std::string to, get_string(fields, "outputs", "generate", ""));
  RIDGELINE_TRY(const std::int64_t tokens, get_int(fields, "max_new_tokens", "generate"));
  RIDGELINE_TRY(const bool logits, get_bool(fields, "logits", "generate", false));
  if (tokens < 1 || tokens > kMostNewTokens) {
    return bad_input(fmt::format("max_new_tokens {} is outside 1 to {}", tokens, kMostNewTokens));
  }
  Model& model = loaded_->model();
  if (!model.decodes()) return model.decoding({}, tokens).error();
  RIDGELINE_TRY(const NamedTensors given, read_inputs(fields, "generate"));
  RIDGELINE_TRY(Json outcomes, set_run_options(fields, given));
  RIDGELINE_TRY(
      const GenerationConfig config,
      GenerationConfig::load(loaded_->resolved.reference.folder, *loaded_->resolved.config));
  RIDGELINE_TRY(const NamedTensors inputs, model.generation_inputs(given, config));
  RIDGELINE_TRY(const auto decoding, model.decoding(inputs, tokens));
  RIDGELINE_TRY(const Generated generated, generate_greedy(*decoding, config, tokens, logits));
  NamedTensors outputs = {{"sequences", generated.sequences}};
  if (logits) outputs.emplace_back("logits", generated.logits);
  if (!to.empty()) RIDGELINE_CHECK(write_tensors(to, outputs, /*widen=*/true));
  return Json{{"outputs", shapes_of(outputs)},
              {"texts", texts_of(generated)},
              {"digest", digest_of(outputs)},
              {"optimizations", std::move(outcomes)}};
}

Result<Json> NativeEngine::prepare(const Json& fields) {
  RIDGELINE_TRY(const std::string model, get_string(fields, "model", "prepare"));
  RIDGELINE_TRY(const std::string to, get_string(fields, "outputs", "prepare"));
  RIDGELINE_TRY(const Workload workload, workload_from(fields, /*repeat=*/false));
  if (!workload.is_real()) {
    return bad_input("nothing to prepare",
                     "give --text, --image or --audio (several make a batch)");
  }
  // Only pictures and sounds depend on the family: a folder with a tokenizer alone serves for text.
  ResolvedModel resolved;
  RIDGELINE_TRY(resolved.reference, catalog::resolve_model(model, catalog::process_environment()));
  if (!workload.images.empty() || !workload.audio.empty()) {
    RIDGELINE_TRY(const LoadRequest request, LoadRequest::from(fields));
    RIDGELINE_TRY(resolved, resolve(request));
  }
  RIDGELINE_TRY(Processor processor,
                Processor::open(resolved.processor_source(), workload, at::kCPU));
  RIDGELINE_TRY(const Processor::Outcome made, processor(workload, SoundExtent::kFirstWindow));
  RIDGELINE_CHECK(write_tensors(to, made.tensors, /*widen=*/false));
  return Json{{"outputs", shapes_of(made.tensors)}, {"digest", digest_of(made.tensors)}};
}

Result<Json> NativeEngine::synthesize(const Json& fields) {
  RIDGELINE_TRY(LoadRequest request, LoadRequest::from(fields));
  RIDGELINE_TRY(const std::string folder, get_string(fields, "outputs", "synthesize"));
  request.weights = "synthetic";
  return write_synthetic_checkpoint(request, folder);
}

Result<protocol::Runnable*> NativeEngine::runnable(const protocol::RunRequest& run) {
  if (!planned_) return nothing_loaded();
  if (loaded_->device.is_meta()) {
    return bad_input("meta weights have no values to compute with",
                     "use `ridgeline cost` for a model without weights");
  }
  return planned_->runnable(run.phase);
}

void NativeEngine::on_quit(const protocol::Request&) {
  planned_.reset();
  loaded_.reset();
}

Error NativeEngine::describe(const std::exception& exception) {
  const auto* torch = dynamic_cast<const c10::Error*>(&exception);
  if (torch == nullptr) return Engine::describe(exception);
  std::string text = torch->what_without_backtrace();
  text = text.substr(0, text.find('\n'));
  Error error{ErrorClass::kInternal, text, ""};
  constexpr std::string_view kTried = "you tried to allocate ";
  const std::size_t tried = text.find(kTried);
  const bool device = dynamic_cast<const c10::OutOfMemoryError*>(&exception) != nullptr;
  if (device || tried != std::string::npos) {
    error.error_class = device ? ErrorClass::kOomDevice : ErrorClass::kOomHost;
    error.remedy = "use a smaller batch, sequence, model or dtype";
    if (tried != std::string::npos) {
      error.bytes_needed = std::atoll(text.c_str() + tried + kTried.size());
    }
  }
  return error;
}

}  // namespace ridgeline::native
