// The time model: what a phase takes on a device whose rates are known.
#pragma once

#include <array>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "study/predict_work.hpp"

namespace ridgeline::study {

/// Against what the shares of a set of constants count: the vendor's figures, or measured ceilings.
enum class Basis { kDatasheet, kMeasured };

std::string_view name_of(Basis basis);

/// What a device can do at most.
struct DeviceRates {
  Basis basis = Basis::kDatasheet;
  std::map<std::string, double, std::less<>> flops;  ///< FLOP/s of matrix products by dtype
  double bytes = 0;                                  ///< B/s of its memory
};

/// What of that is reached, and what a kernel costs beside its work; fitted to measured phases of a
/// class of devices (predict_fit.hpp), never to one model.
struct TimeConstants {
  Basis basis = Basis::kDatasheet;  ///< what `compute` and `memory` are shares of
  double compute = 1;               ///< share of the rate of matrix products
  double memory = 1;                ///< share of the bandwidth
  double kernel_seconds = 0;        ///< of each op: begin, end, and what it waits for
  /// Of each op where no graph is recorded: the host hands it over. 0: the host is the device.
  double launch_seconds = 0;
  /// Shares of the datasheet that measured ceilings reach; none: never measured side by side.
  std::optional<double> ceiling_compute = {};
  std::optional<double> ceiling_memory = {};
};

/// The phase that the host takes part in: it is never a recorded graph.
inline constexpr std::string_view kHostDriven = "generate";

/// How the engine would run a phase.
struct Execution {
  bool accelerator = false;
  bool recorded = true;     ///< phases that the host takes no part in are recorded graphs
  bool fused = true;        ///< decoding steps of one sequence by fused kernels
  bool two_streams = true;  ///< the towers of a model of two encoders side by side
};

/// Seconds of one call, and of what they consist.
struct PhaseTime {
  double central = 0;
  double low = 0;  ///< no device of these rates can be faster: all of one of them, all of the time
  double compute = 0;  ///< of `central`: ops that matrix products limit
  double memory = 0;   ///< ops that memory limits
  double kernels = 0;  ///< begin and end of kernels
  double host = 0;     ///< beyond all that, until the host has handed them over
};

/// Predicts one phase of `work`. Unsupported: a dtype that the device has no rate for.
///
/// Each op takes the longer of flops / (compute · rate) and bytes / (memory · bandwidth), each
/// kernel `kernel_seconds` more; without a recorded graph a call is never shorter than
/// kernels · launch_seconds. `low` is the longer of flops_minimum / rate and bytes / bandwidth.
Result<PhaseTime> predict_phase(const ModelWork& work, const PhaseWork& phase,
                                const DeviceRates& rates, const TimeConstants& constants,
                                const Execution& execution);

/// Kernels of a call. Fused decoding has five a layer and two more; of two towers on two streams
/// the shorter one costs none.
double kernels_of(const ModelWork& work, const PhaseWork& phase, const Execution& execution);

/// What binds, by the constants of the analysis of a record: the part with at least kLeads of the
/// time, else "mixed" among those within kMixed of the largest.
struct Limit {
  std::string id;
  std::vector<std::string> among;
};
Limit limit_of(const PhaseTime& time, bool fits);

}  // namespace ridgeline::study
