// Rounds of invocations over all configurations.
#include "measure/session.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/clock.hpp"
#include "measure/assemble.hpp"
#include "measure/resume.hpp"
#include "measure/schedule.hpp"

namespace ridgeline::measure {
namespace {

using EndedBy = results::StopSummary::EndedBy;

// So many processes in a row that died end a case: more would only repeat it.
constexpr int kFailuresInARow = 2;

double seconds_since(std::int64_t begin) {
  return 1e-9 * static_cast<double>(now_ns() - begin);
}

struct ConfigurationState {
  const ConfigurationCases* configuration = nullptr;
  std::vector<CaseState> cases;
  ConfigurationBudget budget;
  double invocation_seconds = 0;  // the longest so far
  bool done = false;

  std::int64_t next_invocation = 0;
};

bool failing(const CaseState& state) {
  if (state.hopeless) return true;
  int row = 0;
  for (const CaseInvocation& invocation : state.invocations) {
    const bool ok = invocation.part.outcome.status == results::Outcome::Status::kOk;
    row = ok ? 0 : row + 1;
  }
  return row >= kFailuresInARow;
}

// What the energy and traffic passes of a case took.
double sensor_seconds(const CaseState& state) {
  double seconds = 0;
  for (const char* pass : {"energy", "traffic"}) {
    if (!state.facts || !state.facts->at(pass).contains("harness")) continue;
    seconds += harness_from_json(state.facts->at(pass).at("harness")).wall_seconds;
  }
  return seconds;
}

class Session {
 public:
  explicit Session(const SessionOptions& options) : options_(options), begin_(now_ns()) {}

  Result<SessionResult> run();

 private:
  Status prepare();
  // What comes before the first worker: a look for other work, then power at rest.
  Status before_first_worker();
  // Power before any worker runs, of all that a case may need.
  Status measure_cold_idle();
  Status look_for_others();
  Status run_one(ConfigurationState& state);
  Status finish(ConfigurationState& state, EndedBy ended_by);
  Status save(const ConfigurationState& state, std::int64_t index);
  bool out_of_budget(const ConfigurationState& state) const;
  // Elapsed, without what the passes beside the timing took: the budget is of the timing.
  double timing_seconds() const { return seconds_since(begin_) - beside_seconds_; }
  SessionProgress progress(const ConfigurationState& state, const InvocationProgress& now) const;
  void report_problems(const ConfigurationState& state, std::int64_t index);

