// Fits the constants of the time model to measured phases.
#pragma once

#include <vector>

#include "base/error.hpp"
#include "study/predict_model.hpp"
#include "study/predict_validation.hpp"

namespace ridgeline::study {

/// A row with its work, which the engine counted.
struct FitPoint {
  const ValidationRow* row = nullptr;
  ModelWork work;
};

/// How the engine ran a measured phase.
Execution execution_of(const ValidationRow& row);

/// The rates that the row counts from.
DeviceRates rates_of(const ValidationRow& row, Basis basis);

/// The constants of least mean squared logarithm of predicted / measured: four at most (no launch
/// cost for processors), found on a grid that closes in, so the same points always give the same
/// answer. `start` gives the basis and the shares of ceilings, which are not fitted. Error: a point
/// without that phase, or no points.
Result<TimeConstants> fit_constants(const std::vector<FitPoint>& points,
                                    const TimeConstants& start);

/// Seconds of a point by these constants.
Result<double> predict_point(const FitPoint& point, const TimeConstants& constants);

/// Of each point, predicted by constants that are fitted to all the others.
Result<std::vector<double>> leave_one_out(const std::vector<FitPoint>& points,
                                          const TimeConstants& start);

}  // namespace ridgeline::study
