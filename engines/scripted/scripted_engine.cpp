// The scripted engine: speaks the whole protocol with exactly known durations, sizes and faults.
//
// The script (script.hpp) is the model reference of "load"; before that, and for the reference
// "scripted", it is that of `--script` or of the environment's RIDGELINE_SCRIPT.
#include <fmt/format.h>
#include <sys/prctl.h>
#include <time.h>

#include <cstdio>
#include <cstdlib>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <set>
#include <stdexcept>
#include <string>

#include "base/clock.hpp"
#include "engines/scripted/faults.hpp"
#include "engines/scripted/script.hpp"
#include "engines/scripted/timeline.hpp"
#include "protocol/worker.hpp"

namespace ridgeline::scripted {
namespace {

using protocol::Progress;
using protocol::Request;
using protocol::Runnable;
using protocol::RunRequest;
using protocol::SampleRow;

constexpr const char* kVersion = "0.1.0";

// An Error on its way out of the timed loop.
struct ScriptedFailure : std::runtime_error {
  explicit ScriptedFailure(Error failure)
      : std::runtime_error(failure.message), error(std::move(failure)) {}
  Error error;
};

struct Workload {
  std::int64_t batch = 1;
  std::int64_t sequence = 128;
};

// One phase; its calls go on counting from run to run until the next plan.
class ScriptedPhase : public Runnable {
 public:
  ScriptedPhase(const Script& script, const PhaseScript& phase, const Origin& origin,
                const Workload& workload, double factor)
      : virtual_(script.virtual_clock),
        device_(phase.device),
        items_(static_cast<double>(workload.batch)),
        timeline_(phase, origin, static_cast<double>(workload.batch * workload.sequence), factor),
        clock_ns_(now_ns()) {}

  // `fault` may be null; it happens before call `fault->call` of this run.
  void begin_run(const Fault* fault, std::int64_t id, Progress* progress) {
    fault_ = fault;
    id_ = id;
    progress_ = progress;
    call_ = 0;
  }

  void enqueue() override {
    const std::int64_t begin = now_ns();
    fail_if_asked();
    duration_ns_ = timeline_.next_ns();
    due_ns_ = begin + duration_ns_;
  }

  // Sleeps most of the way and spins the rest: sleeping alone is up to 100 us late.
  void wait() override {
    constexpr std::int64_t kSpinNs = 100'000;
    const std::int64_t sleep_until = due_ns_ - kSpinNs;
    if (sleep_until > now_ns()) {
      const timespec until{sleep_until / kNsPerSecond, sleep_until % kNsPerSecond};
      ::clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, nullptr);
    }
    while (now_ns() < due_ns_) {
    }
  }

  std::int64_t device_ns() override { return device_ ? duration_ns_ : -1; }
  double items() override { return items_; }

  bool has_virtual_time() const override { return virtual_; }
  void stamp(SampleRow& row) override {
    constexpr std::int64_t kGapNs = 1000;  // between two calls
    fail_if_asked();
    duration_ns_ = timeline_.next_ns();
    row.begin_ns = clock_ns_;
    row.enqueued_ns = clock_ns_ + duration_ns_ / 10;
    row.done_ns = clock_ns_ + duration_ns_;
    row.device_ns = device_ns();
    row.items = items_;
    clock_ns_ = row.done_ns + kGapNs;
  }

 private:
  void fail_if_asked() {
    if (fault_ == nullptr || call_++ != fault_->call) return;
    if (auto error = commit(*fault_, id_, *progress_)) throw ScriptedFailure(*std::move(error));
  }

  const bool virtual_;
  const bool device_;
  const double items_;
  Timeline timeline_;
  std::int64_t clock_ns_;
  std::int64_t duration_ns_ = 0;
  std::int64_t due_ns_ = 0;
  const Fault* fault_ = nullptr;
  std::int64_t id_ = 0;
  Progress* progress_ = nullptr;
  std::int64_t call_ = 0;
};

class ScriptedEngine : public protocol::Engine {
 public:
  explicit ScriptedEngine(Script script) : initial_(script), script_(std::move(script)) {}

