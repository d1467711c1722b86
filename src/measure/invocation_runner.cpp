// Starting a worker, loading, and timing each case in it.
#include "measure/invocation_runner.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/clock.hpp"
#include "base/json_values.hpp"
#include "measure/engine_locator.hpp"
#include "measure/machine_state.hpp"
#include "measure/native_cost.hpp"
#include "measure/op_pass.hpp"
#include "measure/plan_invocations.hpp"
#include "measure/schedule.hpp"
#include "measure/sensor_passes.hpp"

namespace ridgeline::measure {
namespace {

using Stages = std::vector<std::pair<std::string, double>>;

// Bounds the sample file that an engine can ask for.
constexpr std::int64_t kMostTokensPerCall = 1 << 20;

// Beside other phases it is no more than a side figure.
constexpr std::string_view kSidePhase = "preprocess";

double seconds_of(std::int64_t ns) {
  return 1e-9 * static_cast<double>(ns);
}

// Adds the stages that a reply lists: [{"name","ns"}].
void add_stages(const Json& reply, Stages& stages) {
  for (const Json& stage : entry_of(reply, "stages")) {
    const Json& name = entry_of(stage, "name");
    const Json& ns = entry_of(stage, "ns");
    if (name.is_string() && ns.is_number()) {
      stages.emplace_back(name.get<std::string>(), 1e-9 * ns.get<double>());
    }
  }
}

// The versions that are told: what an engine lacks has none.
Json versions_of(const Json& hello) {
  Json versions = Json::object();
  for (const auto& [name, version] : entry_of(hello, "versions").items()) {
    if (version.is_string()) versions[name] = version;
  }
  return versions;
}

// A worker with the model in it, and what that took.
struct Loaded {
  std::unique_ptr<protocol::Worker> worker;
  Json engine;
  Json reply;
  Stages stages;
  double seconds = 0;
};

// What an engine says its planned phases cost, or why it does not.
struct StatedCost {
  Json phases;
  std::string reason;
};

// An engine need not count its work: native's ledger is asked when this worker is gone.
Result<StatedCost> cost_of(protocol::Worker& worker) {
  const Result<Json> answer =
      worker.request("cost", Json::object(), protocol::usual_deadlines("cost"));
  StatedCost cost;
  if (!answer) {
    if (answer.error().error_class != ErrorClass::kUnsupported) return answer.error();
    cost.reason = fmt::format("{}: {}", worker.name(), answer.error().line());
    return cost;
  }
  cost.phases = entry_of(*answer, "phases");
  if (cost.phases.is_object() && !cost.phases.empty()) return cost;
  cost.phases = nullptr;
  const std::string said = text_in(*answer, "reason");
  cost.reason = fmt::format("{} states the cost of no phase{}{}", worker.name(),
                            said.empty() ? "" : ": ", said);
  return cost;
}

// The share of an invocation's slice that a phase gets. Preprocessing is a side figure.
double share_of(const std::string& phase, const std::vector<std::string>& phases) {
  constexpr double kPreprocess = 0.1;
  const bool has_side =
      std::find(phases.begin(), phases.end(), kSidePhase) != phases.end() && phases.size() > 1;
  if (!has_side) return 1.0 / static_cast<double>(phases.size());
  if (phase == kSidePhase) return kPreprocess;
  return (1.0 - kPreprocess) / static_cast<double>(phases.size() - 1);
}

class Runner {
 public:
  Runner(const InvocationContext& context, ConfigurationBudget& budget)
      : context_(context), budget_(budget) {}

  Result<Loaded> load(const protocol::WorkerCommand& command, const std::string& log);
  // Runs one case in a loaded worker; what came of it is in `run`.
  void run_case(Loaded& loaded, CaseState& state, CaseInvocation& run);

 private:
  Status time_phases(Loaded& loaded, CaseState& state, CaseInvocation& run);
  Result<Json> wanted_phases(const Json& planned) const;
  // `phases`: those of the plan that were timed.
  Status gather_facts(Loaded& loaded, CaseState& state, const Json& planned, const Json& phases,
                      const std::vector<PhaseToRun>& to_run);
  Status check_strict(const Json& model, const Json& optimizations) const;
  void decide_budget(const CaseState& state, double startup, double call);
  void report(Stage stage, const std::string& case_id,
              const PhaseGlimpse& glimpse = PhaseGlimpse()) const;

