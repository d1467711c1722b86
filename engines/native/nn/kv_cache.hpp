// Keys and values of a decoder, allocated once and filled position by position.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

namespace ridgeline::native::nn {

/// Shape of the caches of all layers.
struct KvCacheShape {
  std::int64_t layers;
  std::int64_t batch;
  std::int64_t heads;
  std::int64_t head_dim;
  std::int64_t capacity;    ///< tokens that must fit
  std::int64_t window = 0;  ///< sliding window: older tokens are overwritten; 0: none

  /// Bytes of keys and values of all layers.
  std::int64_t bytes(std::int64_t element_size) const;
};

/// The caches of all layers of one stack. A token at position p lies in slot p, or with a sliding
/// window in slot p mod window: attention does not care for the order of keys, each carries its
/// position in its angles.
class KvCache {
 public:
  KvCache(const KvCacheShape& shape, at::TensorOptions options);

  struct View {
    at::Tensor key;  ///< [B, heads, visible tokens, head_dim]
    at::Tensor value;
  };

  /// Stores key and value [B, heads, S, head_dim] of a layer behind the tokens that are there, and
  /// gives what a query of the last of them sees. S > 1 only into an empty cache; the tokens count
  /// as there after advance(S).
  View append(std::int64_t layer, const at::Tensor& key, const at::Tensor& value);
  /// All tokens of a layer as they are, for keys and values that do not grow.
  View all(std::int64_t layer) const;
  void advance(std::int64_t tokens) { length_ += tokens; }
  void clear() { length_ = 0; }

  /// Tokens so far, overwritten ones included.
  std::int64_t length() const { return length_; }
  std::int64_t slots() const { return slots_; }
  /// Slots that the token after `added` more ones sees: [0, visible).
  std::int64_t visible(std::int64_t added) const { return std::min(length_ + added, slots_); }
  std::int64_t bytes() const;

  /// Remembers the state for restore(), which undoes one appended token.
  void snapshot();
  void restore();

 private:
  bool next_overwrites() const { return length_ >= slots_; }

  std::int64_t slots_;
  std::int64_t length_ = 0;
  std::vector<at::Tensor> keys_;
  std::vector<at::Tensor> values_;
  // What one more token would overwrite, with the length to go back to.
  std::int64_t saved_length_ = 0;
  std::vector<at::Tensor> saved_keys_;
  std::vector<at::Tensor> saved_values_;
};

}  // namespace ridgeline::native::nn