  Result<Json> hello(const Request& request) override {
    RIDGELINE_CHECK(fail_at("hello", request.id, request.progress));
    Json knobs = Json::array();
    for (const KnobScript& knob : script_.knobs) {
      knobs.push_back({{"id", knob.id},
                       {"values", knob.values},
                       {"default", knob.usual},
                       {"stage", knob.stage},
                       {"lossless", knob.lossless},
                       {"conflicts", Json::array()},
                       {"description", "a knob of the script"}});
    }
    return Json{
        {"name", "scripted"},
        {"version", kVersion},
        {"versions", {{"scripted", kVersion}}},
        {"devices", script_.devices
                        ? *script_.devices
                        : Json::array({{{"kind", "cpu"}, {"ordinal", 0}, {"name", "scripted"}}})},
        {"abilities",
         {{"messages", {"hello", "load", "plan", "cost", "run", "memory", "probe", "quit"}},
          {"dtypes", {"float32", "bfloat16", "float16"}}}},
        {"knobs", knobs}};
  }

  Result<Json> handle(const Request& request) override {
    progress_ = &request.progress;
    // These look for faults once they know what the faults may depend on.
    if (request.message == "load") return load(request);
    if (request.message == "plan") return plan(request);
    if (request.message == "probe") return probe(request);
    RIDGELINE_CHECK(fail_at(request.message, request.id, request.progress));
    if (!loaded_ || phases_.empty()) {
      if (request.message == "cost" || request.message == "memory") {
        return bad_input(fmt::format("'{}' before a plan", request.message));
      }
    }
    if (request.message == "cost") return cost();
    if (request.message == "memory") return memory();
    return protocol::unknown_message(request.message);
  }

  Result<Runnable*> runnable(const RunRequest& run) override {
    const auto found = phases_.find(run.phase);
    if (found == phases_.end()) {
      return bad_input(fmt::format("the plan has no phase '{}'", run.phase));
    }
    if (run.pass == "trace") return unsupported("the scripted engine has no trace pass");
    const Fault* fault = next_fault("run", run.phase);
    if (fault != nullptr && fault->call < 0) {
      if (auto error = commit(*fault, run.id, *progress_)) return *std::move(error);
      fault = nullptr;
    }
    found->second->begin_run(fault, run.id, progress_);
    return found->second.get();
  }

  // Runs on the reader thread; script_ only changes in load(), and a stop belongs to a run.
  bool on_stop() noexcept override {
    Progress unused;
    try {
      const Fault* fault = next_fault("stop", "");
      if (fault == nullptr) return true;
      if (fault->kind == "ignore_stop") return false;
      (void)commit(*fault, protocol::kNoId, unused);
    } catch (const std::exception&) {
      // A stop has no reply that could carry an error.
    }
    return true;
  }

  void on_quit(const Request& request) override {
    if (Status status = fail_at("quit", request.id, request.progress); !status) {
      throw ScriptedFailure(status.error());
    }
  }

  Error describe(const std::exception& exception) override {
    if (const auto* failure = dynamic_cast<const ScriptedFailure*>(&exception)) {
      return failure->error;
    }
    return Engine::describe(exception);
  }

 private:
  // The first fault that fits, counted against its `times`.
  const Fault* next_fault(std::string_view at, std::string_view phase) {
    for (std::size_t i = 0; i < script_.faults.size(); ++i) {
      Fault& fault = script_.faults[i];
      const bool fits = fault.at == at &&
                        (!fault.invocation || *fault.invocation == origin_.invocation) &&
                        (!fault.batch || *fault.batch == workload_.batch) &&
                        (!fault.sequence || *fault.sequence == workload_.sequence) &&
                        (fault.phase.empty() || fault.phase == phase) && fault.times != 0;
      if (!fits) continue;
      if (fault.times > 0) --fault.times;
      return &fault;
    }
    return nullptr;
  }

