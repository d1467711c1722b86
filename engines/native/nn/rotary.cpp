// Frequencies of each type of rotary embedding. The formulas are those of modeling_rope_utils.py in
// transformers 5.23, computed in float32 in the same order so that the last bits agree.
#include "engines/native/nn/rotary.hpp"

#include <ATen/ops/arange.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/clamp.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/outer.h>
#include <ATen/ops/pow.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/where.h>
#include <ATen/ops/zeros.h>
#include <fmt/format.h>

#include <array>
#include <cmath>
#include <nlohmann/json.hpp>
#include <numbers>

namespace ridgeline::native::nn {
namespace {

constexpr std::array kTypes = {"default", "linear",   "dynamic",     "yarn",
                               "llama3",  "longrope", "proportional"};

// The object with the parameters, whichever name the file gives it.
Json parameters_of(const Json& config) {
  for (const char* key : {"rope_parameters", "rope_scaling"}) {
    const auto found = config.find(key);
    if (found != config.end() && found->is_object()) return *found;
  }
  return Json::object();
}

Result<std::vector<double>> factors_of(const Json& parameters, const char* key,
                                       std::int64_t pairs) {
  const auto found = parameters.find(key);
  if (found == parameters.end() || !found->is_array()) {
    return bad_input(fmt::format("config.json: longrope needs a list '{}'", key));
  }
  std::vector<double> factors;
  for (const Json& entry : *found) {
    if (!entry.is_number() || entry.get<double>() <= 0) {
      return bad_input(fmt::format("config.json: '{}' must hold positive numbers", key));
    }
    factors.push_back(entry.get<double>());
  }
  if (static_cast<std::int64_t>(factors.size()) == pairs) return factors;
  return bad_input(
      fmt::format("config.json: '{}' has {} entries, expected {}", key, factors.size(), pairs));
}

Status check(const RotaryConfig& c) {
  const auto positive = [](double value, const char* key) -> Status {
    if (std::isfinite(value) && value > 0) return {};
    return bad_input(fmt::format("config.json: rope '{}' must be a positive number", key));
  };
  RIDGELINE_CHECK(positive(c.theta, "rope_theta"));
  RIDGELINE_CHECK(positive(c.factor, "factor"));
  RIDGELINE_CHECK(positive(c.partial, "partial_rotary_factor"));
  RIDGELINE_CHECK(
      positive(static_cast<double>(c.original_positions), "original_max_position_embeddings"));
  if (c.partial > 1) return bad_input("config.json: partial_rotary_factor is above 1");
  if (c.head_dim % 2 != 0) {
    return bad_input(
        fmt::format("config.json: head_dim {} is odd, so heads cannot be turned", c.head_dim));
  }
  return {};
}

at::Tensor exponents(std::int64_t dim) {
  return at::arange(0, dim, 2, at::kFloat) / static_cast<double>(dim);
}

at::Tensor yarn_frequencies(const RotaryConfig& c, std::int64_t dim) {
  const at::Tensor positions = at::pow(c.theta, exponents(dim));
  const at::Tensor extrapolated = at::reciprocal(positions);
  const at::Tensor interpolated = at::reciprocal(positions * c.factor);
  // The dimension whose wave turns `rotations` times over the original positions.
  const auto dimension = [&](double rotations) {
    return static_cast<double>(dim) *
           std::log(static_cast<double>(c.original_positions) /
                    (rotations * 2 * std::numbers::pi)) /
           (2 * std::log(c.theta));
  };
  double low = dimension(c.beta_fast);
  double high = dimension(c.beta_slow);
  if (c.truncate) {
    low = std::floor(low);
    high = std::ceil(high);
  }
  low = std::max(low, 0.0);
  high = std::min(high, static_cast<double>(dim - 1));
  if (low == high) high += 0.001;
  const at::Tensor ramp = at::clamp((at::arange(dim / 2, at::kFloat) - low) / (high - low), 0, 1);
  const at::Tensor kept = 1 - ramp;
  return interpolated * (1 - kept) + extrapolated * kept;
}

at::Tensor llama3_frequencies(const RotaryConfig& c, const at::Tensor& frequencies) {
  const auto old_length = static_cast<double>(c.original_positions);
  const double longest = old_length / c.low_frequency_factor;
  const double shortest = old_length / c.high_frequency_factor;
  const at::Tensor wavelengths = 2 * std::numbers::pi / frequencies;
  const at::Tensor scaled = at::where(wavelengths > longest, frequencies / c.factor, frequencies);
  const at::Tensor smooth = (old_length / wavelengths - c.low_frequency_factor) /
                            (c.high_frequency_factor - c.low_frequency_factor);
  const at::Tensor smoothed = (1 - smooth) * scaled / c.factor + smooth * scaled;
  const at::Tensor medium =
      (wavelengths < shortest).logical_not().logical_and((wavelengths > longest).logical_not());
  return at::where(medium, smoothed, scaled);
}

}  // namespace

Result<RotaryConfig> RotaryConfig::from(const Json& config, std::int64_t head_dim,
                                        std::int64_t max_positions, double default_theta) {
  constexpr std::string_view kWhat = "config.json: rope";
  const Json parameters = parameters_of(config);
  RotaryConfig c;
  c.head_dim = head_dim;
  c.max_positions = max_positions;
  RIDGELINE_TRY(const std::string old_type, get_string(parameters, "type", kWhat, "default"));
  RIDGELINE_TRY(c.type, get_string(parameters, "rope_type", kWhat, old_type));
  if (std::find(kTypes.begin(), kTypes.end(), c.type) == kTypes.end()) {
    return unsupported(fmt::format("rope type '{}' is not supported", c.type));
  }
  RIDGELINE_TRY(const double theta, get_number(config, "rope_theta", kWhat, default_theta));
  RIDGELINE_TRY(c.theta, get_number(parameters, "rope_theta", kWhat, theta));
  RIDGELINE_TRY(const double partial, get_number(config, "partial_rotary_factor", kWhat, 1));
  RIDGELINE_TRY(c.partial, get_number(parameters, "partial_rotary_factor", kWhat, partial));
  RIDGELINE_TRY(const std::int64_t original,
                get_int(config, "original_max_position_embeddings", kWhat, max_positions));
  RIDGELINE_TRY(c.original_positions,
                get_int(parameters, "original_max_position_embeddings", kWhat, original));
  const bool needs_factor = c.type == "linear" || c.type == "dynamic" || c.type == "llama3";
  const double ratio = static_cast<double>(c.max_positions) /
                       static_cast<double>(std::max<std::int64_t>(1, c.original_positions));
  RIDGELINE_TRY(c.factor, get_number(parameters, "factor", kWhat,
                                     needs_factor               ? 0
                                     : c.type == "proportional" ? 1
                                                                : ratio));
  RIDGELINE_TRY(c.attention_factor, get_number(parameters, "attention_factor", kWhat, 0));
  RIDGELINE_TRY(c.beta_fast, get_number(parameters, "beta_fast", kWhat, 32));
  RIDGELINE_TRY(c.beta_slow, get_number(parameters, "beta_slow", kWhat, 1));
  RIDGELINE_TRY(c.mscale, get_number(parameters, "mscale", kWhat, 0));
  RIDGELINE_TRY(c.mscale_all_dim, get_number(parameters, "mscale_all_dim", kWhat, 0));
  RIDGELINE_TRY(c.truncate, get_bool(parameters, "truncate", kWhat, true));
  RIDGELINE_TRY(c.low_frequency_factor, get_number(parameters, "low_freq_factor", kWhat, 1));
  RIDGELINE_TRY(c.high_frequency_factor, get_number(parameters, "high_freq_factor", kWhat, 4));
  RIDGELINE_CHECK(check(c));
  if (c.type != "longrope") return c;
  const auto pairs = static_cast<std::int64_t>(static_cast<double>(head_dim) * c.partial) / 2;
  RIDGELINE_TRY(c.short_factor, factors_of(parameters, "short_factor", pairs));
  RIDGELINE_TRY(c.long_factor, factors_of(parameters, "long_factor", pairs));
  return c;
}

Rotary::Rotary(RotaryConfig config) : config_(std::move(config)) {}

bool Rotary::depends_on_length(std::int64_t length) const {
  if (config_.type == "dynamic") return length > config_.max_positions;
  return config_.type == "longrope" && length > config_.original_positions;
}

double Rotary::amplitude() const {
  const RotaryConfig& c = config_;
  if (c.type != "yarn" && c.type != "longrope") return 1;
  if (c.attention_factor > 0) return c.attention_factor;
  if (c.factor <= 1) return 1;
  if (c.type == "longrope") {
    return std::sqrt(1 + std::log(c.factor) / std::log(static_cast<double>(c.original_positions)));
  }
  const auto scale = [&](double mscale) { return 0.1 * mscale * std::log(c.factor) + 1; };
  if (c.mscale != 0 && c.mscale_all_dim != 0) return scale(c.mscale) / scale(c.mscale_all_dim);
  return scale(1);
}

at::Tensor Rotary::inverse_frequencies(std::int64_t length) const {
  const RotaryConfig& c = config_;
  const auto dim = static_cast<std::int64_t>(static_cast<double>(c.head_dim) * c.partial);
  if (c.type == "yarn") return yarn_frequencies(c, dim);
  if (c.type == "longrope") {
    const auto& factors = length > c.original_positions ? c.long_factor : c.short_factor;
    return at::reciprocal(at::tensor(factors, at::kFloat) * at::pow(c.theta, exponents(dim)));
  }
  if (c.type == "proportional") {
    const auto turned = static_cast<std::int64_t>(c.partial * static_cast<double>(c.head_dim)) / 2;
    const at::Tensor frequencies = at::reciprocal(at::pow(
        c.theta, at::arange(0, 2 * turned, 2, at::kFloat) / static_cast<double>(c.head_dim)));
    return at::cat({frequencies, at::zeros({c.head_dim / 2 - turned}, at::kFloat)}) / c.factor;
  }
  double theta = c.theta;
  if (c.type == "dynamic") {
    const auto seen = static_cast<double>(std::max(length, c.max_positions));
    const double growth = c.factor * seen / static_cast<double>(c.max_positions) - (c.factor - 1);
    theta *= std::pow(growth, static_cast<double>(dim) / static_cast<double>(dim - 2));
  }
  const at::Tensor frequencies = at::reciprocal(at::pow(theta, exponents(dim)));
  if (c.type == "linear") return frequencies / c.factor;
  return c.type == "llama3" ? llama3_frequencies(c, frequencies) : frequencies;
}

Rotary::Angles Rotary::range(std::int64_t begin, std::int64_t count, std::int64_t length,
                             at::TensorOptions options) const {
  const at::Tensor frequencies = inverse_frequencies(length);
  const std::int64_t pairs = frequencies.size(0);
  if (options.device().is_meta()) {
    const at::Tensor shape = at::empty({1, count, 1, pairs}, options);
    return {shape, shape};
  }
  const at::Tensor angles = at::outer(at::arange(begin, begin + count, at::kFloat), frequencies)
                                .view({1, count, 1, pairs});
  return {(angles.cos() * amplitude()).to(options), (angles.sin() * amplitude()).to(options)};
}

Rotary::Angles at_positions(const Rotary::Angles& table, const at::Tensor& positions) {
  const auto take = [&](const at::Tensor& rows) {
    const std::vector<std::int64_t> shape = {positions.size(0), positions.size(1), 1, rows.size(3)};
    if (rows.is_meta()) return at::empty(shape, rows.options());
    return rows.view({-1, rows.size(3)}).index_select(0, positions.flatten()).view(shape);
  };
  return {take(table.cosine), take(table.sine)};
}

Rotary::Angles at_range(const Rotary::Angles& table, std::int64_t begin, std::int64_t count) {
  return {table.cosine.narrow(1, begin, count), table.sine.narrow(1, begin, count)};
}

}  // namespace ridgeline::native::nn
