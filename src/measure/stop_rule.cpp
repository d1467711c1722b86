// How long one invocation times a phase.
#include "measure/stop_rule.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/trend.hpp"
#include "measure/seconds.hpp"

namespace ridgeline::measure {
namespace {

constexpr double kFewCalls = 100;

}  // namespace

std::string_view name(StopReason reason) {
  switch (reason) {
    case StopReason::kPrecision:
      return "precision";
    case StopReason::kBudget:
      return "budget";
    case StopReason::kLimit:
      return "limit";
  }
  return "budget";
}

StopRule::StopRule(const StopOptions& options, double slice_seconds, const Warmup& warmup)
    : options_(options),
      slice_(or_zero(slice_seconds)),
      expected_call_(or_zero(warmup.call_seconds())),
      warmup_calls_(warmup.calls()),
      warm_(warmup.stationary()) {}

double StopRule::call_seconds() const {
  return samples_.empty() ? expected_call_ : spent_ / static_cast<double>(samples_.size());
}

double StopRule::relative_half_width() const {
  if (!median_ || !(median_->value > 0)) return std::numeric_limits<double>::infinity();
  return (median_->interval.high - median_->interval.low) / 2 / median_->value;
}

bool StopRule::may_end_by_precision() const {
  if (relative_half_width() > options_.precision) return false;
  const double min_seconds =
      warm_ ? options_.min_seconds
            : std::max(options_.min_seconds, options_.min_share_unsettled * slice_);
  const auto made = static_cast<std::int64_t>(samples_.size());
  if (static_cast<std::int64_t>(settled().size()) < options_.min_calls || spent_ < min_seconds ||
      made + warmup_calls_ < options_.min_process_calls) {
    return false;
  }
  const auto drift = detect_drift(settled());
  return !drift || !drift->flagged;
}

Chunk StopRule::next() const {
  const double left = std::max(slice_ - spent_, 0.0);
  const auto made = static_cast<std::int64_t>(samples_.size());
  double wanted = std::max(options_.min_seconds - spent_,
                           static_cast<double>(options_.min_calls - made) * call_seconds());
  const double width = relative_half_width();
  if (std::isfinite(width) && width > options_.precision) {
    // The width falls with the root of the time.
    wanted = std::max(wanted, spent_ * (std::pow(width / options_.precision, 2) - 1));
  } else if (!samples_.empty()) {
    // Precise, but not allowed to end: more calls, or more of the drift.
    const std::int64_t missing = options_.min_process_calls - warmup_calls_ - made;
    wanted = std::max(wanted, std::min(static_cast<double>(missing) * call_seconds(), spent_));
    if (!warm_) wanted = std::max(wanted, options_.min_share_unsettled * slice_ - spent_);
  }
  wanted = std::max(wanted, options_.chunk_seconds);
  if (left - wanted < options_.chunk_seconds) wanted = left;  // leave no crumb
  std::int64_t calls = std::max<std::int64_t>(options_.max_calls - made, 1);
  // A few long calls: stop at the one that ends nearest to the end of the slice.
  if (call_seconds() > 0 && left / call_seconds() < kFewCalls) {
    calls = std::clamp<std::int64_t>(std::llround(left / call_seconds()), 1, calls);
  }
  return {calls, to_ns(wanted)};
}

void StopRule::add(std::span<const double> seconds, std::optional<double> wall_seconds) {
  if (done()) return;
  double sum = 0;
  for (double value : seconds) {
    if (!std::isfinite(value) || value < 0) {
      ++invalid_;
      continue;
    }
    samples_.push_back(value);
    sum += value;
  }
  spent_ += std::max(or_zero(wall_seconds.value_or(sum)), sum);
  settled_from_ = unsettled_prefix(samples_);
  median_ = series_quantile(settled(), 0.5);

  const auto made = static_cast<std::int64_t>(samples_.size());
  if (may_end_by_precision()) {
    reason_ = StopReason::kPrecision;
  } else if (made >= options_.max_calls) {
    reason_ = StopReason::kLimit;
  } else if (slice_ - spent_ < call_seconds() / 2 || spent_ >= slice_ || seconds.empty()) {
    reason_ = StopReason::kBudget;  // the next call would end nearer to after the slice
  }
}

}  // namespace ridgeline::measure
