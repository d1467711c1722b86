// Order and number of pieces of advice.
#include "analysis/advice_list.hpp"

#include <algorithm>
#include <cmath>

namespace ridgeline::analysis {
namespace {

constexpr std::size_t kMost = 4;
constexpr double kWorthIt = 1.02;
// A smaller gain is not what to try first.
constexpr double kSmall = 1.1;

double high_of(const Advice& advice) {
  return advice.gain ? advice.gain->high : 0;
}

}  // namespace

void AdviceList::add(AdviceKind kind, std::string what, std::optional<double> high,
                     std::string why) {
  if (high && (!std::isfinite(*high) || *high < kWorthIt)) return;
  const bool is_there = std::any_of(entries_.begin(), entries_.end(),
                                    [&](const Entry& entry) { return entry.advice.what == what; });
  if (is_there) return;
  Advice advice{std::move(what), std::nullopt, std::move(why)};
  if (high) advice.gain = Gain{1.0, *high};
  if (kind == AdviceKind::kFaster && high && *high < kSmall) kind = AdviceKind::kRest;
  entries_.push_back({kind, std::move(advice)});
}

std::vector<Advice> AdviceList::take() {
  std::stable_sort(entries_.begin(), entries_.end(), [](const Entry& a, const Entry& b) {
    if (a.kind != b.kind) return a.kind < b.kind;
    return high_of(a.advice) > high_of(b.advice);
  });
  std::vector<Advice> advice;
  for (Entry& entry : entries_) {
    if (advice.size() < kMost) advice.push_back(std::move(entry.advice));
  }
  return advice;
}

}  // namespace ridgeline::analysis
