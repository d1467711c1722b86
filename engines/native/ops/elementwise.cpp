// Sums, look-ups and copies.
#include <ATen/ops/argmax.h>
#include <ATen/ops/embedding.h>
#include <ATen/ops/gather.h>
#include <ATen/ops/mul.h>
#include <ATen/ops/roll.h>
#include <ATen/ops/softmax.h>

#include "engines/native/ops/charge.hpp"
#include "engines/native/ops/cpu/kernels.hpp"
#include "engines/native/ops/ops.hpp"

namespace ridgeline::native::ops {
namespace {

// Reads every element once and writes it once.
OpCost moved(const at::Tensor& x) {
  OpCost cost;
  cost.read_bytes = bytes_of(x);
  cost.written_bytes = bytes_of(x);
  return cost;
}

}  // namespace

at::Tensor add_into(at::Tensor a, const at::Tensor& b) {
  const OpenOp op = open_op("add", OpClass::kElementwise, a, at::Tensor(), [&](Ledger&) {
    OpCost cost;
    cost.flops_elementwise = static_cast<double>(a.numel());
    cost.read_bytes = bytes_of(a) + bytes_of(b);
    cost.written_bytes = bytes_of(a);
    return cost;
  });
  return a.is_meta() ? a : a.add_(b);
}

at::Tensor add_rows(at::Tensor a, const at::Tensor& table, std::int64_t first) {
  const std::int64_t rows = a.size(1);
  const OpenOp op = open_op("add", OpClass::kElementwise, a, table, [&](Ledger& ledger) {
    ledger.touch_rows(table, static_cast<double>(rows));
    OpCost cost = moved(a);
    cost.flops_elementwise = static_cast<double>(a.numel());
    cost.weight_bytes = static_cast<double>(rows * table.size(1)) * table.element_size();
    return cost;
  });
  return a.is_meta() ? a : a.add_(table.narrow(0, first, rows));
}

at::Tensor copy(const at::Tensor& x) {
  const OpenOp op =
      open_op("copy", OpClass::kMovement, x, at::Tensor(), [&](Ledger&) { return moved(x); });
  if (x.is_meta()) return meta_result(x.sizes(), x);
  return x.clone();
}

at::Tensor weighted_sum(const std::vector<at::Tensor>& parts, const at::Tensor& weights) {
  const at::Tensor& first = parts.front();
  const OpenOp op =
      open_op("weighted_sum", OpClass::kElementwise, first, weights, [&](Ledger& ledger) {
        ledger.touch(weights);
        OpCost cost;
        const auto count = static_cast<double>(parts.size());
        cost.flops_elementwise = 2.0 * count * static_cast<double>(first.numel());
        cost.weight_bytes = bytes_of(weights);
        cost.read_bytes = count * bytes_of(first);
        cost.written_bytes = bytes_of(first);
        return cost;
      });
  if (first.is_meta()) return meta_result(first.sizes(), first);
  const at::Tensor shares = at::softmax(weights, -1);
  at::Tensor sum = at::mul(first, shares[0]);
  for (std::size_t i = 1; i < parts.size(); ++i) {
    sum.add_(at::mul(parts[i], shares[static_cast<std::int64_t>(i)]));
  }
  return sum;
}

at::Tensor embedding(const at::Tensor& table, const at::Tensor& ids) {
  const OpenOp op = open_op("embedding", OpClass::kLookup, table, table, [&](Ledger& ledger) {
    ledger.touch_rows(table, static_cast<double>(ids.numel()));
    OpCost cost;
    const double bytes = static_cast<double>(ids.numel() * table.size(1)) * table.element_size();
    cost.weight_bytes = bytes;
    cost.read_bytes = bytes_of(ids);
    cost.written_bytes = bytes;
    return cost;
  });
  if (table.is_meta()) {
    std::vector<std::int64_t> shape = ids.sizes().vec();
    shape.push_back(table.size(1));
    return meta_result(shape, table);
  }
  return at::embedding(table, ids);
}

void rotate(const at::Tensor& x, const at::Tensor& cosine, const at::Tensor& sine) {
  const std::int64_t pairs = cosine.size(-1);
  const OpenOp op = open_op("rotate", OpClass::kElementwise, x, at::Tensor(), [&](Ledger&) {
    OpCost cost;
    const double turned = static_cast<double>(x.numel() / x.size(-1)) * 2.0 * pairs;
    // Two products and a sum for each feature that is turned.
    cost.flops_elementwise = 3.0 * turned;
    cost.read_bytes = turned * x.element_size() + bytes_of(cosine) + bytes_of(sine);
    cost.written_bytes = turned * x.element_size();
    return cost;
  });
  if (x.is_meta()) return;
  if (cpu::is_served(x) && x.stride(-1) == 1 && cosine.stride(-1) == 1 && sine.stride(-1) == 1) {
    return cpu::rotate(x, cosine, sine);
  }
  at::Tensor first = x.narrow(-1, 0, pairs);
  at::Tensor second = x.narrow(-1, pairs, pairs);
  const at::Tensor turned = at::mul(first, sine);
  first.mul_(cosine).addcmul_(second, sine, -1);
  second.mul_(cosine).add_(turned);
}

void store(const at::Tensor& key, const at::Tensor& value, const at::Tensor& key_cache,
           const at::Tensor& value_cache, std::int64_t at, double visible_bytes) {
  const OpenOp op = open_op("store", OpClass::kMovement, key, at::Tensor(), [&](Ledger& ledger) {
    ledger.touch_cache(visible_bytes);
    OpCost cost;
    cost.read_bytes = bytes_of(key) + bytes_of(value);
    cost.written_bytes = cost.read_bytes;
    return cost;
  });
  if (key.is_meta()) return;
  const auto is_plain = [](const at::Tensor& x) { return cpu::is_served(x) && x.stride(3) == 1; };
  if (is_plain(key) && is_plain(value) && is_plain(key_cache) && is_plain(value_cache) &&
      key.scalar_type() == key_cache.scalar_type()) {
    return cpu::store(key, value, key_cache, value_cache, at);
  }
  key_cache.narrow(2, at, key.size(2)).copy_(key);
  value_cache.narrow(2, at, value.size(2)).copy_(value);
}

at::Tensor take(const at::Tensor& x, const at::Tensor& positions) {
  const std::int64_t width = x.size(2);
  const OpenOp op = open_op("take", OpClass::kMovement, x, at::Tensor(), [&](Ledger&) {
    OpCost cost;
    cost.written_bytes = static_cast<double>(x.size(0) * width) * x.element_size();
    cost.read_bytes = cost.written_bytes + bytes_of(positions);
    return cost;
  });
  if (x.is_meta()) return meta_result({x.size(0), width}, x);
  const at::Tensor index = positions.view({-1, 1, 1}).expand({x.size(0), 1, width});
  return at::gather(x, 1, index).squeeze(1);
}

void put_column(const at::Tensor& table, std::int64_t at, const at::Tensor& values) {
  const OpenOp op = open_op("put", OpClass::kMovement, values, at::Tensor(), [&](Ledger&) {
    OpCost cost;
    cost.read_bytes = cost.written_bytes = bytes_of(values);
    return cost;
  });
  if (!table.is_meta()) table.select(1, at).copy_(values);
}

at::Tensor argmax(const at::Tensor& logits) {
  const OpenOp op = open_op("argmax", OpClass::kElementwise, logits, at::Tensor(), [&](Ledger&) {
    OpCost cost;
    cost.flops_elementwise = static_cast<double>(logits.numel());
    cost.read_bytes = bytes_of(logits);
    cost.written_bytes = static_cast<double>(logits.size(0)) * 8.0;
    return cost;
  });
  if (logits.is_meta()) return at::empty({logits.size(0)}, logits.options().dtype(at::kLong));
  return at::argmax(logits, -1);
}

at::Tensor turned(const at::Tensor& x, std::int64_t shift) {
  const OpenOp op =
      open_op("turned", OpClass::kMovement, x, at::Tensor(), [&](Ledger&) { return moved(x); });
  if (x.is_meta()) return meta_result(x.sizes(), x);
  return at::roll(x, {shift}, {x.dim() - 1});
}

at::Tensor contiguous(const at::Tensor& x) {
  if (x.is_contiguous()) return x;
  const OpenOp op =
      open_op("copy", OpClass::kMovement, x, at::Tensor(), [&](Ledger&) { return moved(x); });
  if (x.is_meta()) return meta_result(x.sizes(), x);
  return x.contiguous();
}

}  // namespace ridgeline::native::ops
