// Rotary position embeddings: the angles by which heads are turned, of every type that configs
// name.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "base/json.hpp"

namespace ridgeline::native::nn {

/// `rope_parameters` of config.json; older files spell them `rope_theta` and `rope_scaling`.
struct RotaryConfig {
  std::string type = "default";  ///< default, linear, dynamic, yarn, llama3, longrope, proportional
  double theta = 10000;
  double factor = 1;
  double partial = 1;                   ///< share of the head's features that is turned
  std::int64_t max_positions = 0;       ///< max_position_embeddings
  std::int64_t original_positions = 0;  ///< of pre-training
  double attention_factor = 0;          ///< yarn, longrope; 0: from the factor
  double beta_fast = 32;                ///< yarn
  double beta_slow = 1;                 ///< yarn
  double mscale = 0;                    ///< yarn
  double mscale_all_dim = 0;            ///< yarn
  bool truncate = true;                 ///< yarn
  double low_frequency_factor = 1;      ///< llama3
  double high_frequency_factor = 4;     ///< llama3
  std::vector<double> short_factor;     ///< longrope, one a pair
  std::vector<double> long_factor;      ///< longrope, one a pair
  std::int64_t head_dim = 0;

  /// Reads the config of a model; `default_theta` where no field names one.
  static Result<RotaryConfig> from(const Json& config, std::int64_t head_dim,
                                   std::int64_t max_positions, double default_theta);
};

/// Cosines and sines of positions, as transformers computes them: frequencies and angles in
/// float32, rounded to the activations' dtype at the end.
class Rotary {
 public:
  explicit Rotary(RotaryConfig config);

  struct Angles {
    at::Tensor cosine;  ///< [B or 1, S, 1, pairs]
    at::Tensor sine;
  };

  /// Positions [begin, begin + count) → [1, count, 1, pairs], for a sequence that is `length`
  /// tokens long: dynamic and longrope frequencies depend on that.
  Angles range(std::int64_t begin, std::int64_t count, std::int64_t length,
               at::TensorOptions options) const;
  /// Whether a longer sequence changes the frequencies of all positions, so that a table holds for
  /// one length only.
  bool depends_on_length(std::int64_t length) const;

 private:
  at::Tensor inverse_frequencies(std::int64_t length) const;
  double amplitude() const;

  RotaryConfig config_;
};

/// Rows of a table: positions [B, S] int64 → angles [B, S, 1, pairs].
Rotary::Angles at_positions(const Rotary::Angles& table, const at::Tensor& positions);
/// The same for `count` consecutive positions from `begin` → [1, count, 1, pairs], a view.
Rotary::Angles at_range(const Rotary::Angles& table, std::int64_t begin, std::int64_t count);

}  // namespace ridgeline::native::nn
