// What `ridgeline predict` prints.
#pragma once

#include <string>

#include "base/json.hpp"

namespace ridgeline::report {

/// A table of each case: chips with memory, fit and the time, limit and throughput of each phase;
/// below it what the ranges rest on. `predictions` is ridgeline-prediction/1 as study::to_json()
/// writes it; what is missing in it is shown as "–".
std::string predict_text(const Json& predictions);

/// The table of measured and predicted phases, and the constants of each class:
/// ridgeline-prediction-validation/1.
std::string validation_text(const Json& validation);

}  // namespace ridgeline::report
