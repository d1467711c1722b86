// Seeded noise for simulations: independent normals and AR(1) series, the same on every library.
#pragma once

#include <cmath>
#include <cstdint>
#include <numbers>
#include <random>
#include <vector>

namespace ridgeline::test {

class Noise {
 public:
  explicit Noise(std::uint64_t seed) : engine_(seed) {}

  /// Uniform in (0, 1).
  double uniform() { return (static_cast<double>(engine_() >> 11) + 0.5) / 9007199254740992.0; }

  /// Standard normal (Box and Muller; std::normal_distribution differs between libraries).
  double normal() {
    if (spare_ready_) {
      spare_ready_ = false;
      return spare_;
    }
    const double radius = std::sqrt(-2 * std::log(uniform()));
    const double angle = 2 * std::numbers::pi * uniform();
    spare_ = radius * std::sin(angle);
    spare_ready_ = true;
    return radius * std::cos(angle);
  }

 private:
  std::mt19937_64 engine_;
  double spare_ = 0;
  bool spare_ready_ = false;
};

/// A stationary AR(1) process of standard deviation 1.
class ArNoise {
 public:
  ArNoise(Noise& noise, double rho) : noise_(noise), rho_(rho), state_(noise.normal()) {}

  double next() {
    const double value = state_;
    state_ = rho_ * state_ + std::sqrt(1 - rho_ * rho_) * noise_.normal();
    return value;
  }

 private:
  Noise& noise_;
  double rho_;
  double state_;
};

/// `n` values of level·(1 + sd·AR(1)).
inline std::vector<double> ar_series(Noise& noise, std::size_t n, double rho, double level = 1,
                                     double sd = 0.01) {
  ArNoise ar(noise, rho);
  std::vector<double> series;
  series.reserve(n);
  for (std::size_t i = 0; i < n; ++i) series.push_back(level * (1 + sd * ar.next()));
  return series;
}

}  // namespace ridgeline::test