  const InvocationContext& context_;
  ConfigurationBudget& budget_;
};

void Runner::report(Stage stage, const std::string& case_id, const PhaseGlimpse& glimpse) const {
  if (context_.on_progress) {
    context_.on_progress({stage, case_id, glimpse.median, glimpse.half_width});
  }
}

Result<Loaded> Runner::load(const protocol::WorkerCommand& command, const std::string& log) {
  const std::int64_t begin = now_ns();
  Loaded loaded;
  protocol::WorkerCommand logged = command;
  RIDGELINE_TRY(logged.log_path, context_.folder->absolute(log));
  RIDGELINE_TRY(loaded.worker, protocol::Worker::start(logged, context_.interrupt));
  loaded.stages.emplace_back("spawn", seconds_of(loaded.worker->spawn_ns()));
  const Json& hello = loaded.worker->hello();
  loaded.engine = {{"name", entry_of(hello, "name")},
                   {"version", entry_of(hello, "version")},
                   {"versions", versions_of(hello)},
                   {"mode", nullptr}};
  Json fields = load_fields(context_.configuration->configuration);
  fields["invocation"] = context_.index;
  RIDGELINE_TRY(loaded.reply,
                loaded.worker->request("load", fields, protocol::usual_deadlines("load")));
  // What the engine says it runs in, which names its default too; else what was asked for.
  const Json& mode = entry_of(loaded.reply, "mode");
  loaded.engine["mode"] = mode.is_string() ? mode : entry_of(fields, "mode");
  add_stages(loaded.reply, loaded.stages);
  loaded.seconds = seconds_of(now_ns() - begin);
  return loaded;
}

Status Runner::check_strict(const Json& model, const Json& optimizations) const {
  if (!context_.plan->strict) return {};
  const Configuration& configuration = context_.configuration->configuration;
  const Json& source = entry_of(entry_of(model, "weights"), "source");
  if (configuration.weights == "auto" && source == "synthetic") {
    return unsupported(fmt::format("{} has no weights here, and --strict allows no synthetic ones",
                                   configuration.model),
                       "give a checkpoint, or ask for --weights synthetic");
  }
  for (const Json& entry : optimizations) {
    if (entry_of(entry, "requested").is_null() || entry_of(entry, "applied") == true) continue;
    return unsupported(
        fmt::format("optimization {} was not applied: {}", to_line(entry_of(entry, "id")),
                    to_line(entry_of(entry, "reason"))),
        "choose another value, or leave --strict out");
  }
  return {};
}

void Runner::decide_budget(const CaseState& state, double startup, double call) {
  if (context_.plan->phase_time_ns) {
    budget_.slice_seconds[state.id] = seconds_of(*context_.plan->phase_time_ns);
    budget_.invocations = context_.plan->invocations;
    return;
  }
  const InvocationPlan decided =
      plan_invocations(context_.case_budget_seconds, startup, call, context_.plan->invocations);
  budget_.slice_seconds[state.id] = decided.slice_seconds;
  // One number for the configuration: a process runs all of its cases.
  if (budget_.invocations == 0 || decided.invocations < budget_.invocations) {
    budget_.invocations = decided.invocations;
    budget_.reason = decided.reason;
  }
}

// The planned phases that the plan asks for: all of them unless it names some.
Result<Json> Runner::wanted_phases(const Json& planned) const {
  const std::vector<std::string>& names = context_.plan->phases;
  Json wanted = Json::array();
  std::string known;
  for (const Json& phase : planned) {
    RIDGELINE_TRY(const std::string name, get_string(phase, "name", "planned phase"));
    known += (known.empty() ? "" : ", ") + name;
    if (names.empty() || std::find(names.begin(), names.end(), name) != names.end()) {
      wanted.push_back(phase);
    }
  }
  if (!wanted.empty() || planned.empty()) return wanted;
  return bad_input("the model has none of the phases asked for", "it has " + known);
}

Status Runner::gather_facts(Loaded& loaded, CaseState& state, const Json& planned,
                            const Json& phases, const std::vector<PhaseToRun>& to_run) {
  Json optimizations = Json::array();
  for (const Json* reply : {&static_cast<const Json&>(loaded.reply), &planned}) {
    for (const Json& entry : entry_of(*reply, "optimizations")) optimizations.push_back(entry);
  }
  StatedCost cost;
  Json memory;
  if (wants(*context_.plan, "cost")) {
    RIDGELINE_TRY(cost, cost_of(*loaded.worker));
  }
  if (wants(*context_.plan, "memory")) {
    // The memory of the phase that does the work, not of preprocessing.
    RIDGELINE_TRY(memory, loaded.worker->request("memory", {{"phase", phases.back().at("name")}},
                                                 protocol::usual_deadlines("memory")));
  }
  Json facts = {{"engine", loaded.engine},
                {"model", entry_of(loaded.reply, "model")},
                {"optimizations", std::move(optimizations)},
                {"phases", phases},
                {"inputs", entry_of(planned, "inputs")},
                {"workload", entry_of(planned, "workload")},
                {"cost", std::move(cost.phases)},
                {"cost_reason", text_or_null(cost.reason)},
                {"cost_asked", wants(*context_.plan, "cost")},
                {"memory",
                 {{"tracked", entry_of(memory, "tracked")},
                  {"resident", entry_of(memory, "resident")},
                  {"device", entry_of(memory, "device")}}},
                {"output_digest", entry_of(entry_of(memory, "outputs"), "digest")}};
  SensorPasses passes;
  passes.plan = context_.plan;
  passes.configuration = &context_.configuration->configuration;
  passes.instruments = context_.instruments;
  passes.cold_idle = context_.cold_idle;
  passes.folder = context_.folder;
  passes.case_id = state.id;
  passes.interrupt = context_.interrupt;
  passes.on_energy = [&] { report(Stage::kEnergy, state.id); };
  passes.on_traffic = [&] { report(Stage::kTraffic, state.id); };
  RIDGELINE_CHECK(run_sensor_passes(*loaded.worker, to_run, passes, facts));
  // Last: what goes wrong in it disturbs nothing.
  facts["ops"] = nullptr;
  if (wants(*context_.plan, "ops")) {
    RIDGELINE_TRY(facts["ops"], op_pass(*loaded.worker, to_run));
  }
  state.facts = std::make_shared<const Json>(std::move(facts));
  return {};
}

Status Runner::time_phases(Loaded& loaded, CaseState& state, CaseInvocation& run) {
  const std::int64_t begin = now_ns();
  protocol::Worker& worker = *loaded.worker;
  const Configuration& configuration = context_.configuration->configuration;
  Json request = {{"workload", wire_workload(state.workload)},
                  {"optimizations", wire_optimizations(configuration)}};
  // So that an engine that compiles does so for these alone.
  if (!context_.plan->phases.empty()) request["phases"] = context_.plan->phases;
  RIDGELINE_TRY(const Json planned,
                worker.request("plan", request, protocol::usual_deadlines("plan")));
  add_stages(planned, run.part.stages);
  RIDGELINE_CHECK(
      check_strict(entry_of(loaded.reply, "model"), entry_of(planned, "optimizations")));

  std::vector<std::string> phases;
  std::vector<PhaseTimer> timers;
  std::vector<PhaseToRun> to_run;  // in the passes beside the timing
  double call = 0;
  RIDGELINE_TRY(const Json wanted, wanted_phases(entry_of(planned, "phases")));
  for (const Json& phase : wanted) {
    RIDGELINE_TRY(phases.emplace_back(), get_string(phase, "name", "planned phase"));
    RIDGELINE_TRY(const std::int64_t tokens, get_int(phase, "tokens_per_call", "planned phase", 0));
    if (tokens < 0 || tokens > kMostTokensPerCall) {
      return Error{ErrorClass::kProtocol, fmt::format("{} tokens in a call", tokens)};
    }
    RIDGELINE_TRY(const double seconds,
                  timers.emplace_back(worker, phases.back(), tokens).first_calls());
    call += seconds;
    // A side figure: its energy would take as long to measure as that of the model.
    const bool is_side = phases.back() == kSidePhase && wanted.size() > 1;
    if (!is_side) to_run.push_back({phases.back(), seconds, tokens});
  }
  if (phases.empty()) return Error{ErrorClass::kProtocol, "the engine planned no phase"};
  if (!budget_.slice_seconds.contains(state.id)) {
    const auto cases = static_cast<double>(context_.configuration->cases.size());
    const double warmup = 0.1 * context_.case_budget_seconds / kDefaultInvocations;
    decide_budget(state, loaded.seconds / cases + seconds_of(now_ns() - begin) + warmup, call);
  }
  // Opened between two chunks, once the device is warm: what changes from then on is of the timing.
  std::optional<StateWindow> machine_state;
  for (std::size_t i = 0; i < phases.size(); ++i) {
    const std::string samples =
        results::RunFolder::samples_path(state.id, context_.index, phases[i]);
    RIDGELINE_TRY(const std::string path, context_.folder->absolute(samples));
    PhaseTimerOptions options;
    // A time that the user gave is that of each phase; a share of the budget is of them all.
    options.slice_seconds = budget_.slice_seconds[state.id] *
                            (context_.plan->phase_time_ns ? 1 : share_of(phases[i], phases));
    options.warmup_ns = context_.plan->warmup_ns;
    options.on_chunk = [&](const PhaseGlimpse& glimpse) {
      if (!glimpse.warming_up && !machine_state) {
        machine_state.emplace(state_domains_of(worker, configuration, context_.instruments));
      }
      report(glimpse.warming_up ? Stage::kWarmUp : Stage::kMeasure, state.id, glimpse);
    };
    RIDGELINE_TRY(PhaseTiming timing, timers[i].measure(options, path));
    timing.summary.samples = samples;
    state.timing_harness += timing.harness;
    run.part.phases.push_back(timing.summary);
    add_samples(phases[i], std::move(timing.settled), std::move(timing.tokens), run);
  }
  if (machine_state) run.part.state = std::make_shared<const Json>(machine_state->close());
  // After the timing, so that no measured process did other work before it.
  return state.facts ? Status() : gather_facts(loaded, state, planned, wanted, to_run);
}

void Runner::run_case(Loaded& loaded, CaseState& state, CaseInvocation& run) {
  report(Stage::kWarmUp, state.id);
  run.part.stages = loaded.stages;
  const Status timed = time_phases(loaded, state, run);
  if (!timed) run.part.outcome = results::Outcome::failed(timed.error());
}

std::vector<CaseState*> in_order(const InvocationContext& context,
                                 const std::vector<CaseState*>& states) {
  std::vector<CaseState*> ordered;
  for (const std::size_t at :
       workload_order(context.configuration->cases.size(), context.plan->seed,
                      context.configuration->id, context.index)) {
    const std::string& id = context.configuration->cases[at].id;
    for (CaseState* state : states) {
      if (state->id == id && !state->hopeless && !state->finished) ordered.push_back(state);
    }
  }
  return ordered;
}

}  // namespace

Status run_invocation(const InvocationContext& context, std::vector<CaseState*> states,
                      ConfigurationBudget& budget) {
  const Configuration& configuration = context.configuration->configuration;
  RIDGELINE_TRY(const protocol::WorkerCommand command,
                engine_command(configuration.engine, configuration.engine_python));
  const std::string log = results::RunFolder::log_path(context.configuration->id, context.index);
  const std::vector<CaseState*> queue = in_order(context, states);
  std::vector<std::string> order;
  for (const CaseState* state : queue) order.push_back(state->id);

  Runner runner(context, budget);
  std::size_t next = 0;
  while (next < queue.size()) {
    if (context.on_progress) context.on_progress({Stage::kLoad, queue[next]->id, {}, {}});
    Result<Loaded> loaded = runner.load(command, log);
    const std::size_t first = next;
    do {
      CaseState& state = *queue[next];
      CaseInvocation run;
      run.part.index = context.index;
      run.part.order = order;
      run.part.log = log;
      if (loaded) {
        runner.run_case(*loaded, state, run);
      } else {
        run.part.outcome = results::Outcome::failed(loaded.error());
      }
      const auto& error = run.part.outcome.error;
      if (error && error->error_class == ErrorClass::kInterrupted) return *error;
      if (error && is_final(error->error_class)) state.hopeless = true;
      state.invocations.push_back(std::move(run));
      ++next;
      // Without a model every case of the configuration fails alike; a dead worker is replaced.
    } while (next < queue.size() && (!loaded || loaded->worker->alive()));
    if (!loaded) continue;
    // How it ends does not change what it measured, and Ctrl-C must not wait long for it.
    (void)loaded->worker->quit(std::chrono::seconds(3));
    const auto& exit = loaded->worker->exit_info();
    for (std::size_t i = first; exit && i < next; ++i) {
      queue[i]->invocations.back().part.resident_peak = exit->peak_resident_bytes;
    }
  }
  return add_native_costs(configuration, queue, context.interrupt);
}

}  // namespace ridgeline::measure
