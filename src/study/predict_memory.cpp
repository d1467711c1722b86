// Searches along the peak of memory.
#include "study/predict_memory.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <utility>

namespace ridgeline::study {
namespace {

constexpr int kMostQuestions = 64;
constexpr double kLargestSize = 1e15;

// Where the line through two peaks reaches `usable`; `at_flat` where it is flat.
std::int64_t reach(double first_peak, double second_peak, std::int64_t first, std::int64_t second,
                   double usable, std::int64_t at_flat) {
  if (!(second_peak > first_peak)) return at_flat;
  const double step = (second_peak - first_peak) / static_cast<double>(second - first);
  const double size = static_cast<double>(first) + (usable - first_peak) / step;
  return static_cast<std::int64_t>(std::min(size, kLargestSize));
}

}  // namespace

double usable_bytes(double capacity) {
  return std::max(0.0, capacity * (1 - kReserveShare) - kReserveBytes);
}

const PhaseMemory& memory_at_peak(const ModelWork& work) {
  const PhaseWork* largest = nullptr;
  for (const PhaseWork& phase : work.phases) {
    if (!phase.measured) continue;
    if (largest == nullptr || phase.memory.peak > largest->memory.peak) largest = &phase;
  }
  return largest == nullptr ? work.phases.front().memory : largest->memory;
}

double peak_of(const ModelWork& work) {
  return memory_at_peak(work).peak;
}

PeakOfSize remembered(PeakOfSize peak) {
  const auto answers = std::make_shared<std::map<std::int64_t, Result<double>>>();
  return [answers, peak = std::move(peak)](std::int64_t size) -> Result<double> {
    const auto found = answers->find(size);
    if (found != answers->end()) return found->second;
    Result<double> answer = peak(size);
    answers->emplace(size, answer);
    return answer;
  };
}

Largest largest_size(const PeakOfSize& peak, double usable, std::int64_t most) {
  const Result<double> one = peak(1);
  if (!one) return {std::nullopt, {}, one.error().message};
  if (*one > usable) return {std::nullopt, {}, "not even the smallest fits"};
  // `low` fits, `high` does not, or the model refuses it.
  std::int64_t low = 1;
  std::int64_t high = most + 1;
  double low_peak = *one;
  std::optional<double> high_peak;
  std::int64_t next = 2;
  for (int question = 0; question < kMostQuestions && high - low > 1; ++question) {
    next = std::clamp(next, low + 1, high - 1);
    const Result<double> asked = peak(next);
    if (asked && *asked <= usable) {
      const std::int64_t before = std::exchange(low, next);
      const double before_peak = std::exchange(low_peak, *asked);
      next = reach(before_peak, low_peak, before, low, usable, 2 * low);
    } else {
      high = next;
      high_peak = asked ? std::optional(*asked) : std::nullopt;
      const std::int64_t middle = low + (high - low) / 2;
      // A peak that bends lets the line creep: then halves are quicker.
      const bool line = high_peak && question < kMostQuestions / 4;
      next = line ? reach(low_peak, *high_peak, low, high, usable, middle) : middle;
    }
  }
  if (high > most) return {low, {}, {}};
  return {low, high_peak ? "memory" : "model", {}};
}

}  // namespace ridgeline::study
