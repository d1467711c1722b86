// Closed forms of a few waveforms.
#include "telemetry/waveform.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

namespace ridgeline::telemetry {
namespace {

constexpr std::string_view kWhat = "power of a scripted sensor";
constexpr std::size_t kMostSteps = 10'000;

Result<double> not_negative(const Json& json, const char* key) {
  RIDGELINE_TRY(const double value, get_number(json, key, kWhat));
  if (!std::isfinite(value) || value < 0) {
    return bad_input(fmt::format("{}: '{}' must not be negative", kWhat, key));
  }
  return value;
}

Result<double> positive(const Json& json, const char* key) {
  RIDGELINE_TRY(const double value, not_negative(json, key));
  if (value == 0) return bad_input(fmt::format("{}: '{}' must not be 0", kWhat, key));
  return value;
}

Result<std::vector<std::pair<double, double>>> read_steps(const Json& json) {
  const Json steps = json.value("steps", Json());
  const Error wrong = bad_input(
      fmt::format("{}: 'steps' must be pairs [second, watts] in order, the first at 0", kWhat));
  if (!steps.is_array() || steps.empty() || steps.size() > kMostSteps) return wrong;
  std::vector<std::pair<double, double>> read;
  for (const Json& step : steps) {
    if (!step.is_array() || step.size() != 2 || !step[0].is_number() || !step[1].is_number()) {
      return wrong;
    }
    const std::pair pair(step[0].get<double>(), step[1].get<double>());
    const bool in_order = read.empty() ? pair.first == 0 : pair.first > read.back().first;
    if (!in_order || !(pair.second >= 0)) return wrong;
    read.push_back(pair);
  }
  return read;
}

}  // namespace

Result<Waveform> Waveform::from_json(const Json& json) {
  Waveform wave;
  if (json.is_number()) {
    wave.a_ = json.get<double>();
    if (!(wave.a_ >= 0)) return bad_input(fmt::format("{} must not be negative", kWhat));
    return wave;
  }
  RIDGELINE_TRY(const std::string shape, get_string(json, "shape", kWhat));
  if (shape == "constant") {
    RIDGELINE_TRY(wave.a_, not_negative(json, "watts"));
  } else if (shape == "ramp") {
    wave.shape_ = Shape::kRamp;
    RIDGELINE_TRY(wave.a_, not_negative(json, "from"));
    RIDGELINE_TRY(wave.b_, not_negative(json, "to"));
    RIDGELINE_TRY(wave.seconds_, positive(json, "seconds"));
  } else if (shape == "square") {
    wave.shape_ = Shape::kSquare;
    RIDGELINE_TRY(wave.a_, not_negative(json, "low"));
    RIDGELINE_TRY(wave.b_, not_negative(json, "high"));
    RIDGELINE_TRY(wave.seconds_, positive(json, "period"));
    RIDGELINE_TRY(wave.duty_, not_negative(json, "duty"));
    if (wave.duty_ > 1) return bad_input(fmt::format("{}: 'duty' is at most 1", kWhat));
  } else if (shape == "steps") {
    wave.shape_ = Shape::kSteps;
    RIDGELINE_TRY(wave.steps_, read_steps(json));
  } else {
    return bad_input(fmt::format("{}: no shape '{}'", kWhat, shape.substr(0, 40)),
                     "constant, ramp, square or steps");
  }
  return wave;
}

double Waveform::watts(double seconds) const {
  const double t = std::max(seconds, 0.0);
  switch (shape_) {
    case Shape::kConstant:
      return a_;
    case Shape::kRamp:
      return t >= seconds_ ? b_ : a_ + (b_ - a_) * t / seconds_;
    case Shape::kSquare:
      return std::fmod(t, seconds_) < duty_ * seconds_ ? b_ : a_;
    case Shape::kSteps:
      break;
  }
  const auto after =
      std::upper_bound(steps_.begin(), steps_.end(), std::pair<double, double>(t, INFINITY));
  return std::prev(after)->second;
}

double Waveform::joules(double seconds) const {
  const double t = std::max(seconds, 0.0);
  switch (shape_) {
    case Shape::kConstant:
      return a_ * t;
    case Shape::kRamp: {
      const double ramp = std::min(t, seconds_);
      return a_ * ramp + 0.5 * (b_ - a_) * ramp * ramp / seconds_ + b_ * (t - ramp);
    }
    case Shape::kSquare: {
      const double high = duty_ * seconds_;
      const double whole = std::floor(t / seconds_);
      const double part = t - whole * seconds_;
      return whole * (b_ * high + a_ * (seconds_ - high)) + b_ * std::min(part, high) +
             a_ * std::max(0.0, part - high);
    }
    case Shape::kSteps:
      break;
  }
  double sum = 0;
  for (std::size_t i = 0; i < steps_.size() && steps_[i].first < t; ++i) {
    const double end = i + 1 < steps_.size() ? std::min(t, steps_[i + 1].first) : t;
    sum += steps_[i].second * (end - steps_[i].first);
  }
  return sum;
}

}  // namespace ridgeline::telemetry