  // Faults at a probe may name its kind as their phase.
  Result<Json> probe(const Request& request) {
    const Json& kind = entry_of(request.fields, "kind");
    RIDGELINE_CHECK(fail_at("probe", request.id, request.progress,
                            kind.is_string() ? kind.get<std::string>() : std::string()));
    return answer_probe(script_.probes, request.fields);
  }

  Status fail_at(std::string_view message, std::int64_t id, Progress& progress,
                 std::string_view phase = {}) {
    progress_ = &progress;
    const Fault* fault = next_fault(message, phase);
    if (fault == nullptr) return {};
    if (auto error = commit(*fault, id, progress)) return *std::move(error);
    return {};
  }

  Result<Json> load(const Request& request) {
    const Json& fields = request.fields;
    RIDGELINE_TRY(const std::string reference, get_string(fields, "model", "load"));
    loaded_ = false;
    phases_.clear();
    if (reference == "scripted") {
      script_ = initial_;
    } else {
      RIDGELINE_TRY(script_, read_script(reference));
    }
    origin_.script_seed = script_.seed;
    RIDGELINE_TRY(origin_.load_seed, get_int(fields, "seed", "load", 0));
    RIDGELINE_TRY(origin_.invocation, get_int(fields, "invocation", "load", 0));
    RIDGELINE_TRY(dtype_, get_string(fields, "dtype", "load", "float32"));
    RIDGELINE_CHECK(fail_at("load", request.id, request.progress));
    factor_of_load_ = 1;
    RIDGELINE_TRY(const Json optimizations,
                  optimizations_of(fields, {"load", "process"}, factor_of_load_));
    Json stages = Json::array();
    for (const auto& [name, ns] : script_.stages) stages.push_back({{"name", name}, {"ns", ns}});
    loaded_ = true;
    return Json{{"model",
                 {{"reference", script_.name},
                  {"family", "scripted"},
                  {"modality", "text"},
                  {"architecture", "ScriptedModel"},
                  {"task", "none"},
                  {"parameters", script_.parameters},
                  {"weights",
                   {{"source", "synthetic"}, {"bytes", script_.weights_bytes}, {"path", nullptr}}},
                  {"revision", nullptr},
                  {"dtype", dtype_}}},
                {"stages", stages},
                {"optimizations", optimizations}};
  }

  // Answers for the knobs of the given stages; the first stage also answers for unknown ones.
  Result<Json> optimizations_of(const Json& fields, const std::set<std::string>& stages,
                                double& factor) const {
    Json answers = Json::array();
    for (const Json& wanted : fields.value("optimizations", Json::array())) {
      RIDGELINE_TRY(const std::string id, get_string(wanted, "id", "an optimization"));
      const Json requested = wanted.value("value", Json());
      const std::string value =
          requested.is_string() ? requested.get<std::string>() : to_line(requested);
      const KnobScript* knob = nullptr;
      for (const KnobScript& candidate : script_.knobs) {
        if (candidate.id == id) knob = &candidate;
      }
      const bool ours = knob == nullptr ? stages.count("load") > 0 : stages.count(knob->stage) > 0;
      if (!ours) continue;
      const std::string reason = knob == nullptr ? "no such knob" : knob->refused;
      if (reason.empty() && value != knob->usual) factor *= knob->factor;
      answers.push_back({{"id", id},
                         {"requested", requested},
                         {"applied", reason.empty()},
                         {"value", reason.empty() ? requested : Json()},
                         {"lossless", knob == nullptr || knob->lossless},
                         {"reason", reason}});
    }
    return answers;
  }

