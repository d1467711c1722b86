// When is a process warm? Rules on block medians.
#include "measure/stationarity.hpp"

#include <algorithm>
#include <cmath>

#include "base/statistics.hpp"
#include "measure/seconds.hpp"

namespace ridgeline::measure {
namespace {

constexpr double kGrowth = 0.1;                   // a block takes this share of the time spent
constexpr std::int64_t kMaxBlockCalls = 100'000;  // bounds memory for calls of nanoseconds
constexpr std::int64_t kCallsPerBlock = 3;        // where they are affordable
constexpr std::size_t kMinTrendBlocks = 6;
constexpr std::size_t kMaxTrendBlocks = 64;

// unsettled_prefix:
constexpr std::size_t kMinSamples = 20;
constexpr std::size_t kBlocks = 64;
constexpr double kChange = 0.02;
constexpr double kNoiseMultiple = 5;

}  // namespace

Warmup::Warmup(const WarmupOptions& options, double slice_seconds)
    : options_(options), slice_(or_zero(slice_seconds)) {
  if (options_.exact_calls && *options_.exact_calls <= 0) done_ = true;
}

Chunk Warmup::next() const {
  if (options_.exact_calls) {
    const std::int64_t block = std::max<std::int64_t>(
        *options_.exact_calls / static_cast<std::int64_t>(options_.blocks), 1);
    return {std::clamp<std::int64_t>(*options_.exact_calls - calls_, 1, block)};
  }
  if (medians_.empty()) return {1};
  const double room = std::max(options_.max_share * slice_ - after_first(), 0.0);
  // Small slices get small blocks: the cap must have room for twice the blocks that have to agree.
  const double smallest =
      std::min(options_.block_seconds,
               options_.max_share * slice_ / (2.0 * static_cast<double>(options_.blocks + 1)));
  double seconds = std::max(smallest, kGrowth * after_first());
  const double several = static_cast<double>(kCallsPerBlock) * call_seconds();
  if (several * static_cast<double>(options_.blocks) <= room) seconds = std::max(seconds, several);
  const std::int64_t calls_left = std::max<std::int64_t>(options_.max_calls - calls_, 1);
  return {std::min(kMaxBlockCalls, calls_left), to_ns(std::min(seconds, room))};
}

void Warmup::add(std::span<const double> seconds, std::optional<double> wall_seconds) {
  if (done_) return;
  std::vector<double> valid;
  double sum = 0;
  for (double value : seconds) {
    if (!std::isfinite(value) || value < 0) continue;
    valid.push_back(value);
    sum += value;
  }
  spent_ += std::max(or_zero(wall_seconds.value_or(sum)), sum);
  calls_ += static_cast<std::int64_t>(seconds.size());
  if (!valid.empty()) {
    if (!first_call_) {
      first_call_ = valid.front();
      first_block_ = spent_;
    }
    medians_.push_back(median_in_place(valid));
  }
  decide(seconds.empty());
}

/// The first block is the first call alone and never counts as evidence of a steady state.
bool Warmup::agrees() const {
  if (medians_.size() < options_.blocks + 1) return false;
  const std::span<const double> last = std::span(medians_).last(options_.blocks);
  const auto [least, most] = std::minmax_element(last.begin(), last.end());
  return *most - *least <= options_.tolerance * median(last);
}

bool Warmup::trendless() const {
  const std::size_t half =
      std::clamp((medians_.size() - 1) / 4, kMinTrendBlocks / 2, kMaxTrendBlocks / 2);
  if (medians_.size() < 2 * half + 1) return false;
  const std::span<const double> last = std::span(medians_).last(2 * half);
  double squares = 0;
  for (std::size_t i = 1; i < last.size(); ++i) {
    squares += (last[i] - last[i - 1]) * (last[i] - last[i - 1]);
  }
  const double noise = std::sqrt(squares / static_cast<double>(last.size() - 1) / 2);
  // The median of h normal values has 1.25 times the error of their mean.
  const double error = 1.2533 * noise * std::sqrt(2.0 / static_cast<double>(half));
  const double difference = std::abs(median(last.last(half)) - median(last.first(half)));
  return difference <= std::max(2 * error, options_.tolerance / 2 * median(last));
}

void Warmup::decide(bool nothing_ran) {
  stationary_ = agrees() || trendless();
  if (options_.exact_calls) {
    done_ = calls_ >= *options_.exact_calls || nothing_ran;
    return;
  }
  const bool enough =
      calls_ >= options_.min_calls || after_first() >= options_.min_calls_share * slice_;
  // Only a second call tells whether the first was long because calls are or because it was first.
  const double cap = medians_.size() == 1 ? slice_ : options_.max_share * slice_;
  const bool capped =
      after_first() + call_seconds() > cap || calls_ >= options_.max_calls || nothing_ran;
  done_ = (stationary_ && enough) || capped;
}

std::size_t unsettled_prefix(std::span<const double> series) {
  if (series.size() < kMinSamples) return 0;
  const std::size_t count = std::min(series.size(), kBlocks);
  const std::vector<double> medians = block_medians(series, count);
  const std::span<const double> settled = std::span(medians).subspan(count / 2);
  const double level = median(settled);
  const double noise = kMadToSigma * median_absolute_deviation(settled);
  const double limit = std::max(kChange * level, kNoiseMultiple * noise);
  const double side = medians.front() > level ? 1 : -1;
  std::size_t blocks = 0;
  while (blocks < count / 2 && side * (medians[blocks] - level) > limit) ++blocks;
  if (blocks == count / 2) return 0;
  return series.size() * blocks / count;
}

}  // namespace ridgeline::measure
