// Exactly known durations: the same script, seed and invocation give the same nanoseconds.
#pragma once

#include <cstdint>

#include "engines/scripted/script.hpp"

namespace ridgeline::scripted {

/// Normal deviates from a seed; the same on every platform.
class Normals {
 public:
  explicit Normals(std::uint64_t seed) : state_(seed) {}
  double next();

 private:
  double uniform();
  std::uint64_t state_;
};

/// Which process of which experiment this is.
struct Origin {
  std::int64_t script_seed = 0;
  std::int64_t load_seed = 0;
  std::int64_t invocation = 0;
};

/// The durations of the calls of one phase since its plan. Call k takes
///   D · P · (1 + drift·k) · F(k) · O(k) · max(0.05, 1 + e(k))    rounded to whole ns, at least 1
/// with D = (duration + per_token · tokens) · knob factors; P = exp(spread · z), one z per process
/// (median 1); F = first_factor for k < first_calls, else 1; O = outlier_factor for every n-th
/// call; e(k) = rho · e(k-1) + sqrt(1 - rho²) · sigma · z(k), started in its stationary state, so
/// that sigma is its standard deviation.
class Timeline {
 public:
  Timeline(const PhaseScript& phase, const Origin& origin, double tokens, double factor);

  std::int64_t next_ns();

 private:
  PhaseScript phase_;
  double base_ns_;
  Normals noise_;
  double error_ = 0;
  std::int64_t call_ = 0;
};

}  // namespace ridgeline::scripted
