// The sensors of a session: opened once, calibrated once, and what they say about a device at rest.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "base/interrupt.hpp"
#include "base/json.hpp"
#include "telemetry/calibration.hpp"
#include "telemetry/meter.hpp"
#include "telemetry/sampler.hpp"
#include "telemetry/sources.hpp"

namespace ridgeline::measure {

/// A meter, its update period as calibrated, and the source's own error.
struct CalibratedMeter {
  telemetry::Meter meter;
  double update_period = 0;  ///< s, of the counter, else of the power; 0 when nobody knows
  double read_seconds = 0;   ///< of the counter, as calibrated; 0 when nobody knows
  std::optional<double> systematic;
};

class Instruments {
 public:
  /// Opens the sources of a choice (telemetry::open_sources). `cache_folder` keeps calibrations
  /// under the machine's fingerprint; empty: they are not kept.
  static Result<Instruments> open(const std::vector<std::string>& choice,
                                  const telemetry::Environment& environment,
                                  std::string cache_folder, std::string fingerprint);

  const telemetry::Sources& sources() const { return sources_; }
  telemetry::CalibrationCache& calibrations() { return calibrations_; }

  /// Meters of the host and of the accelerator at `device` ("" for none), with what calibration
  /// knows.
  std::vector<CalibratedMeter> meters(const std::string& device) const;
  /// Meters of the host and of every accelerator that a source knows.
  std::vector<CalibratedMeter> all_meters() const;
  /// Why there is no primary meter for `device`.
  telemetry::Absence why_absent(telemetry::Kind kind, const std::string& device) const;

 private:
  Instruments(telemetry::Sources sources, telemetry::CalibrationCache calibrations)
      : sources_(std::move(sources)), calibrations_(std::move(calibrations)) {}

  telemetry::Sources sources_;
  telemetry::CalibrationCache calibrations_;
};

bool has_primary(const std::vector<CalibratedMeter>& meters);

/// The longest update period among the primary meters, in s; 0 when unknown.
double longest_period(const std::vector<CalibratedMeter>& meters);

/// Shortest window that is trusted: max(5 s, 50 update periods).
double default_window_seconds(const std::vector<CalibratedMeter>& meters);

/// Where the series of a meter stand among those of a sampler; -1: not there.
struct MeterSeries {
  int counter = -1;
  int power = -1;
};

/// Channels of the meters at rates that suit them, then of `state` domains. `fixed_interval_ns` > 0
/// reads the meters at that interval instead.
struct ChannelPlan {
  std::vector<telemetry::Channel> channels;
  std::vector<MeterSeries> meters;  ///< one for each meter
  std::size_t first_state = 0;      ///< index of the first state channel
  double longest_jump = 0;          ///< s: so much may lie between the ticks that are met
};
ChannelPlan plan_channels(const std::vector<CalibratedMeter>& meters,
                          const std::vector<telemetry::DomainRef>& state,
                          std::int64_t fixed_interval_ns = 0);

/// Sleeps; false when the interrupt came first.
bool sleep_for(double seconds, const Interrupt* interrupt);

/// {"<meter>":{"watts","seconds","bound","method"}} or {"<meter>":{"reason"}} over a window of what
/// a sampler of `plan` read.
Json power_within(const std::vector<CalibratedMeter>& meters, const ChannelPlan& plan,
                  const std::vector<telemetry::Series>& series, const telemetry::Span& window);

/// power_within() of a device at rest, sampled for `seconds` now. Interrupted: an error of that
/// class.
Result<Json> idle_power(const std::vector<CalibratedMeter>& meters, double seconds,
                        const Interrupt* interrupt);

}  // namespace ridgeline::measure
