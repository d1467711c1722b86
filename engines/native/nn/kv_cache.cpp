// Filling the caches, as a line or as a ring.
#include "engines/native/nn/kv_cache.hpp"

#include <ATen/ops/empty.h>

#include "engines/native/ops/ledger.hpp"
#include "engines/native/ops/ops.hpp"

namespace ridgeline::native::nn {

std::int64_t KvCacheShape::bytes(std::int64_t element_size) const {
  const std::int64_t slots = window > 0 ? std::min(window, capacity) : capacity;
  return 2 * layers * batch * heads * slots * head_dim * element_size;
}

KvCache::KvCache(const KvCacheShape& shape, at::TensorOptions options)
    : slots_(shape.window > 0 ? std::min(shape.window, shape.capacity) : shape.capacity) {
  // One piece of memory for all layers: it is large enough for huge pages.
  const at::Tensor all =
      at::empty({shape.layers, 2, shape.batch, shape.heads, slots_, shape.head_dim}, options);
  for (std::int64_t i = 0; i < shape.layers; ++i) {
    keys_.push_back(all.select(0, i).select(0, 0));
    values_.push_back(all.select(0, i).select(0, 1));
  }
}

std::int64_t KvCache::bytes() const {
  std::int64_t bytes = 0;
  for (const at::Tensor& key : keys_) bytes += 2 * static_cast<std::int64_t>(key.nbytes());
  return bytes;
}

KvCache::View KvCache::append(std::int64_t layer, const at::Tensor& key, const at::Tensor& value) {
  const auto at = static_cast<std::size_t>(layer);
  const std::int64_t tokens = key.size(2);
  const std::int64_t seen = visible(tokens);
  const double token_bytes = bytes_of(key) + bytes_of(value);
  const double visible_bytes =
      token_bytes / static_cast<double>(tokens) * static_cast<double>(seen);
  const std::int64_t first = length_ % slots_;
  if (first + tokens <= slots_) {
    ops::store(key, value, keys_[at], values_[at], first, visible_bytes);
    return {keys_[at].narrow(2, 0, seen), values_[at].narrow(2, 0, seen)};
  }
  // A prompt longer than the window: its last tokens fill the ring, each at its place, while its
  // own queries still see keys that are not kept.
  const std::int64_t kept_from = tokens - slots_;
  const std::int64_t turn = (length_ + kept_from) % slots_;
  const auto part = [&](const at::Tensor& whole, std::int64_t begin, std::int64_t count) {
    return whole.narrow(2, begin, count);
  };
  const std::int64_t head = slots_ - turn;
  ops::store(part(key, kept_from, head), part(value, kept_from, head), keys_[at], values_[at], turn,
             token_bytes);
  if (turn > 0) {
    ops::store(part(key, kept_from + head, turn), part(value, kept_from + head, turn), keys_[at],
               values_[at], 0, 0);
  }
  return {key, value};
}

KvCache::View KvCache::all(std::int64_t layer) const {
  const auto at = static_cast<std::size_t>(layer);
  if (Ledger* ledger = Ledger::active()) {
    ledger->touch_cache(bytes_of(keys_[at]) + bytes_of(values_[at]));
  }
  return {keys_[at], values_[at]};
}

void KvCache::snapshot() {
  saved_length_ = length_;
  saved_keys_.clear();
  saved_values_.clear();
  if (!next_overwrites()) return;
  for (std::size_t i = 0; i < keys_.size(); ++i) {
    saved_keys_.push_back(keys_[i].narrow(2, length_ % slots_, 1).clone());
    saved_values_.push_back(values_[i].narrow(2, length_ % slots_, 1).clone());
  }
}

void KvCache::restore() {
  length_ = saved_length_;
  for (std::size_t i = 0; i < saved_keys_.size(); ++i) {
    keys_[i].narrow(2, length_ % slots_, 1).copy_(saved_keys_[i]);
    values_[i].narrow(2, length_ % slots_, 1).copy_(saved_values_[i]);
  }
}

}  // namespace ridgeline::native::nn
