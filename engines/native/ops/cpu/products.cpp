// Products of few rows: what is split over threads, over the loops in dot_loops.hpp.
#include <ATen/EmptyTensor.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/mm.h>
#include <c10/util/BFloat16.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "engines/native/ops/cpu/kernels.hpp"
#include "engines/native/ops/cpu/loops.hpp"
#include "engines/native/ops/cpu/parallel.hpp"

namespace ridgeline::native::ops::cpu {
namespace {

// Bytes of weights that are worth a turn of a thread.
constexpr std::int64_t kGrainBytes = 1 << 16;
// Bytes of a widened block of weights: larger than what a product needs to be efficient, small
// enough for a cache.
constexpr std::int64_t kBlockBytes = 1 << 21;

std::int64_t rows_of_grain(std::int64_t row_bytes) {
  return std::max<std::int64_t>(1, kGrainBytes / std::max<std::int64_t>(1, row_bytes));
}

// Memory of this thread that stays.
template <typename Element>
Element* scratch(std::vector<Element>& memory, std::int64_t count) {
  const auto wanted = static_cast<std::size_t>(count);
  if (memory.size() < wanted) memory.resize(wanted);
  return memory.data();
}

at::Tensor product_result(const at::Tensor& x, std::int64_t out) {
  c10::SmallVector<std::int64_t, 5> shape(x.sizes().begin(), x.sizes().end());
  shape.back() = out;
  return at::detail::empty_cpu(shape, x.scalar_type());
}

void put(float value, float* out) {
  *out = value;
}

void put(float value, std::uint16_t* out) {
  *out = c10::BFloat16(value).x;
}

float wide(const float* value) {
  return *value;
}

float wide(const std::uint16_t* value) {
  return c10::BFloat16(*value, c10::BFloat16::from_bits());
}

// Rows of a weight that are multiplied at once.
struct Rows {
  std::int64_t first;
  std::int64_t apart;
  int count;
};

// products(rows of the weight, row of x, sums) for every output, in parallel. A thread goes along
// as many stretches of its part at once as there are rows in a group.
template <typename Element, typename Products>
void fill(const at::Tensor& out, std::int64_t width, const at::Tensor& bias, std::int64_t row_bytes,
          const Products& products) {
  const std::int64_t inputs = out.numel() / width;
  auto* result = static_cast<Element*>(out.data_ptr());
  const auto* shift = bias.defined() ? static_cast<const Element*>(bias.const_data_ptr()) : nullptr;
  const auto multiply = [&](const Rows& rows) {
    for (std::int64_t input = 0; input < inputs; ++input) {
      float sums[kRowGroup];
      products(rows, input, sums);
      for (int i = 0; i < rows.count; ++i) {
        const std::int64_t o = rows.first + i * rows.apart;
        put(sums[i] + (shift == nullptr ? 0.f : wide(shift + o)), result + input * width + o);
      }
    }
  };
  parallel_parts(width, rows_of_grain(row_bytes), [&](std::int64_t begin, std::int64_t end) {
    const std::int64_t stretch = (end - begin) / kRowGroup;
    for (std::int64_t i = 0; i < stretch; ++i) multiply({begin + i, stretch, kRowGroup});
    const std::int64_t rest = begin + stretch * kRowGroup;
    if (rest < end) multiply({rest, 1, static_cast<int>(end - rest)});
  });
}

template <typename Products>
void fill(const at::Tensor& out, std::int64_t width, const at::Tensor& bias, std::int64_t row_bytes,
          const Products& products) {
  if (out.scalar_type() == at::kFloat) {
    fill<float>(out, width, bias, row_bytes, products);
  } else {
    fill<std::uint16_t>(out, width, bias, row_bytes, products);
  }
}

const std::uint16_t* bits_of(const at::Tensor& x) {
  return static_cast<const std::uint16_t*>(x.const_data_ptr());
}

// A row of either dtype as float32: itself, or widened into `memory`.
const float* floats_of(const at::Tensor& x, std::int64_t at, std::int64_t size,
                       std::vector<float>& memory) {
  if (x.scalar_type() == at::kFloat) return x.const_data_ptr<float>() + at;
  float* const row = scratch(memory, size);
  best_loops().widen(bits_of(x) + at, size, row);
  return row;
}

// Rows of x in whole numbers, as dots_int8 wants them, one behind the other.
class RoundedRows {
 public:
  RoundedRows(const at::Tensor& x, std::int64_t in, std::int64_t padded)
      : padded_(padded), blocks_of_row_((padded + kInt8Block - 1) / kInt8Block) {
    static thread_local std::vector<std::int16_t> values;
    static thread_local std::vector<RoundedBlock> blocks;
    static thread_local std::vector<float> wide_row;
    const std::int64_t rows = x.numel() / in;
    values_ = scratch(values, rows * padded);
    blocks_ = scratch(blocks, rows * blocks_of_row_);
    for (std::int64_t row = 0; row < rows; ++row) {
      best_loops().round(floats_of(x, row * in, in, wide_row), in, padded, at(row));
    }
  }

