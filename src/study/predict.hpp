// `ridgeline predict`: cost, memory, time and limit of models on chips, from configs alone.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "base/interrupt.hpp"
#include "base/json.hpp"
#include "measure/efficiency.hpp"
#include "measure/matrix.hpp"
#include "study/predict_chips.hpp"
#include "study/predict_fit.hpp"
#include "study/predict_memory.hpp"
#include "study/predict_model.hpp"
#include "study/predict_validation.hpp"
#include "study/predict_work.hpp"

namespace ridgeline::study {

/// Chips times cases that one command predicts at most.
inline constexpr std::size_t kMostPredictions = 5000;

enum class Rank { kTime, kThroughput, kFits, kJoule };
std::optional<Rank> rank_from(std::string_view name);
std::string_view name_of(Rank rank);

struct PredictRequest {
  measure::Matrix matrix;
  std::vector<std::string> on = {"this"};  ///< "this", names of the hardware table, or "all"
  Rank rank = Rank::kTime;
  const measure::MachineLimits* limits = nullptr;
  const Interrupt* interrupt = nullptr;
};

/// A configuration and workload, and what its engine says of it.
struct PredictedCase {
  measure::Configuration configuration;
  measure::Case workload;
  ModelWork work;
};

/// One phase on one chip.
struct PhasePrediction {
  std::string name;
  PhaseTime time;
  std::optional<double> high;  ///< s; none: nothing was measured on this class of devices
  Limit limit;
  std::string reason;  ///< why there is no time; empty: there is one
};

/// One case on one chip.
struct Prediction {
  std::size_t chip = 0;            ///< index into Predictions::chips
  std::size_t of = 0;              ///< index into Predictions::cases
  PhaseMemory memory;              ///< of the phase that needs most
  std::optional<double> capacity;  ///< the smallest size of memory it fits into, else the largest
  std::optional<bool> fits;
  double missing = 0;        ///< B that are short of fitting; 0: it fits, or nobody knows
  double second_layout = 0;  ///< B that a second layout of weights takes where there is room
  Largest largest_batch;
  Largest largest_context;
  std::vector<PhasePrediction> phases;

  const PhasePrediction* main_phase() const;
};

struct Predictions {
  std::vector<Chip> chips;
  std::vector<PredictedCase> cases;
  std::vector<Prediction> predictions;  ///< ranked; what does not fit last
  Rank rank = Rank::kTime;
  std::vector<std::string> notes;
};

/// Whether the class has constants of its own; "gpu" lends its to other accelerators.
bool has_constants(std::string_view kind);

/// Whether phases were measured on this class, against limits of the same kind as the chip's: then
/// there is an error to speak of, and an upper end of times.
bool is_validated(const Chip& chip);

/// Asks one native worker for all costs, and predicts. Errors: no such chip or model, an engine
/// other than native, too many predictions, nothing known of this machine, interrupted.
Result<Predictions> predict(const PredictRequest& request);

/// Puts the predictions in the order of `all.rank`: case by case (by throughput: all together),
/// what does not fit last, by what is missing.
void rank(Predictions& all);

/// ridgeline-prediction/1 (docs/prediction.schema.json).
Json to_json(const Predictions& predictions, const std::string& command, const std::string& now);

/// What the time model says of every measured phase, each left out of its own fit, with the
/// constants of each class fitted to all of its rows.
struct Validation {
  std::vector<ValidationRow> rows;  ///< with new `predicted`
  std::vector<FittedClass> classes;
};
Result<Validation> validate(const Interrupt* interrupt);
Json to_json(const Validation& validation);

}  // namespace ridgeline::study
