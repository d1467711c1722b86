// The order in which predictions are shown.
#include <algorithm>
#include <array>
#include <limits>
#include <tuple>

#include "study/predict.hpp"

namespace ridgeline::study {
namespace {

constexpr double kLast = std::numeric_limits<double>::infinity();

struct Named {
  std::string_view name;
  Rank rank;
};
constexpr std::array<Named, 4> kRanks = {{{"time", Rank::kTime},
                                          {"throughput", Rank::kThroughput},
                                          {"fits", Rank::kFits},
                                          {"joule", Rank::kJoule}}};

// Smaller is better; what is not known comes last.
double key_of(const Predictions& all, const Prediction& prediction) {
  if (all.rank == Rank::kFits) {
    if (!prediction.capacity) return kLast;
    return prediction.memory.peak - usable_bytes(*prediction.capacity);
  }
  const PhasePrediction* const phase = prediction.main_phase();
  if (phase == nullptr || !phase->reason.empty()) return kLast;
  const double seconds = phase->time.central;
  if (all.rank == Rank::kTime) return seconds;
  const PhaseWork* const work = all.cases[prediction.of].work.find(phase->name);
  const double items = work == nullptr ? 0 : work->items_of(work->unit);
  if (items <= 0) return kLast;
  if (all.rank == Rank::kThroughput) return seconds / items;
  const auto& power = all.chips[prediction.chip].power;
  return power ? *power * seconds / items : kLast;
}

}  // namespace

std::optional<Rank> rank_from(std::string_view name) {
  for (const Named& row : kRanks) {
    if (row.name == name) return row.rank;
  }
  return std::nullopt;
}

std::string_view name_of(Rank rank) {
  for (const Named& row : kRanks) {
    if (row.rank == rank) return row.name;
  }
  return "time";
}

void rank(Predictions& all) {
  // By throughput all batches of a configuration compete; else each case has its own list.
  const bool by_case = all.rank != Rank::kThroughput;
  std::stable_sort(all.predictions.begin(), all.predictions.end(),
                   [&](const Prediction& a, const Prediction& b) {
                     const auto order = [&](const Prediction& one) {
                       const bool out = one.fits && !*one.fits;
                       const double first = out ? one.missing : key_of(all, one);
                       return std::tuple(by_case ? one.of : 0, out, first);
                     };
                     return order(a) < order(b);
                   });
}

}  // namespace ridgeline::study
