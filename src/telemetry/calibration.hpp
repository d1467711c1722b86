// What a sensor really does on this machine: its update period, its cost, and whether it is right.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "telemetry/meter.hpp"
#include "telemetry/series.hpp"

namespace ridgeline::telemetry {

/// One domain as it was found by polling it at 1 kHz under load.
struct Calibration {
  std::string source;
  std::string id;
  std::optional<double> update_period;  ///< s, median; none: fewer than three changes were seen
  double read_seconds = 0;              ///< mean time of one read
  std::int64_t changes = 0;             ///< behind the period
  bool is_counter = false;              ///< cumulative: under load it must move
  /// Counter over integrated power on a steady load, of the counter of a meter with both.
  std::optional<double> cross_check;
  std::string created;  ///< UTC

  /// False when a counter stood still under load, or is more than kLargestDisagreement from the
  /// integral of power.
  bool is_valid() const;
};

/// Polling interval of a calibration.
inline constexpr std::int64_t kCalibrationInterval = 1'000'000;
/// Length of a calibration: twenty periods of the slowest common counter (100 ms).
inline constexpr double kCalibrationSeconds = 2.0;

/// Mean seconds of one read of the domain: `repetitions` of them with a pause before each, since
/// drivers keep a value for a while and give it again for nothing.
double read_cost(const DomainRef& domain, int repetitions = 5, double pause_seconds = 0.06);

/// From readings at kCalibrationInterval. The changes of a momentary domain count like ticks.
Calibration calibrate(const Series& series, double read_seconds);

/// Json forms:
/// {"source","id","update_period","read_seconds","changes","counter","cross_check","valid",
/// "created"}.
Json to_json(const Calibration& calibration);
Result<Calibration> calibration_from_json(const Json& json, std::string_view what);

/// The calibrations of one machine, kept in `<folder>/sensors-<fingerprint>.json`.
class CalibrationCache {
 public:
  /// Reads what is there. A file that cannot be read or is another machine's counts as empty:
  /// calibrating again costs seconds.
  CalibrationCache(std::string folder, std::string fingerprint);

  const Calibration* find(std::string_view source, std::string_view id) const;
  void put(Calibration calibration);
  const std::vector<Calibration>& all() const { return all_; }
  /// Writes the file, whole or nothing. Without a folder nothing is kept.
  Status save() const;

 private:
  std::string folder_;
  std::string fingerprint_;
  std::vector<Calibration> all_;
};

}  // namespace ridgeline::telemetry
