// Token by token decoding of one batch: what `generate`, and the phases prefill and decode, drive.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

namespace ridgeline::native {

/// Decoding bound to its inputs. All caches are allocated when it is made; positions are counted on
/// the host, so that a step has no data-dependent shape.
class Decoding {
 public:
  virtual ~Decoding() = default;

  /// Runs what comes before the prompt: the encoder of models that have one.
  virtual void encode() {}
  /// Empties the caches and runs the prompt → logits of its last position [B, V].
  virtual at::Tensor prefill() = 0;
  /// tokens [B], int64, on the model's device → logits [B, V]. The caches grow by one token; at
  /// most as many steps as there was room for.
  virtual at::Tensor step(const at::Tensor& tokens) = 0;

  /// Remembers the state of the caches, for restore() after one step.
  virtual void snapshot() = 0;
  virtual void restore() = 0;

  /// The ids [B, S] that generated sequences begin with; undefined when only new tokens count.
  virtual at::Tensor prompt() const = 0;
  /// Tokens of a prompt row, padding included.
  virtual std::int64_t prompt_length() const = 0;
  virtual std::int64_t batch() const = 0;
  /// Bytes of all caches.
  virtual std::int64_t cache_bytes() const = 0;
};

}  // namespace ridgeline::native