  RoundedRow at(std::int64_t row) const {
    return {values_ + row * padded_, blocks_ + row * blocks_of_row_};
  }

 private:
  std::int64_t padded_;
  std::int64_t blocks_of_row_;
  std::int16_t* values_;
  RoundedBlock* blocks_;
};

void quantise_row(const float* row, std::int64_t size, std::int8_t* out, float* scale) {
  float largest = 0;
  for (std::int64_t i = 0; i < size; ++i) largest = std::max(largest, std::abs(row[i]));
  *scale = largest / 127.f;
  const float factor = *scale > 0 ? 1.f / *scale : 0.f;
  for (std::int64_t i = 0; i < size; ++i) {
    out[i] = static_cast<std::int8_t>(std::nearbyint(std::clamp(row[i] * factor, -127.f, 127.f)));
  }
}

// Rows [begin, begin + out.size(0)) in the dtype of `out`.
void widen_rows(const Int8Rows& weight, std::int64_t begin, const at::Tensor& out) {
  const std::int64_t in = weight.rows.size(1);
  const std::int64_t stride = weight.rows.stride(0);
  const auto* rows = weight.rows.const_data_ptr<std::int8_t>() + begin * stride;
  const auto* scales = weight.scales.const_data_ptr<float>() + begin;
  parallel_parts(out.size(0), rows_of_grain(in), [&](std::int64_t from, std::int64_t to) {
    static thread_local std::vector<float> wide_row;
    for (std::int64_t row = from; row < to; ++row) {
      if (out.scalar_type() == at::kFloat) {
        best_loops().from_int8(rows + row * stride, scales[row], in,
                               out.data_ptr<float>() + row * in);
      } else {
        float* const widened = scratch(wide_row, in);
        best_loops().from_int8(rows + row * stride, scales[row], in, widened);
        best_loops().narrow(widened, in, static_cast<std::uint16_t*>(out.data_ptr()) + row * in);
      }
    }
  });
}

}  // namespace

bool is_served(const at::Tensor& x) {
  return x.is_cpu() && (x.scalar_type() == at::kFloat || x.scalar_type() == at::kBFloat16);
}

at::Tensor row_product(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias) {
  const std::int64_t in = weight.size(1);
  const at::Tensor rows = x.contiguous();
  const at::Tensor out = product_result(x, weight.size(0));
  const Loops& loops = best_loops();
  const std::int64_t row_bytes = in * static_cast<std::int64_t>(weight.element_size());
  if (x.scalar_type() == at::kFloat) {
    const auto* stored = weight.const_data_ptr<float>();
    const auto* values = rows.const_data_ptr<float>();
    fill(out, weight.size(0), bias, row_bytes, [&](const Rows& w, std::int64_t input, float* sums) {
      loops.dots_float32(stored + w.first * in, w.apart * in, w.count, values + input * in, in,
                         sums);
    });
  } else {
    static thread_local std::vector<float> memory;
    float* const halves = scratch(memory, rows.numel());
    for (std::int64_t row = 0; row < rows.numel() / in; ++row) {
      loops.prepare_bfloat16(bits_of(rows) + row * in, in, halves + row * in);
    }
    const std::uint16_t* stored = bits_of(weight);
    fill(out, weight.size(0), bias, row_bytes, [&](const Rows& w, std::int64_t input, float* sums) {
      loops.dots_bfloat16(stored + w.first * in, w.apart * in, w.count, halves + input * in, in,
                          sums);
    });
  }
  return out;
}

Int8Rows to_int8(const at::Tensor& weight) {
  const std::int64_t out = weight.size(0);
  const std::int64_t in = weight.size(1);
  const std::int64_t padded = (in + kInt8Step - 1) / kInt8Step * kInt8Step;
  const auto options = weight.options();
  Int8Rows made{at::empty({out, padded}, options.dtype(at::kChar)).narrow(1, 0, in),
                at::empty({out}, options.dtype(at::kFloat))};
  if (weight.is_meta()) return made;
  const at::Tensor from = weight.contiguous();
  auto* rows = made.rows.data_ptr<std::int8_t>();
  auto* scales = made.scales.data_ptr<float>();
  parallel_parts(out, rows_of_grain(padded), [&](std::int64_t begin, std::int64_t end) {
    static thread_local std::vector<float> wide_row;
    for (std::int64_t row = begin; row < end; ++row) {
      const float* values = floats_of(from, row * in, in, wide_row);
      quantise_row(values, in, rows + row * padded, scales + row);
      std::fill(rows + row * padded + in, rows + (row + 1) * padded, std::int8_t{0});
    }
  });
  return made;
}

at::Tensor row_product(const at::Tensor& x, const Int8Rows& weight, const at::Tensor& bias) {
  const std::int64_t in = weight.rows.size(1);
  const std::int64_t padded = weight.rows.stride(0);
  const at::Tensor out = product_result(x, weight.rows.size(0));
  const RoundedRows rounded(x.contiguous(), in, padded);
  const Loops& loops = best_loops();
  const auto* stored = weight.rows.const_data_ptr<std::int8_t>();
  const auto* scales = weight.scales.const_data_ptr<float>();
  fill(out, weight.rows.size(0), bias, padded, [&](const Rows& w, std::int64_t input, float* sums) {
    loops.dots_int8(stored + w.first * padded, w.apart * padded, w.count, rounded.at(input), padded,
                    sums);
    for (int i = 0; i < w.count; ++i) sums[i] *= scales[w.first + i * w.apart];
  });
  return out;
}

at::Tensor block_product(const at::Tensor& x, const Int8Rows& weight, const at::Tensor& bias) {
  const std::int64_t in = weight.rows.size(1);
  const std::int64_t width = weight.rows.size(0);
  const at::Tensor rows = x.reshape({-1, in});
  at::Tensor out = product_result(x, width);
  const at::Tensor flat = out.view({-1, width});
  const std::int64_t row_bytes = in * static_cast<std::int64_t>(x.element_size());
  const std::int64_t block = std::clamp<std::int64_t>(kBlockBytes / row_bytes, 1, width);
  const at::Tensor memory = at::empty({block, in}, x.options());
  for (std::int64_t begin = 0; begin < width; begin += block) {
    const std::int64_t count = std::min(block, width - begin);
    const at::Tensor wide_rows = memory.narrow(0, 0, count);
    widen_rows(weight, begin, wide_rows);
    at::Tensor part = flat.narrow(1, begin, count);
    at::mm_out(part, rows, wide_rows.t());
  }
  if (bias.defined()) out.add_(bias);
  return out;
}

}  // namespace ridgeline::native::ops::cpu
