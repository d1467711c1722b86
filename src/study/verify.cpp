// One engine after the other, then the judgement.
#include "study/verify.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/host_memory.hpp"
#include "base/json_values.hpp"
#include "catalog/model_reference.hpp"
#include "measure/engine_locator.hpp"
#include "protocol/client.hpp"
#include "study/scratch_folder.hpp"
#include "study/verify_bounds.hpp"
#include "study/verify_outputs.hpp"

namespace ridgeline::study {
namespace {

using measure::Configuration;
using protocol::Worker;

// What a prompt of generate() is made of; other inputs of forward() do not belong there.
constexpr const char* kPromptNames[] = {"input_ids", "attention_mask", "pixel_values",
                                        "input_features"};

// Files in the scratch folder.
constexpr const char* kWeights = "model";
constexpr const char* kInputs = "inputs.safetensors";
constexpr const char* kPrompt = "prompt.safetensors";
constexpr const char* kNativeOutputs = "native.safetensors";
constexpr const char* kPeerOutputs = "peer.safetensors";
constexpr const char* kNativeTokens = "native-tokens.safetensors";
constexpr const char* kPeerTokens = "peer-tokens.safetensors";

// Of a list, or of what is none: then nothing.
std::vector<std::string> texts_of(const Json& list) {
  std::vector<std::string> texts;
  for (const Json& entry : list) {
    if (entry.is_string()) texts.push_back(entry.get<std::string>());
  }
  return texts;
}

std::shared_ptr<const Json> identity_of(const Json& hello) {
  return std::make_shared<const Json>(Json{{"name", entry_of(hello, "name")},
                                           {"version", entry_of(hello, "version")},
                                           {"versions", entry_of(hello, "versions")}});
}

// What native's replies to `load` and to the call after it say about its optimizations.
Json in_force(const Json& loaded, const Json& called) {
  Json all = Json::array();
  for (const Json* reply : {&loaded, &called}) {
    const Json& some = entry_of(*reply, "optimizations");
    if (some.is_array()) all.insert(all.end(), some.begin(), some.end());
  }
  return all;
}

class Verifier {
 public:
  Verifier(const VerifyOptions& options, const VerifyBound& bound, ScratchFolder scratch)
      : options_(options), bound_(bound), scratch_(std::move(scratch)) {}

  Result<Verification> run() {
    result_.model = options_.configuration.model;
    result_.dtype = options_.configuration.dtype;
    result_.device = options_.configuration.device;
    result_.workload = options_.workload;
    result_.reference = bound_.is_direct ? result_.dtype : "float32";
    RIDGELINE_CHECK(run_native());
    RIDGELINE_CHECK(run_peer());
    return std::move(result_);
  }

 private:
  Result<std::unique_ptr<Worker>> start(const std::string& engine) {
    stage(engine, "start");
    RIDGELINE_TRY(const auto command,
                  measure::engine_command(engine, options_.configuration.engine_python));
    return Worker::start(command, options_.interrupt);
  }

  void stage(const std::string& engine, std::string_view what) const {
    if (options_.on_stage) options_.on_stage(fmt::format("{}: {}", engine, what));
  }

  Result<Json> ask(Worker& worker, const std::string& engine, std::string_view message,
                   const Json& fields) const {
    stage(engine, message);
    return worker.request(message, fields, protocol::usual_deadlines(message));
  }

  // The configuration of one side; the folder that both load is decided by then.
  Configuration side(const std::string& engine, const std::string& dtype) const {
    Configuration configuration = options_.configuration;
    configuration.engine = engine;
    configuration.model = folder_;
    configuration.weights = "checkpoint";
    configuration.dtype = dtype;
    return configuration;
  }

  // Settles which folder both sides load, and writes it where there is none.
  Status settle_weights(Worker& native);
  Status check_room(Worker& native) const;
  Status run_native();
  Result<Json> generate_native(Worker& native, const Json& optimizations);
  Status run_peer();
  Status compare_outputs(Worker& peer);
  // The peer in float32, where outputs in a short dtype are compared with it.
  Status load_peer(Worker& peer, const std::string& dtype);
  Result<std::vector<OutputCheck>> differences(Worker& peer, const char* expected, bool is_ours);
  Status compare_tokens();
  double swap_bound() const;

