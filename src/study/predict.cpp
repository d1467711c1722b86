// One worker for all costs, then formulas.
#include "study/predict.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "study/predict_costs.hpp"

namespace ridgeline::study {
namespace {

using measure::Configuration;
using measure::Workload;

// As large as the engine takes.
constexpr std::int64_t kMostBatch = std::int64_t{1} << 20;
constexpr std::int64_t kMostContext = std::int64_t{1} << 24;

bool wants_int8(const Configuration& configuration) {
  return std::any_of(configuration.knobs.begin(), configuration.knobs.end(),
                     [](const measure::Knob& knob) {
                       return knob.id == "quantize" && measure::to_text(knob.value) == "int8";
                     });
}

Status check(const PredictRequest& request) {
  for (const auto& entry : request.matrix.configurations) {
    const Configuration& one = entry.configuration;
    if (one.engine != kCountingEngine) {
      return unsupported(fmt::format("engine {} cannot be predicted", one.engine),
                         "leave out --engine: times are those of the native engine");
    }
    for (const measure::Knob& knob : one.knobs) {
      if (knob.id == "quantize") continue;
      return unsupported(fmt::format("--optimize {}: not part of the model of time", knob.id),
                         "only quantize=int8 is");
    }
    const Configuration& first = request.matrix.configurations.front().configuration;
    const bool same =
        one.device == first.device && one.threads == first.threads && one.cores == first.cores;
    if (!same) return bad_input("--device, --threads and --cores take one value here, no list");
  }
  if (request.matrix.case_count() == 0) return bad_input("no model was named");
  return {};
}

Result<std::vector<Chip>> chips_of(const PredictRequest& request, const Configuration& first,
                                   const Json& hello) {
  std::vector<Chip> chips;
  for (const std::string& name : request.on) {
    if (name == "this") {
      RIDGELINE_TRY(chips.emplace_back(), chip_here(*request.limits, first, hello));
      continue;
    }
    const auto& table = machine::datasheet_table();
    if (!table) return table.error();
    RIDGELINE_TRY(const auto rows, find_rows(name, *table));
    for (const machine::DatasheetRow* row : rows) {
      const bool known = std::any_of(chips.begin(), chips.end(), [&](const Chip& chip) {
        return !chip.here && chip.name == row->name && chip.vendor == row->vendor;
      });
      if (!known) chips.push_back(chip_of(*row));
    }
  }
  return chips;
}

Result<TimeConstants> constants_of(std::string_view kind) {
  const auto& table = fit_table();
  if (!table) return table.error();
  const std::string_view wanted = has_constants(kind) ? kind : "gpu";
  for (const FittedClass& one : *table) {
    if (one.device_class == wanted) return one.constants;
  }
  return bad_input(fmt::format("the table of constants has no class '{}'", wanted));
}

// Our engine records graphs and has fused kernels on CUDA; other accelerators are predicted as if
// it ran there as well.
Execution execution_on(const Chip& chip) {
  return {.accelerator = chip.is_accelerator()};
}

Result<PhasePrediction> predict_one(const PredictedCase& one, const PhaseWork& phase,
                                    const Chip& chip, bool fits) {
  PhasePrediction predicted;
  predicted.name = phase.name;
  if (!chip.missing.empty()) {
    predicted.reason = chip.missing;
    return predicted;
  }
  RIDGELINE_TRY(const TimeConstants constants, constants_of(chip.kind));
  const auto time = predict_phase(one.work, phase, chip.rates, constants, execution_on(chip));
  if (!time) {
    predicted.reason = fmt::format("{} on {}", time.error().message, chip.name);
    return predicted;
  }
  predicted.time = *time;
  predicted.limit = limit_of(*time, fits);
  if (is_validated(chip)) {
    const auto error = error_of(*validation_table(), chip.kind);
    const bool recorded = chip.is_accelerator() && phase.name != kHostDriven;
    predicted.high =
        predicted.time.central * (recorded ? error->longest_recorded : error->longest_plain);
  }
  return predicted;
}

// Whether the peak fits, and into which size of memory.
void set_fit(const Chip& chip, Prediction& prediction) {
  if (chip.capacities.empty()) return;
  const double peak = prediction.memory.peak;
  for (const double capacity : chip.capacities) {
    prediction.capacity = capacity;
    prediction.fits = peak <= usable_bytes(capacity);
    if (*prediction.fits) return;
  }
  prediction.missing = peak - usable_bytes(*prediction.capacity);
}

// The peak of a case as its batch or its context grows.
struct Growth {
  PeakOfSize batch;
  PeakOfSize context;  ///< empty: the model keeps no context
};

Growth growth_of(Costs& costs, const PredictedCase& one) {
  const auto peak = [&costs, &one](const Workload& workload) -> Result<double> {
    RIDGELINE_TRY(const ModelWork work, costs.of(one.configuration, workload));
    return peak_of(work);
  };
  Growth growth;
  growth.batch = remembered([peak, &one](std::int64_t batch) {
    Workload workload = one.workload.workload;
    workload.batch = batch;
    return peak(workload);
  });
  if (one.work.find("decode") == nullptr) return growth;
  // Encoders and decoders: the prompt is not what grows.
  const bool grows_by_prompt = one.work.find("encode") == nullptr;
  growth.context = remembered([peak, grows_by_prompt, &one](std::int64_t context) {
    Workload workload = one.workload.workload;
    if (grows_by_prompt) workload.sequence = context;
    workload.depth = context;
    return peak(workload);
  });
  return growth;
}

void set_largest(const Growth& growth, const Chip& chip, Prediction& prediction) {
  if (chip.capacities.empty()) {
    prediction.largest_batch.reason = prediction.largest_context.reason = chip.no_capacity;
    return;
  }
  const double usable = usable_bytes(*prediction.capacity);
  prediction.largest_batch = largest_size(growth.batch, usable, kMostBatch);
  prediction.largest_context = growth.context
                                   ? largest_size(growth.context, usable, kMostContext)
                                   : Largest{std::nullopt, {}, "the model keeps no context"};
}

Result<Prediction> predict_case(const PredictedCase& one, const Growth& growth, const Chip& chip) {
  Prediction prediction;
  prediction.memory = memory_at_peak(one.work);
  set_fit(chip, prediction);
  set_largest(growth, chip, prediction);
  // A prompt runs on packed weights, the steps behind it on plain ones.
  const bool two_layouts =
      chip.kind == "cpu" && one.work.find("decode") != nullptr && !one.work.int8_weights;
  prediction.second_layout = two_layouts ? one.work.product_weight_bytes : 0;
  for (const PhaseWork& phase : one.work.phases) {
    if (!phase.measured) continue;
    RIDGELINE_TRY(prediction.phases.emplace_back(),
                  predict_one(one, phase, chip, prediction.fits.value_or(true)));
  }
  return prediction;
}

Result<std::vector<PredictedCase>> cases_of(const PredictRequest& request, Costs& costs) {
  std::vector<PredictedCase> cases;
  for (const auto& entry : request.matrix.configurations) {
    for (const measure::Case& one : entry.cases) {
      RIDGELINE_TRY(ModelWork work, costs.of(entry.configuration, one.workload));
      if (wants_int8(entry.configuration) && !work.int8_weights) {
        return unsupported("the engine counts no 8-bit weights", "leave out quantize=int8");
      }
      cases.push_back({entry.configuration, one, std::move(work)});
    }
  }
  return cases;
}

// The engine has products of 8-bit weights for processors alone.
Status check_int8(const measure::Matrix& matrix, const std::vector<Chip>& chips) {
  const bool wanted =
      std::any_of(matrix.configurations.begin(), matrix.configurations.end(),
                  [](const auto& entry) { return wants_int8(entry.configuration); });
  if (!wanted) return {};
  for (const Chip& chip : chips) {
    if (!chip.is_accelerator()) continue;
    return unsupported(
        fmt::format("quantize=int8: 8-bit weights run on processors, not on {}", chip.name),
        "leave it out, or name processors only");
  }
  return {};
}

Status check_size(std::size_t chips, const measure::Matrix& matrix) {
  const std::size_t cases = matrix.case_count();
  if (chips * cases <= kMostPredictions) return {};
  return bad_input(fmt::format("{} chips and {} cases are above the limit of {} predictions", chips,
                               cases, kMostPredictions),
                   "name fewer chips, or shorten a list");
}

void add_notes(Predictions& all) {
  bool on_datasheet = false;
  for (const Chip& chip : all.chips) {
    all.notes.insert(all.notes.end(), chip.notes.begin(), chip.notes.end());
    if (has_constants(chip.kind) && !is_validated(chip)) on_datasheet = true;
  }
  if (on_datasheet) {
    all.notes.push_back(
        "processors by their datasheet: what is reached of it was never measured, only what is "
        "reached of measured ceilings; the times are likely too short, and have no upper end");
  }
}

}  // namespace

bool has_constants(std::string_view kind) {
  return kind == "gpu" || kind == "cpu";
}

bool is_validated(const Chip& chip) {
  const auto constants = constants_of(chip.kind);
  const auto& rows = validation_table();
  if (!constants || !rows || !error_of(*rows, chip.kind)) return false;
  return chip.rates.basis == constants->basis || constants->ceiling_memory.has_value();
}

const PhasePrediction* Prediction::main_phase() const {
  for (const char* name : {"decode", "forward"}) {
    for (const PhasePrediction& phase : phases) {
      if (phase.name == name) return &phase;
    }
  }
  return phases.empty() ? nullptr : &phases.front();
}

Result<Predictions> predict(const PredictRequest& request) {
  RIDGELINE_CHECK(check(request));
  RIDGELINE_TRY(Costs costs, Costs::start(request.interrupt));
  Predictions all;
  all.rank = request.rank;
  const Configuration& first = request.matrix.configurations.front().configuration;
  RIDGELINE_TRY(all.chips, chips_of(request, first, costs.hello()));
  RIDGELINE_CHECK(check_int8(request.matrix, all.chips));
  RIDGELINE_CHECK(check_size(all.chips.size(), request.matrix));
  RIDGELINE_TRY(all.cases, cases_of(request, costs));
  for (std::size_t of = 0; of < all.cases.size(); ++of) {
    const Growth growth = growth_of(costs, all.cases[of]);
    for (std::size_t at = 0; at < all.chips.size(); ++at) {
      if (request.interrupt != nullptr && request.interrupt->is_set()) {
        return Error{ErrorClass::kInterrupted, "interrupted"};
      }
      RIDGELINE_TRY(Prediction prediction, predict_case(all.cases[of], growth, all.chips[at]));
      prediction.chip = at;
      prediction.of = of;
      all.predictions.push_back(std::move(prediction));
    }
  }
  costs.end();
  rank(all);
  add_notes(all);
  return all;
}

}  // namespace ridgeline::study
