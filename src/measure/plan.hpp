// Everything that `ridgeline run` was asked for. Keys of the plan file, flags and members agree.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/error.hpp"
#include "base/json.hpp"
#include "measure/configuration.hpp"

namespace ridgeline::measure {

/// Values that one optimization knob takes in turn.
struct KnobChoice {
  std::string id;
  std::vector<KnobValue> values;

  bool operator==(const KnobChoice&) const = default;
};

/// Lists expand to a matrix; an empty list means the default that the comment names.
struct Plan {
  std::vector<std::string> models;
  std::string suite;  ///< adds its models
  std::vector<std::string> engines = {"native"};
  std::string engine_python;  ///< Python of engines written in it; absolute once resolved
  std::string baseline;       ///< engine that the others are compared with; empty: see baseline_of
  std::vector<std::string> architectures;  ///< empty: the first that the model's config names
  std::vector<std::string> weights = {"auto"};
  std::vector<std::string> dtypes = {"float32"};
  std::vector<std::string> devices = {"cpu"};
  std::vector<std::int64_t> threads;   ///< empty: the engine's default
  std::vector<std::string> cores;      ///< canonical CPU lists; empty: all allowed ones
  std::vector<std::int64_t> batch;     ///< empty: the model's default, or one row a text
  std::vector<std::int64_t> sequence;  ///< empty: the model's default; never beside texts
  std::vector<std::int64_t> depth;     ///< empty: the model's default, as the next three
  std::vector<std::int64_t> new_tokens;
  std::vector<std::int64_t> image_size;
  std::vector<std::int64_t> audio_seconds;
  std::vector<std::string> texts;
  std::vector<std::string> images;  ///< files; absolute once resolved
  std::vector<std::string> audio;   ///< files; absolute once resolved
  bool chat = false;                ///< texts go through the chat template
  std::string text_file;            ///< one text a line; resolve() turns it into texts
  bool optimize_auto = true;
  std::vector<KnobChoice> knobs;  ///< sorted by id
  std::int64_t invocations = 5;
  std::int64_t budget_ns = 60 * kNsPerSecond;  ///< of the whole run
  double precision = 0.02;                     ///< half width of the interval over the median
  std::optional<std::int64_t> phase_time_ns;  ///< of a phase in a process; none: the budget's share
  std::optional<std::int64_t> warmup_ns;      ///< none: until stationary; 0: no warm-up
  std::int64_t seed = 0;
  std::string output;                            ///< run folder; empty: a new one under runs/
  std::vector<std::string> phases;               ///< names; empty: all that the engine plans
  std::vector<std::string> metrics;              ///< groups of kMetricGroups; empty: all
  std::vector<std::string> sensors = {"auto"};   ///< "auto", "none" or names of sources
  std::optional<std::int64_t> energy_window_ns;  ///< none: max(5 s, 50 update periods)
  std::int64_t energy_trials = 4;
  std::string busy = "warn";  ///< or "fail" or "wait", while other work runs
  bool strict = false;

  bool operator==(const Plan&) const = default;
};

/// Whether the plan measures this group of kMetricGroups.
bool wants(const Plan& plan, std::string_view group);

/// One key with its raw values and where they stand ("--batch", "plan.toml:3:9: batch").
struct Assignment {
  std::string key;
  std::vector<std::string> values;
  std::string where;
};

/// Applies the file's keys, then the flags. A flag replaces the file's key, and one out of {models,
/// suite} or of {text, text_file, sequence} also replaces the file's others of that group.
Result<Plan> make_plan(const std::vector<Assignment>& file, const std::vector<Assignment>& flags);

/// The workload of a model when the plan names none: batch 1 and what the engine takes, unless set.
using WorkloadDefaults = Workload;

/// What the plan needs to know from the catalog. A function that is not set knows nothing.
struct PlanContext {
  std::function<Result<std::vector<std::string>>(const std::string& suite)> models_of_suite;
  std::function<WorkloadDefaults(const std::string& model)> defaults_of_model;
};

/// The sizes that a plan lists for an axis of workload_axes().
const std::vector<std::int64_t>& sizes_of(const Plan& plan, std::string_view axis);

/// The engine that the others of a plan are compared with: `baseline`, else the first that is not
/// native; empty when there is nothing to compare.
std::string baseline_of(const Plan& plan);

/// The plan without references to elsewhere: models of the suite and lines of text_file put in,
/// doubles removed. Refuses a plan without models, one with both texts and a sequence, a Python
/// that is no program, and a baseline that is none of the engines. The run folder keeps this form.
/// Resolving twice changes nothing.
Result<Plan> resolve(const Plan& plan, const PlanContext& context);

/// {"schema":"ridgeline-plan/1", …}: the keys of the plan file.
Json to_json(const Plan& plan);
Result<Plan> plan_from_json(const Json& json, std::string_view what);

/// For resuming, with both resolved: an error that names the first key that differs. `output` and
/// `baseline`, which change nothing that is measured, may differ.
Status check_same_plan(const Plan& stored, const Plan& asked);

/// Nanoseconds as parse_duration reads them: "60s", "500ms".
std::string format_duration(std::int64_t ns);

}  // namespace ridgeline::measure
