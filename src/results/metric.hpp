// A number that says where it comes from, or why there is none.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "base/json.hpp"

namespace ridgeline::results {

/// Provenance, strongest first; kDerived stands apart: its strength is that of its weakest input.
enum class Source {
  kCounter,    ///< hardware counted it
  kTimed,      ///< the monotonic clock around the work
  kTracked,    ///< our own accounting: allocator bytes, tokens
  kSampled,    ///< integrated from samples
  kModelled,   ///< from formulas
  kDatasheet,  ///< the vendor's figure
  kGiven,      ///< the user's figure
  kDerived,    ///< computed from other metrics
};

/// "counter", "timed", … ; the name used in records.
std::string_view source_name(Source source);
std::optional<Source> source_from(std::string_view name);

/// Whether `a` is stronger evidence than `b`. Neither may be kDerived.
bool is_stronger(Source a, Source b);

/// What an interval speaks about.
enum class IntervalKind { kNone, kBetweenInvocations, kWithinInvocation, kBetweenTrials };

struct Interval {
  double low = 0;
  double high = 0;

  bool operator==(const Interval&) const = default;
};

/// Either a value with its source, or no value and a reason. SI base units: s, B, FLOP, J, W, and
/// rates of them; "1" for a pure number. Make one with the functions below.
struct Metric {
  std::optional<double> value;
  std::string unit;
  std::optional<Source> source;     ///< what it is or would have been; unset: nobody could say
  std::vector<std::string> inputs;  ///< of a derived one: names as flatten() gives them
  std::optional<Source> weakest;    ///< of a derived one
  std::optional<std::int64_t> n;    ///< samples behind the value
  std::optional<Interval> ci95;
  IntervalKind interval = IntervalKind::kNone;
  /// Relative error of the instrument that repeating does not show; of a derived metric the largest
  /// among its inputs, as for `quantisation`.
  std::optional<double> systematic;
  /// Relative bound of what reading in steps of time and value can hide.
  std::optional<double> quantisation;
  std::string reason;  ///< why there is no value
  std::string enable;  ///< the command that would make it available

  bool operator==(const Metric&) const = default;

  /// The weakest evidence behind the value: the source itself, or of a derived one the weakest
  /// input.
  std::optional<Source> strength() const;
};

/// A value from one source (not kDerived). NaN or infinity give an absent metric that says so.
Metric measured(double value, std::string unit, Source source,
                std::optional<std::int64_t> n = std::nullopt);

/// `metric` with a 95 % interval. Not finite, reversed, or of an absent metric: left out.
Metric with_interval(Metric metric, double low, double high, IntervalKind kind);

/// No value. `reason` must say why; `enable` is a command, where there is one.
Metric absent(std::string unit, std::string reason, std::string enable = {},
              std::optional<Source> source = std::nullopt);

/// A named input of a derived metric; `metric` must outlive the call.
struct Input {
  std::string name;
  const Metric& metric;
};

/// compute(values of the inputs, in their order). An absent input makes the result absent, with a
/// reason that names it; a result that is not finite is absent as well. When exactly one input has
/// an interval, its ends are put through `compute` (exact where that is monotone in it) and n and
/// the kind are taken over; with several, no interval is claimed.
Metric derived(std::string unit, const std::vector<Input>& inputs,
               const std::function<double(const std::vector<double>&)>& compute);

/// {"value","unit","source", …}; members that say nothing are left out.
Json to_json(const Metric& metric);

/// Reads what to_json wrote; a null without a reason, an unknown source or a derived metric without
/// inputs is an error.
Result<Metric> metric_from_json(const Json& json, std::string_view what);

}  // namespace ridgeline::results
