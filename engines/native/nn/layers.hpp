// The smallest layers: each declares its parameters and applies one op.
#pragma once

#include <ATen/core/Tensor.h>

#include <string>
#include <vector>

#include "engines/native/ops/ops.hpp"
#include "engines/native/scope/scope.hpp"

namespace ridgeline::native::nn {

/// y = x·Wᵀ + b, weight stored as [out, in].
struct Linear : Module {
  Linear(Scope scope, std::int64_t in, std::int64_t out, bool bias = true);

  /// x [..., in] → [..., out].
  at::Tensor operator()(const at::Tensor& x) const { return ops::linear(x, weight_, bias_); }

  const ops::ProductWeight& weight() const { return weight_; }
  const at::Tensor& bias() const { return bias_; }

 private:
  ops::ProductWeight weight_;
  at::Tensor bias_;
};

/// Several linear layers that read the same input, stored apart, run as one product: one pass over
/// the input and one larger matrix product instead of several.
struct FusedLinear : Module {
  /// `names` are the children that hold the parts; each part is [out, in].
  FusedLinear(Scope scope, const std::vector<std::string>& names, std::int64_t in, std::int64_t out,
              bool bias = true);
  /// Parts of different widths: part i is [out[i], in], and has a bias where `biased[i]` says so.
  FusedLinear(Scope scope, const std::vector<std::string>& names, std::int64_t in,
              const std::vector<std::int64_t>& out, const std::vector<bool>& biased);

  /// x [..., in] → [..., sum of out], the parts side by side.
  at::Tensor operator()(const at::Tensor& x) const { return ops::linear(x, weight_, bias_); }

  const ops::ProductWeight& weight() const { return weight_; }
  const at::Tensor& bias() const { return bias_; }

 private:
  ops::ProductWeight weight_;
  at::Tensor bias_;
};

/// Layer norm over the last dimension. Reads `gamma` and `beta` of very old files too.
struct LayerNorm : Module {
  LayerNorm(Scope scope, std::int64_t size, double eps);

  at::Tensor operator()(const at::Tensor& x) const {
    return ops::layer_norm(x, weight_, bias_, eps_);
  }

 private:
  at::Tensor weight_;
  at::Tensor bias_;
  double eps_;
};

/// x / rms(x) · weight over the last dimension.
struct RmsNorm : Module {
  RmsNorm(Scope scope, std::int64_t size, double eps);

  at::Tensor operator()(const at::Tensor& x) const { return ops::rms_norm(x, weight_, eps_); }

  const at::Tensor& weight() const { return weight_; }

 private:
  at::Tensor weight_;
  double eps_;
};

/// A table of rows [count, size].
struct Embedding : Module {
  Embedding(Scope scope, std::int64_t count, std::int64_t size);

  /// ids (any shape) → [*ids, size].
  at::Tensor operator()(const at::Tensor& ids) const { return ops::embedding(weight_, ids); }

  const at::Tensor& table() const { return weight_; }

 private:
  at::Tensor weight_;
};

}  // namespace ridgeline::native::nn
