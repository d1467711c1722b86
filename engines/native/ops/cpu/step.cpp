// What stands between the products of a decoding step, over the loops in step_loops.hpp.
#include <ATen/EmptyTensor.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <vector>

#include "engines/native/ops/cpu/kernels.hpp"
#include "engines/native/ops/cpu/loops.hpp"
#include "engines/native/ops/cpu/parallel.hpp"

namespace ridgeline::native::ops::cpu {
namespace {

// Elements that a second thread pays for: waking one costs about as much as it computes meanwhile.
constexpr std::int64_t kGrain = 1 << 14;

std::int64_t rows_of_grain(std::int64_t size) {
  return std::max<std::int64_t>(1, kGrain / std::max<std::int64_t>(1, size));
}

// Rows of floats that this thread works on, and keeps.
float* scratch(int which, std::int64_t count) {
  static thread_local std::array<std::vector<float>, 3> memory;
  std::vector<float>& row = memory[static_cast<std::size_t>(which)];
  if (row.size() < static_cast<std::size_t>(count)) row.resize(static_cast<std::size_t>(count));
  return row.data();
}

// A row of either dtype as float32: itself, or widened into scratch memory.
const float* as_floats(const at::Tensor& x, std::int64_t at, std::int64_t size, int which) {
  if (x.scalar_type() == at::kFloat) return x.const_data_ptr<float>() + at;
  float* const row = scratch(which, size);
  best_loops().widen(static_cast<const std::uint16_t*>(x.const_data_ptr()) + at, size, row);
  return row;
}

std::uint16_t* bits_of(const at::Tensor& x) {
  return static_cast<std::uint16_t*>(x.data_ptr());
}

// Where results of a row go until put_floats() writes them.
float* place(const at::Tensor& out, std::int64_t at, std::int64_t size, int which) {
  return out.scalar_type() == at::kFloat ? out.data_ptr<float>() + at : scratch(which, size);
}

void put_floats(const at::Tensor& out, std::int64_t at, std::int64_t size, const float* row) {
  if (out.scalar_type() != at::kFloat) best_loops().narrow(row, size, bits_of(out) + at);
}

}  // namespace

at::Tensor rms_norm(const at::Tensor& x, const at::Tensor& weight, double eps) {
  const std::int64_t size = x.size(-1);
  at::Tensor out = at::detail::empty_cpu(x.sizes(), x.scalar_type());
  parallel_parts(x.numel() / size, rows_of_grain(size), [&](std::int64_t begin, std::int64_t end) {
    const float* scale = as_floats(weight, 0, size, 0);
    for (std::int64_t row = begin; row < end; ++row) {
      float* const to = place(out, row * size, size, 2);
      best_loops().rms_norm(as_floats(x, row * size, size, 1), scale, size, static_cast<float>(eps),
                            to);
      put_floats(out, row * size, size, to);
    }
  });
  return out;
}

at::Tensor silu_gate(const at::Tensor& x) {
  const std::int64_t size = x.size(-1) / 2;
  c10::SmallVector<std::int64_t, 5> shape(x.sizes().begin(), x.sizes().end());
  shape.back() = size;
  at::Tensor out = at::detail::empty_cpu(shape, x.scalar_type());
  parallel_parts(out.numel() / size, rows_of_grain(size),
                 [&](std::int64_t begin, std::int64_t end) {
                   for (std::int64_t row = begin; row < end; ++row) {
                     const float* gate = as_floats(x, 2 * row * size, 2 * size, 0);
                     float* const to = place(out, row * size, size, 1);
                     best_loops().silu_gate(gate, gate + size, size, to);
                     put_floats(out, row * size, size, to);
                   }
                 });
  return out;
}

void rotate(const at::Tensor& x, const at::Tensor& cosine, const at::Tensor& sine) {
  const std::int64_t pairs = cosine.size(-1);
  const std::int64_t tokens = x.size(1);
  const std::int64_t heads = x.size(2);
  const auto turn = [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t item = begin; item < end; ++item) {
      const std::int64_t token = item % tokens;
      const std::int64_t angle_row = cosine.size(0) == 1 ? 0 : item / tokens;
      const float* cosines =
          as_floats(cosine, angle_row * cosine.stride(0) + token * cosine.stride(1), pairs, 0);
      const float* sines =
          as_floats(sine, angle_row * sine.stride(0) + token * sine.stride(1), pairs, 1);
      for (std::int64_t head = 0; head < heads; ++head) {
        const std::int64_t at =
            item / tokens * x.stride(0) + token * x.stride(1) + head * x.stride(2);
        float* const row = place(x, at, 2 * pairs, 2);
        if (x.scalar_type() != at::kFloat) best_loops().widen(bits_of(x) + at, 2 * pairs, row);
        best_loops().rotate(row, row + pairs, cosines, sines, pairs);
        put_floats(x, at, 2 * pairs, row);
      }
    }
  };
  parallel_parts(x.size(0) * tokens, rows_of_grain(heads * 2 * pairs), turn);
}

void store(const at::Tensor& key, const at::Tensor& value, const at::Tensor& key_cache,
           const at::Tensor& value_cache, std::int64_t at) {
  const std::int64_t heads = key.size(1);
  const std::int64_t tokens = key.size(2);
  const auto copy = [&](const at::Tensor& from, const at::Tensor& to, std::int64_t row) {
    const auto size = static_cast<std::int64_t>(from.element_size());
    const auto* source = static_cast<const char*>(from.const_data_ptr()) +
                         size * (row / heads * from.stride(0) + row % heads * from.stride(1));
    auto* target =
        static_cast<char*>(to.data_ptr()) +
        size * (row / heads * to.stride(0) + row % heads * to.stride(1) + at * to.stride(2));
    for (std::int64_t token = 0; token < tokens; ++token) {
      std::memcpy(target + token * to.stride(2) * size, source + token * from.stride(2) * size,
                  static_cast<std::size_t>(from.size(3) * size));
    }
  };
  parallel_parts(key.size(0) * heads, rows_of_grain(2 * tokens * key.size(3)),
                 [&](std::int64_t begin, std::int64_t end) {
                   for (std::int64_t row = begin; row < end; ++row) {
                     copy(key, key_cache, row);
                     copy(value, value_cache, row);
                   }
                 });
}

}  // namespace ridgeline::native::ops::cpu
