// A grid over the logarithms of the constants, halved around its best point.
#include "study/predict_fit.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

namespace ridgeline::study {
namespace {

constexpr int kSides = 2;  // points on each side of the middle
constexpr int kRounds = 26;
constexpr double kShrink = 0.7;

// A constant and the range it may take.
struct Unknown {
  double TimeConstants::* member;
  double low;
  double high;
};

constexpr std::array<Unknown, 4> kUnknowns = {{{&TimeConstants::compute, 0.05, 1},
                                               {&TimeConstants::memory, 0.05, 1},
                                               {&TimeConstants::kernel_seconds, 1e-7, 1e-4},
                                               {&TimeConstants::launch_seconds, 1e-6, 1e-4}}};

double loss_of(const std::vector<FitPoint>& points, const TimeConstants& constants) {
  double sum = 0;
  for (const FitPoint& point : points) {
    const Result<double> seconds = predict_point(point, constants);
    if (!seconds) return std::numeric_limits<double>::infinity();
    const double error = std::log(*seconds / point.row->measured);
    sum += error * error;
  }
  return sum;
}

// Tries every combination of one step up, down or none of all unknowns.
void close_in(const std::vector<FitPoint>& points, const std::array<double, 4>& steps,
              std::size_t unknowns, TimeConstants& best, double& loss) {
  const TimeConstants middle = best;
  std::size_t combinations = 1;
  for (std::size_t i = 0; i < unknowns; ++i) combinations *= 2 * kSides + 1;
  for (std::size_t combination = 0; combination < combinations; ++combination) {
    TimeConstants tried = middle;
    std::size_t rest = combination;
    for (std::size_t i = 0; i < unknowns; ++i) {
      const int step = static_cast<int>(rest % (2 * kSides + 1)) - kSides;
      rest /= 2 * kSides + 1;
      const Unknown& unknown = kUnknowns[i];
      double& value = tried.*unknown.member;
      value = std::clamp(value * std::exp(step * steps[i]), unknown.low, unknown.high);
    }
    const double tried_loss = loss_of(points, tried);
    if (tried_loss < loss) {
      loss = tried_loss;
      best = tried;
    }
  }
}

}  // namespace

Execution execution_of(const ValidationRow& row) {
  const bool accelerator = row.device_class != "cpu";
  return {.accelerator = accelerator,
          .recorded = row.recorded,
          .fused = row.recorded,
          .two_streams = row.recorded};
}

DeviceRates rates_of(const ValidationRow& row, Basis basis) {
  DeviceRates rates;
  rates.basis = basis;
  rates.flops[row.dtype] = row.flops_rate;
  rates.bytes = row.bytes_rate;
  return rates;
}

Result<double> predict_point(const FitPoint& point, const TimeConstants& constants) {
  const PhaseWork* phase = point.work.find(point.row->phase);
  if (phase == nullptr) {
    return bad_input(fmt::format("{}: there is no such phase", point.row->describe()));
  }
  RIDGELINE_TRY(const PhaseTime time,
                predict_phase(point.work, *phase, rates_of(*point.row, constants.basis), constants,
                              execution_of(*point.row)));
  return time.central;
}

Result<TimeConstants> fit_constants(const std::vector<FitPoint>& points,
                                    const TimeConstants& start) {
  if (points.empty()) return bad_input("no measured phases to fit to");
  const bool launches = points.front().row->device_class != "cpu";
  const std::size_t unknowns = launches ? kUnknowns.size() : kUnknowns.size() - 1;
  TimeConstants best = start;
  std::array<double, 4> steps{};
  for (std::size_t i = 0; i < kUnknowns.size(); ++i) {
    const Unknown& unknown = kUnknowns[i];
    best.*unknown.member = i < unknowns ? std::sqrt(unknown.low * unknown.high) : 0;
    steps[i] = std::log(unknown.high / unknown.low) / (2 * kSides);
  }
  RIDGELINE_TRY(double loss, predict_point(points.front(), best));
  loss = loss_of(points, best);
  for (int round = 0; round < kRounds; ++round) {
    close_in(points, steps, unknowns, best, loss);
    for (double& step : steps) step *= kShrink;
  }
  return best;
}

Result<std::vector<double>> leave_one_out(const std::vector<FitPoint>& points,
                                          const TimeConstants& start) {
  std::vector<double> predicted;
  for (std::size_t i = 0; i < points.size(); ++i) {
    std::vector<FitPoint> others = points;
    others.erase(others.begin() + static_cast<std::ptrdiff_t>(i));
    RIDGELINE_TRY(const TimeConstants constants, fit_constants(others, start));
    RIDGELINE_TRY(predicted.emplace_back(), predict_point(points[i], constants));
  }
  return predicted;
}

}  // namespace ridgeline::study
