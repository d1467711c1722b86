// The two-layer perceptron of a transformer block.
#pragma once

#include <string>

#include "engines/native/nn/layers.hpp"

namespace ridgeline::native::nn {

/// down(activation(up(x))).
struct Mlp : Module {
  Mlp(Scope scope, const std::string& up, const std::string& down, std::int64_t hidden,
      std::int64_t intermediate, ops::Activation activation)
      : up_(scope / up, hidden, intermediate),
        down_(scope / down, intermediate, hidden),
        activation_(activation) {}

  /// x [..., hidden] → [..., hidden].
  at::Tensor operator()(const at::Tensor& x) const {
    return down_(ops::activate(up_(x), activation_));
  }

 private:
  Linear up_;
  Linear down_;
  ops::Activation activation_;
};

}  // namespace ridgeline::native::nn