  const SessionOptions& options_;
  std::int64_t begin_;
  std::vector<ConfigurationState> states_;
  SessionResult result_;
  int cases_ = 0;
  Json cold_idle_;
  bool looked_ = false;
  double beside_seconds_ = 0;  // spent on sensors, beyond the budget
  std::vector<results::Flag> environment_;
};

Status Session::prepare() {
  RIDGELINE_TRY(Resumed resumed, read_resumed(*options_.folder));
  for (const ConfigurationCases& configuration : options_.matrix->configurations) {
    ConfigurationState& state = states_.emplace_back();
    state.configuration = &configuration;
    for (const Case& one : configuration.cases) {
      CaseState& added = state.cases.emplace_back();
      added.id = one.id;
      added.workload = one.workload;
      added.finished = options_.folder->finished_cases().contains(one.id);
      ++cases_;
    }
    RIDGELINE_CHECK(apply_resumed(resumed, *options_.folder, configuration.id, state.cases,
                                  state.budget, state.next_invocation));
    state.done = std::all_of(state.cases.begin(), state.cases.end(),
                             [](const CaseState& one) { return one.finished; });
  }
  return {};
}

bool Session::out_of_budget(const ConfigurationState& state) const {
  if (state.next_invocation == 0) return false;  // everything gets one
  const double budget = 1e-9 * static_cast<double>(options_.plan->budget_ns);
  // Started when at least half of it fits: budgets are goals, and half a process is no use.
  return timing_seconds() + 0.5 * state.invocation_seconds > budget;
}

SessionProgress Session::progress(const ConfigurationState& state,
                                  const InvocationProgress& now) const {
  SessionProgress progress;
  progress.elapsed_seconds = timing_seconds();
  progress.budget_seconds = 1e-9 * static_cast<double>(options_.plan->budget_ns);
  progress.cases = cases_;
  progress.invocation = state.next_invocation + 1;
  progress.invocations =
      state.budget.invocations > 0 ? state.budget.invocations : options_.plan->invocations;
  progress.now = now;
  for (const ConfigurationState& other : states_) {
    for (const CaseState& one : other.cases) {
      ++progress.case_number;
      if (&other == &state && one.id == now.case_id) {
        progress.case_label = fmt::format("{} {}", describe(state.configuration->configuration),
                                          describe(one.workload));
        return progress;
      }
    }
  }
  return progress;
}

void Session::report_problems(const ConfigurationState& state, std::int64_t index) {
  for (const CaseState& one : state.cases) {
    if (one.invocations.empty() || one.invocations.back().part.index != index) continue;
    const auto& error = one.invocations.back().part.outcome.error;
    if (error && options_.on_problem) {
      options_.on_problem(fmt::format("{} {}: {}", describe(state.configuration->configuration),
                                      describe(one.workload), error->line()));
    }
  }
}

Status Session::save(const ConfigurationState& state, std::int64_t index) {
  return options_.folder->append_invocation(
      invocation_line(state.configuration->id, index, state.cases, state.budget));
}

Status Session::run_one(ConfigurationState& state) {
  InvocationContext context;
  context.plan = options_.plan;
  context.configuration = state.configuration;
  context.index = state.next_invocation;
  context.case_budget_seconds = 1e-9 * static_cast<double>(options_.plan->budget_ns) / cases_;
  context.folder = options_.folder;
  context.instruments = options_.instruments;
  context.cold_idle = &cold_idle_;
  context.interrupt = options_.interrupt;
  InvocationProgress last;
  context.on_progress = [&](const InvocationProgress& now) {
    last = now;
    if (options_.on_progress) options_.on_progress(progress(state, now));
  };
  std::vector<CaseState*> cases;
  for (CaseState& one : state.cases) {
    if (!one.finished && !failing(one)) cases.push_back(&one);
  }
  // The look before the first worker was taken at the start.
  if (!std::exchange(looked_, false)) RIDGELINE_CHECK(look_for_others());
  std::vector<CaseState*> unknown;  // cases that get their facts, and their sensors read, now
  for (CaseState* one : cases) {
    if (!one->facts) unknown.push_back(one);
  }
  const std::int64_t begin = now_ns();
  RIDGELINE_CHECK(run_invocation(context, cases, state.budget));
  double beside = 0;
  for (const CaseState* one : unknown) beside += sensor_seconds(*one);
  beside_seconds_ += beside;
  state.invocation_seconds = std::max(state.invocation_seconds, seconds_since(begin) - beside);
  RIDGELINE_CHECK(save(state, context.index));
  report_problems(state, context.index);
  if (options_.on_invocation) options_.on_invocation(progress(state, last));
  ++state.next_invocation;
  return {};
}

Status Session::finish(ConfigurationState& state, EndedBy ended_by) {
  for (CaseState& one : state.cases) {
    if (one.finished) continue;
    // Nothing to show yet, and a resumed run tries again.
    if (ended_by == EndedBy::kInterrupted && one.succeeded() == 0 && !failing(one)) continue;
    AssembleContext context;
    context.configuration = state.configuration;
    context.command = options_.command;
    context.machine = options_.machine;
    context.environment = environment_;
    context.limits = options_.limits;
    context.invocations_planned =
        state.budget.invocations > 0 ? state.budget.invocations : options_.plan->invocations;
    context.fewer_reason = state.budget.reason;
    context.precision = options_.plan->precision;
    context.ended_by = failing(one) && ended_by == EndedBy::kPlan ? EndedBy::kFailures : ended_by;
    RIDGELINE_TRY(const Json record, assemble_record(one, context));
    RIDGELINE_CHECK(options_.folder->append_record(record));
    one.finished = ended_by != EndedBy::kInterrupted;
    result_.failed_cases += one.succeeded() == 0 || one.failed() > 0 ? 1 : 0;
  }
  state.done = true;
  return {};
}

Status Session::before_first_worker() {
  const bool open = std::any_of(states_.begin(), states_.end(),
                                [](const ConfigurationState& one) { return !one.done; });
  if (!open) return {};
  RIDGELINE_CHECK(look_for_others());
  looked_ = true;
  return measure_cold_idle();
}

Status Session::measure_cold_idle() {
  const bool wanted = wants(*options_.plan, "energy");
  const bool any_new = std::any_of(
      states_.begin(), states_.end(),
      [](const ConfigurationState& one) { return !one.done && one.next_invocation == 0; });
  if (options_.instruments == nullptr || !wanted || !any_new) return {};
  const std::vector<CalibratedMeter> meters = options_.instruments->all_meters();
  if (meters.empty()) return {};
  double seconds = default_window_seconds(meters);
  if (options_.plan->energy_window_ns) {
    seconds = 1e-9 * static_cast<double>(*options_.plan->energy_window_ns);
  }
  const std::int64_t begin = now_ns();
  RIDGELINE_TRY(cold_idle_, idle_power(meters, seconds, options_.interrupt));
  beside_seconds_ += seconds_since(begin);
  return {};
}

// Flags of the same id replace those of an earlier look only when they are worse.
Status Session::look_for_others() {
  if (!options_.check_busy) return {};
  const std::int64_t begin = now_ns();
  RIDGELINE_TRY(const std::vector<results::Flag> flags, options_.check_busy());
  beside_seconds_ += seconds_since(begin);
  for (const results::Flag& flag : flags) {
    const auto same = std::find_if(environment_.begin(), environment_.end(),
                                   [&](const results::Flag& one) { return one.id == flag.id; });
    if (same == environment_.end()) {
      environment_.push_back(flag);
    } else if (flag.severity > same->severity) {
      *same = flag;
    }
  }
  return {};
}

Result<SessionResult> Session::run() {
  environment_ = options_.environment;
  RIDGELINE_CHECK(prepare());
  const Status begun = before_first_worker();
  if (!begun) {
    if (begun.error().error_class != ErrorClass::kInterrupted) return begun.error();
    result_.interrupted = true;
    return result_;
  }
  for (std::int64_t round = 0;; ++round) {
    bool open = false;
    for (const std::size_t at : schedule(*options_.plan, *options_.matrix, round)) {
      ConfigurationState& state = states_[at];
      if (state.done) continue;
      const bool failed = std::all_of(state.cases.begin(), state.cases.end(),
                                      [](const auto& one) { return one.finished || failing(one); });
      const bool planned_done =
          state.budget.invocations > 0 && state.next_invocation >= state.budget.invocations;
      const bool asked_done = state.next_invocation >= options_.plan->invocations;
      if (failed || planned_done || asked_done) {
        RIDGELINE_CHECK(finish(state, EndedBy::kPlan));
        continue;
      }
      if (out_of_budget(state)) {
        RIDGELINE_CHECK(finish(state, EndedBy::kBudget));
        continue;
      }
      open = true;
      const Status ran = run_one(state);
      if (ran) continue;
      if (ran.error().error_class != ErrorClass::kInterrupted) return ran.error();
      result_.interrupted = true;
      for (ConfigurationState& other : states_) {
        if (!other.done) RIDGELINE_CHECK(finish(other, EndedBy::kInterrupted));
      }
      return result_;
    }
    if (!open) return result_;
  }
}

}  // namespace

Result<SessionResult> run_session(const SessionOptions& options) {
  return Session(options).run();
}

}  // namespace ridgeline::measure
