// Turns, rounds and dropping out.
#include "engines/native/ceilings/host/contest.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "base/clock.hpp"

namespace ridgeline::native::ceilings {
namespace {

// One repetition decides little on a noisy machine: only clear losers leave after the first round.
constexpr double kClearlySlower = 2.0 / 3.0;
// The rule of STREAM: the best of at least ten.
constexpr std::int64_t kEnough = 10;

}  // namespace

double median_of(std::span<const double> values) {
  std::vector<double> sorted(values.begin(), values.end());
  std::sort(sorted.begin(), sorted.end());
  const std::size_t half = sorted.size() / 2;
  return sorted.size() % 2 == 1 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
}

std::string join_notes(const std::string& first, const std::string& second) {
  return first.empty() || second.empty() ? first + second : fmt::format("{}; {}", first, second);
}

Contest::Contest(std::size_t entrants, double budget, bool warm)
    : entrants_(entrants), running_(entrants), begin_ns_(now_ns()) {
  for (Entrant& entrant : entrants_) entrant.warm = warm;
  std::iota(running_.begin(), running_.end(), std::size_t{0});
  end_ns_ = begin_ns_ + static_cast<std::int64_t>(budget * static_cast<double>(kNsPerSecond));
}

std::optional<std::size_t> Contest::next() {
  if (running_.empty()) return std::nullopt;
  if (turn_ >= running_.size()) end_round();
  if (counted_ > 0 && now_ns() >= end_ns_) return std::nullopt;
  return running_[turn_];
}

void Contest::add(double rate) {
  Entrant& entrant = entrants_[running_[turn_]];
  if (!entrant.warm) {
    entrant.warm = true;
    return;
  }
  entrant.rates.push_back(rate);
  entrant.best = std::max(entrant.best, rate);
  ++counted_;
  ++turn_;
}

void Contest::withdraw() {
  entrants_[running_[turn_]].withdrawn = true;
  running_.erase(running_.begin() + static_cast<std::ptrdiff_t>(turn_));
}

void Contest::end_round() {
  turn_ = 0;
  std::stable_sort(running_.begin(), running_.end(), [&](std::size_t a, std::size_t b) {
    return entrants_[a].best > entrants_[b].best;
  });
  if (++rounds_ == 1) {
    const double least = entrants_[running_.front()].best * kClearlySlower;
    while (entrants_[running_.back()].best < least) running_.pop_back();
  } else if (running_.size() > 1) {
    running_.pop_back();
  }
}

bool Contest::decided() const {
  return counted_ > 0;
}

std::size_t Contest::winner() const {
  const auto best =
      std::max_element(entrants_.begin(), entrants_.end(),
                       [](const Entrant& a, const Entrant& b) { return a.best < b.best; });
  return static_cast<std::size_t>(best - entrants_.begin());
}

double Contest::best() const {
  return entrants_[winner()].best;
}

double Contest::median() const {
  return median_of(entrants_[winner()].rates);
}

std::int64_t Contest::samples() const {
  return static_cast<std::int64_t>(entrants_[winner()].rates.size());
}

std::string Contest::note() const {
  const auto untried = std::count_if(entrants_.begin(), entrants_.end(), [](const Entrant& e) {
    return e.rates.empty() && !e.withdrawn;
  });
  std::string few;
  if (samples() < kEnough) few = fmt::format("repetitions that fitted in the time: {}", samples());
  std::string left_out;
  if (untried > 0) {
    left_out = fmt::format("{} of {} kernels had no turn", untried, entrants_.size());
  }
  return join_notes(few, left_out);
}

double Contest::seconds() const {
  return static_cast<double>(now_ns() - begin_ns_) / static_cast<double>(kNsPerSecond);
}

}  // namespace ridgeline::native::ceilings
