// The record of one case, schema "ridgeline/1": built from typed parts, read back as metrics.
// docs/record.md explains every part; docs/record.schema.json is the exact form.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.hpp"
#include "base/json.hpp"
#include "results/metric.hpp"

namespace ridgeline::results {

inline constexpr std::string_view kRecordSchema = "ridgeline/1";

/// Metrics by their names within a group ("latency.p50"), in the order they are shown.
using Metrics = std::vector<std::pair<std::string, Metric>>;

/// How a case or one of its invocations ended.
struct Outcome {
  enum class Status { kOk, kPartial, kFailed };
  Status status = Status::kOk;
  std::optional<Error> error;  ///< of a partial or failed one

  /// Failed with this error.
  static Outcome failed(Error error);
  /// Some of it is there; the error says why the rest is not.
  static Outcome partial(Error error);
};

/// {"status","class","reason","remedy"}, and "bytes" where it is known how many were needed.
Json to_json(const Outcome& outcome);

/// Reads what to_json wrote, for resuming.
Result<Outcome> outcome_from_json(const Json& json, std::string_view what);

/// How the measuring of a phase ended.
enum class StopRule { kPrecision, kBudget, kLimit, kInterrupted };
std::string_view stop_rule_name(StopRule rule);

/// Warm-up of one phase in one invocation.
struct WarmUp {
  std::int64_t calls = 0;
  double seconds = 0;
  bool stationary = false;  ///< whether block medians agreed before the cap
};

/// What one invocation measured of one phase. Times are seconds.
struct InvocationPhase {
  std::string name;
  std::optional<WarmUp> warmup;
  std::int64_t n = 0;                ///< timed calls
  std::optional<double> median;      ///< of their durations; none when n is 0
  std::optional<double> first_call;  ///< the very first call, warm-up included
  StopRule stop_rule = StopRule::kBudget;
  std::string samples;  ///< path within the run folder; empty: none were kept
  std::int64_t first_row = 0;
  std::int64_t end_row = 0;     ///< rows [first_row, end_row) are the timed calls
  std::optional<double> drift;  ///< change over the invocation, as a share of the median
};

/// One worker process of the configuration, as far as it concerns this case.
struct Invocation {
  std::int64_t index = 0;
  Outcome outcome;
  std::vector<std::pair<std::string, double>> stages;  ///< spawn, library, …: seconds
  std::vector<std::string> order;                      ///< ids of the cases in the order they ran
  std::vector<InvocationPhase> phases;
  std::optional<std::int64_t> resident_peak;  ///< bytes
  std::string log;                            ///< path within the run folder; empty: none
  /// Clocks, temperatures and throttle times before and after the timing; null: not read.
  std::shared_ptr<const Json> state = {};
};

/// The parts of `invocations[]`; also the body of a line in invocations.jsonl.
Json to_json(const Invocation& invocation);

/// A phase of the case with its results over all invocations.
struct PhaseResult {
  std::string name;
  std::string unit;                                   ///< "sequence", "token", …
  std::vector<std::pair<std::string, double>> items;  ///< per call: {"token", 128}
  bool growing = false;
  Metrics metrics;
  std::shared_ptr<const Json> energy;   ///< how its energy was measured; null: it was not
  std::shared_ptr<const Json> traffic;  ///< how its traffic was measured; null: it was not
  std::shared_ptr<const Json> ops;      ///< seconds of its ops; null: they were not asked for
};

/// Why the run of this case ended.
struct StopSummary {
  enum class EndedBy { kPlan, kBudget, kInterrupted, kFailures };
  std::int64_t invocations_planned = 0;
  std::int64_t invocations_done = 0;
  EndedBy ended_by = EndedBy::kPlan;
  double precision_target = 0;            ///< half width of the interval over the median
  std::optional<bool> precision_reached;  ///< none: there was no interval to judge by
};

/// Something a reader must know before believing the numbers.
struct Flag {
  enum class Severity { kInfo, kWarn, kInvalid };
  std::string id;  ///< "drift"
  Severity severity = Severity::kWarn;
  std::string detail;
  std::string advice;
};

/// Collects a record. Parts that other units describe come as their JSON; parts of this unit are
/// typed. build() fails with kInternal when a required part was never set.
class RecordBuilder {
 public:
  /// `id` is the case's: 16 hexadecimal digits.
  RecordBuilder(std::string id, std::string command);
  RecordBuilder(RecordBuilder&&) noexcept;
  RecordBuilder& operator=(RecordBuilder&&) noexcept;
  ~RecordBuilder();

  void set_program(std::string_view version, const Json& build);
  void set_machine(const Json& machine);
  /// {"name","version","versions"} as the engine's hello gave them.
  void set_engine(const Json& engine);
  /// The `model` of `loaded`; `synthetic` is added from its weights' source.
  void set_model(const Json& model);
  /// `inputs` is {"digest","synthetic"} or null.
  void set_workload(const Json& workload, const Json& inputs);
  void set_configuration(const Json& configuration);
  void set_optimizations(const Json& optimizations);
  void set_outcome(const Outcome& outcome);
  void add_invocation(const Invocation& invocation);
  void add_phase(const PhaseResult& phase);
  void set_load(const Metrics& metrics);
  /// By phase, as the engine's `cost` gave them: {"forward":{"flops":…}}.
  void set_cost(const Json& cost);
  /// What the machine can do at best: {"measured","reason","enable","datasheet"}.
  void set_ceilings(const Json& ceilings);
  void set_memory(const Metrics& metrics);
  void set_stop(const StopSummary& stop);
  void add_flag(const Flag& flag);
  /// The harness's own cost in one kind of pass ("timing", "energy", "traffic").
  void set_harness(std::string_view pass, const Json& cost);
  void set_digests(const std::optional<std::string>& inputs,
                   const std::optional<std::string>& outputs);
  /// Folder of the raw samples within the run folder.
  void set_samples(std::string_view folder);

  /// Strings that came from a worker are made valid UTF-8; numbers that are not finite are null.
  Result<Json> build() const;

 private:
  std::unique_ptr<Json> record_;
};

/// A metric under its full name: "forward.latency", "load.total", "memory.peak",
/// "cost.forward.flops" (modelled).
struct NamedMetric {
  std::string name;
  Metric metric;
};

/// All metrics of a record, in its order; `what` names the record in errors.
Result<std::vector<NamedMetric>> flatten(const Json& record, std::string_view what);

/// Unit of a number in `cost`: "FLOP", "B" or "1"; empty for members that are no totals.
std::string_view cost_unit(std::string_view key);

}  // namespace ridgeline::results