  const VerifyOptions& options_;
  const VerifyBound bound_;
  const ScratchFolder scratch_;
  std::string folder_;
  bool decodes_ = false;
  std::int64_t prompt_ = 0;  // columns of tokens that the prompt has
  Verification result_;
};

Status Verifier::check_room(Worker& native) const {
  Configuration asked = options_.configuration;
  asked.engine = "native";
  asked.knobs.clear();
  Json fields = measure::load_fields(asked);
  // Any workload will do, the smallest fits every model: only the parameters are wanted.
  fields["workload"] = {{"batch", 1}, {"sequence", 1}};
  RIDGELINE_TRY(const Json cost, ask(native, "native", "cost", fields));
  double parameters = 0;
  for (const Json& phase : entry_of(cost, "phases")) {
    parameters = std::max(parameters, number_in(phase, "parameters").value_or(0));
  }
  const double bytes = parameters * (asked.dtype == "float32" ? 4 : 2);
  const double beside = 64e6;  // config, inputs and outputs of usual sizes
  RIDGELINE_CHECK(scratch_.check_room(1.05 * bytes + beside, "a checkpoint for both engines"));
  const auto memory = available_host_bytes();
  if (!memory || bytes <= static_cast<double>(*memory)) return {};
  return Error{ErrorClass::kOomHost,
               fmt::format("writing the weights takes {:.2f} GB of memory, {:.2f} GB are left",
                           bytes / 1e9, static_cast<double>(*memory) / 1e9),
               "verify a smaller model"};
}

Status Verifier::settle_weights(Worker& native) {
  RIDGELINE_TRY(const auto reference, catalog::resolve_model(options_.configuration.model,
                                                             catalog::process_environment()));
  const bool synthetic = options_.configuration.weights == "synthetic";
  if (!reference.folder.empty() && !synthetic) {
    folder_ = reference.folder;
    result_.weights = "checkpoint";
    return {};
  }
  if (options_.configuration.weights == "checkpoint") {
    return bad_input(fmt::format("preset '{}' has no weights of its own", result_.model),
                     "give a folder, or use --weights synthetic");
  }
  RIDGELINE_CHECK(check_room(native));
  Configuration asked = options_.configuration;
  asked.engine = "native";
  Json fields = measure::load_fields(asked);
  fields["outputs"] = scratch_.at(kWeights);
  RIDGELINE_TRY(const Json written, ask(native, "native", "synthesize", fields));
  folder_ = scratch_.at(kWeights);
  result_.weights = "synthetic";
  return {};
}

Status Verifier::run_native() {
  RIDGELINE_TRY(const auto native, start("native"));
  result_.native = identity_of(native->hello());
  RIDGELINE_CHECK(settle_weights(*native));
  const Configuration ours = side("native", result_.dtype);
  RIDGELINE_TRY(const Json loaded, ask(*native, "native", "load", measure::load_fields(ours)));
  const Json optimizations = measure::wire_optimizations(ours);
  RIDGELINE_TRY(const Json inputs, ask(*native, "native", "inputs",
                                       {{"workload", measure::wire_workload(options_.workload)},
                                        {"optimizations", optimizations},
                                        {"outputs", scratch_.at(kInputs)}}));
  decodes_ = entry_of(inputs, "decodes") == true && options_.new_tokens > 0;
  RIDGELINE_TRY(const Json outputs, ask(*native, "native", "forward",
                                        {{"inputs", scratch_.at(kInputs)},
                                         {"optimizations", optimizations},
                                         {"outputs", scratch_.at(kNativeOutputs)}}));
  Json ran = {{"forward", in_force(loaded, outputs)}};
  if (decodes_) {
    RIDGELINE_TRY(const Json generated, generate_native(*native, optimizations));
    ran["generate"] = in_force(loaded, generated);
  }
  result_.optimizations = std::make_shared<const Json>(std::move(ran));
  return native->quit();
}

Result<Json> Verifier::generate_native(Worker& native, const Json& optimizations) {
  Json names = Json::array();
  for (const char* name : kPromptNames) names.push_back(name);
  RIDGELINE_TRY(const Json prompt, ask(native, "native", "inputs",
                                       {{"workload", measure::wire_workload(options_.workload)},
                                        {"optimizations", optimizations},
                                        {"names", names},
                                        {"outputs", scratch_.at(kPrompt)}}));
  // Models that encode something else first return the new tokens alone.
  const Json& ids = entry_of(entry_of(prompt, "outputs"), "input_ids");
  if (ids.is_array() && ids.size() == 2 && ids[1].is_number_integer()) {
    prompt_ = ids[1].get<std::int64_t>();
  }
  return ask(native, "native", "generate",
             {{"inputs", scratch_.at(kPrompt)},
              {"optimizations", optimizations},
              {"max_new_tokens", options_.new_tokens},
              {"logits", true},
              {"outputs", scratch_.at(kNativeTokens)}});
}

Status Verifier::load_peer(Worker& peer, const std::string& dtype) {
  const std::string& engine = options_.configuration.engine;
  Configuration theirs = side(engine, dtype);
  theirs.knobs.clear();  // those are of the native engine
  stage(engine, "load " + dtype);
  const Result<Json> loaded =
      peer.request("load", measure::load_fields(theirs), protocol::usual_deadlines("load"));
  if (!loaded) return loaded.error();
  return {};
}

// How far the tensors of a file are from the outputs of what the peer has loaded.
Result<std::vector<OutputCheck>> Verifier::differences(Worker& peer, const char* expected,
                                                       bool is_ours) {
  RIDGELINE_TRY(const Json reply,
                ask(peer, options_.configuration.engine, "verify",
                    {{"inputs", scratch_.at(kInputs)}, {"expected", scratch_.at(expected)}}));
  std::vector<OutputCheck> checks;
  for (const Json& entry : entry_of(reply, "outputs")) {
    RIDGELINE_TRY(checks.emplace_back(), output_from(entry));
  }
  if (is_ours) {
    result_.only_native = texts_of(entry_of(reply, "missing"));
    result_.only_peer = texts_of(entry_of(reply, "unexpected"));
  }
  return checks;
}

Status Verifier::compare_outputs(Worker& peer) {
  std::vector<OutputCheck> own;
  if (!bound_.is_direct) {
    RIDGELINE_CHECK(load_peer(peer, result_.reference));
    RIDGELINE_TRY(own, differences(peer, kPeerOutputs, false));
  }
  RIDGELINE_TRY(result_.outputs, differences(peer, kNativeOutputs, true));
  const std::optional<double> largest = largest_error(own);
  for (OutputCheck& check : result_.outputs) {
    const auto peers = std::find_if(own.begin(), own.end(),
                                    [&](const OutputCheck& one) { return one.name == check.name; });
    judge(check, bound_, peers == own.end() ? nullptr : &*peers, largest);
  }
  return {};
}

Status Verifier::run_peer() {
  const std::string& engine = options_.configuration.engine;
  RIDGELINE_TRY(const auto peer, start(engine));
  result_.peer = identity_of(peer->hello());
  RIDGELINE_CHECK(load_peer(*peer, result_.dtype));
  if (!bound_.is_direct) {
    RIDGELINE_TRY(const Json outputs,
                  ask(*peer, engine, "forward",
                      {{"inputs", scratch_.at(kInputs)}, {"outputs", scratch_.at(kPeerOutputs)}}));
  }
  if (decodes_) {
    RIDGELINE_TRY(const Json tokens, ask(*peer, engine, "generate",
                                         {{"inputs", scratch_.at(kPrompt)},
                                          {"max_new_tokens", options_.new_tokens},
                                          {"outputs", scratch_.at(kPeerTokens)}}));
  }
  RIDGELINE_CHECK(compare_outputs(*peer));
  if (decodes_) RIDGELINE_CHECK(compare_tokens());
  (void)peer->quit();  // what it had to say is here; how it ends does not matter
  return {};
}

// Of the logits, or where a model has none that are called so, of the output that may be off most.
double Verifier::swap_bound() const {
  double largest = 0;
  std::optional<double> logits;
  for (const OutputCheck& check : result_.outputs) {
    const double bound = check.bound.value_or(0);
    largest = std::max(largest, bound);
    if (check.name.find("logits") != std::string::npos)
      logits = std::max(logits.value_or(0), bound);
  }
  return bound_.swap * logits.value_or(largest);
}

Status Verifier::compare_tokens() {
  RIDGELINE_TRY(const TensorFile ours, TensorFile::open(scratch_.at(kNativeTokens)));
  RIDGELINE_TRY(const TensorFile theirs, TensorFile::open(scratch_.at(kPeerTokens)));
  RIDGELINE_TRY(result_.tokens, check_tokens(ours, theirs, prompt_, swap_bound()));
  return {};
}

}  // namespace

bool Verification::passed() const {
  return !outputs.empty() && only_native.empty() && only_peer.empty() &&
         std::all_of(outputs.begin(), outputs.end(),
                     [](const OutputCheck& one) { return one.passed(); }) &&
         (!tokens || tokens->passed());
}

Result<Verification> verify(const VerifyOptions& options) {
  RIDGELINE_TRY(const VerifyBound bound, verify_bound(options.configuration.dtype));
  if (options.configuration.weights == "meta") {
    return bad_input("meta weights have no values to compare", "use checkpoint or synthetic ones");
  }
  // Both must be there before minutes are spent on the first.
  for (const std::string& engine : {std::string("native"), options.configuration.engine}) {
    if (const auto found = measure::locate_engine(engine); !found) return found.error();
  }
  RIDGELINE_TRY(ScratchFolder scratch, ScratchFolder::create());
  return Verifier(options, bound, std::move(scratch)).run();
}

Json to_json(const Verification& verification) {
  Json outputs = Json::array();
  for (const OutputCheck& check : verification.outputs) outputs.push_back(to_json(check));
  return {{"schema", "ridgeline-verify/1"},
          {"model", verification.model},
          {"weights", verification.weights},
          {"dtype", verification.dtype},
          {"device", verification.device},
          {"workload", measure::to_json(verification.workload)},
          {"native", verification.native ? *verification.native : Json()},
          {"peer", verification.peer ? *verification.peer : Json()},
          {"optimizations", verification.optimizations ? *verification.optimizations : Json()},
          {"reference", verification.reference},
          {"outputs", std::move(outputs)},
          {"only_native", verification.only_native},
          {"only_peer", verification.only_peer},
          {"tokens", verification.tokens ? to_json(*verification.tokens) : Json()},
          {"passed", verification.passed()}};
}

}  // namespace ridgeline::study
