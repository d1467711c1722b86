// Power over time whose energy is known exactly: what scripted sensors pretend to measure.
#pragma once

#include <utility>
#include <vector>

#include "base/error.hpp"
#include "base/json.hpp"

namespace ridgeline::telemetry {

/// A function of time in seconds since the script's start; times before it are its start.
///   {"shape":"constant","watts":100}
///   {"shape":"ramp","from":50,"to":150,"seconds":10}           stays at `to` afterwards
///   {"shape":"square","low":50,"high":150,"period":0.37,"duty":0.5}   high first
///   {"shape":"steps","steps":[[0,50],[3,200],[3.5,50]]}        [second, watts], first at 0
class Waveform {
 public:
  /// A number means constant. Unknown keys and shapes, negative or not finite values are errors.
  static Result<Waveform> from_json(const Json& json);

  double watts(double seconds) const;
  /// The exact integral from 0 to `seconds`, in J.
  double joules(double seconds) const;

 private:
  enum class Shape { kConstant, kRamp, kSquare, kSteps };
  Shape shape_ = Shape::kConstant;
  double a_ = 0;  // watts, from, low
  double b_ = 0;  // to, high
  double seconds_ = 0;
  double duty_ = 0;
  std::vector<std::pair<double, double>> steps_;
};

}  // namespace ridgeline::telemetry
