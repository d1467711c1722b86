// What models of several encoders offer beside Model.
#pragma once

namespace ridgeline::native {

/// A model whose forward pass may have encoders that do not depend on each other. With
/// RunOptions::parallel_towers these run side by side on an accelerator.
class IndependentTowers {
 public:
  virtual ~IndependentTowers() = default;

  /// Whether this architecture has more than one.
  virtual bool has_independent_towers() const = 0;
};

}  // namespace ridgeline::native
