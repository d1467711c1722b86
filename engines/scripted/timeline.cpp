// Timeline and its random numbers (splitmix64, Box-Muller).
#include "engines/scripted/timeline.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <string_view>

namespace ridgeline::scripted {
namespace {

std::uint64_t mix(std::uint64_t x) {
  x += 0x9e3779b97f4a7c15ull;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ull;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebull;
  return x ^ (x >> 31);
}

std::uint64_t seed_of(const Origin& origin, std::uint64_t extra, std::string_view name) {
  std::uint64_t seed = mix(static_cast<std::uint64_t>(origin.script_seed));
  seed = mix(seed ^ static_cast<std::uint64_t>(origin.load_seed));
  seed = mix(seed ^ static_cast<std::uint64_t>(origin.invocation));
  seed = mix(seed ^ extra);
  for (const char c : name) seed = mix(seed ^ static_cast<unsigned char>(c));
  return seed;
}

}  // namespace

double Normals::uniform() {
  state_ += 0x9e3779b97f4a7c15ull;
  // 53 bits, never 0: the logarithm below wants that.
  return (static_cast<double>(mix(state_) >> 11) + 0.5) * 0x1p-53;
}

double Normals::next() {
  const double radius = std::sqrt(-2 * std::log(uniform()));
  return radius * std::cos(2 * std::numbers::pi * uniform());
}

Timeline::Timeline(const PhaseScript& phase, const Origin& origin, double tokens, double factor)
    : phase_(phase),
      noise_(seed_of(origin, static_cast<std::uint64_t>(phase.noise_seed), phase.name)) {
  // One draw per process, the same for all its phases.
  const double process = std::exp(phase.process_spread * Normals(seed_of(origin, 0, "")).next());
  base_ns_ = (phase.duration_ns + phase.per_token_ns * tokens) * factor * process;
  error_ = phase.noise_sigma * noise_.next();
}

std::int64_t Timeline::next_ns() {
  double ns = base_ns_ * (1 + phase_.drift_per_call * static_cast<double>(call_));
  if (call_ < phase_.first_calls) ns *= phase_.first_factor;
  ++call_;
  if (phase_.outlier_every > 0 && call_ % phase_.outlier_every == 0) ns *= phase_.outlier_factor;
  if (phase_.noise_sigma > 0) {
    ns *= std::max(0.05, 1 + error_);
    const double rho = phase_.noise_rho;
    error_ = rho * error_ + std::sqrt(1 - rho * rho) * phase_.noise_sigma * noise_.next();
  }
  return std::max<std::int64_t>(1, std::llround(std::min(ns, 1e17)));
}

}  // namespace ridgeline::scripted