  Result<Json> plan(const Request& request) {
    if (!loaded_) return bad_input("'plan' before a load");
    const Json workload = request.fields.value("workload", Json::object());
    RIDGELINE_TRY(workload_.batch, get_int(workload, "batch", "workload", 1));
    RIDGELINE_TRY(workload_.sequence, get_int(workload, "sequence", "workload", 128));
    if (workload_.batch < 1 || workload_.sequence < 1 || workload_.batch > 1'000'000 ||
        workload_.sequence > 1'000'000'000) {
      return bad_input("workload: batch or sequence is out of range");
    }
    RIDGELINE_CHECK(fail_at("plan", request.id, request.progress));
    double factor = factor_of_load_;
    RIDGELINE_TRY(const Json optimizations, optimizations_of(request.fields, {"plan"}, factor));
    phases_.clear();
    Json phases = Json::array();
    for (const PhaseScript& phase : script_.phases) {
      phases_[phase.name] =
          std::make_unique<ScriptedPhase>(script_, phase, origin_, workload_, factor);
      phases.push_back({{"name", phase.name},
                        {"unit", "sequence"},
                        {"items", {{"sequence", workload_.batch}, {"token", tokens()}}},
                        {"growing", phase.growing}});
    }
    const std::string digest = fmt::format("{:016x}", tokens());
    return Json{{"phases", phases},
                {"optimizations", optimizations},
                {"inputs", {{"digest", digest}, {"synthetic", true}}},
                {"outputs", {{"digest", digest}}},
                {"stages", Json::array()}};
  }

  // 2 FLOP per parameter and token; weights once and 4 bytes per token. Exact, so tests can ask.
  Result<Json> cost() const {
    Json phases = Json::object();
    for (const PhaseScript& phase : script_.phases) {
      if (phase.cost) {
        phases[phase.name] = *phase.cost;
      } else if (phase.name == "forward") {
        const std::int64_t flops = 2 * script_.parameters * tokens();
        const std::int64_t bytes = script_.weights_bytes + 4 * tokens();
        phases[phase.name] = {{"flops", flops},
                              {"flops_minimum", flops},
                              {"flops_elementwise", 10 * tokens()},
                              {"bytes", bytes},
                              {"bytes_unfused", 2 * bytes},
                              {"parameters", script_.parameters},
                              {"ops", Json::array()}};
      }
    }
    return Json{{"phases", phases}};
  }

  Result<Json> memory() const {
    if (script_.memory) return *script_.memory;
    const std::int64_t inputs = 8 * tokens();
    const std::int64_t activations = 1000 * tokens();
    return Json{{"tracked",
                 {{"weights", script_.weights_bytes},
                  {"inputs", inputs},
                  {"outputs", 4 * tokens()},
                  {"activations_peak", activations},
                  {"peak", script_.weights_bytes + inputs + activations}}},
                {"resident", {{"before_library", 1 << 20}, {"now", 2 << 20}, {"peak", 3 << 20}}}};
  }

  std::int64_t tokens() const { return workload_.batch * workload_.sequence; }

  const Script initial_;
  Script script_;
  Origin origin_{0, 0, -1};
  Workload workload_;
  std::string dtype_;
  double factor_of_load_ = 1;
  bool loaded_ = false;
  Progress* progress_ = nullptr;
  std::map<std::string, std::unique_ptr<ScriptedPhase>> phases_;
};

int run_engine(int argc, char** argv) {
  std::string reference = "{}";
  if (const char* given = std::getenv("RIDGELINE_SCRIPT")) reference = given;
  if (argc == 3 && std::string_view(argv[1]) == "--script") {
    reference = argv[2];
  } else if (argc != 1) {
    std::fprintf(stderr, "usage: %s [--script FILE|JSON], started by ridgeline\n", argv[0]);
    return 2;
  }
  Result<Script> script = read_script(reference);
  if (!script) {
    std::fprintf(stderr, "%s\n", script.error().line().c_str());
    return 2;
  }
  // Sleeps end when they are due and not up to 50 us later.
  ::prctl(PR_SET_TIMERSLACK, 1);
  protocol::ServeOptions options;
  options.heartbeat = std::chrono::milliseconds(script->heartbeat_ms);
  ScriptedEngine engine(*std::move(script));
  return protocol::serve(engine, options);
}

}  // namespace
}  // namespace ridgeline::scripted

int main(int argc, char** argv) {
  return ridgeline::scripted::run_engine(argc, argv);
}
