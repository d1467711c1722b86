// A weight as the loops for few rows read it, and the one row that it is multiplied with.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

#include "engines/native/ops/cpu/loops.hpp"
#include "engines/native/ops/ops.hpp"

namespace ridgeline::native::fused {

/// Room for `count` elements; never less than before.
template <typename Element>
void grow(std::vector<Element>& memory, std::int64_t count) {
  const auto wanted = static_cast<std::size_t>(count);
  if (memory.size() < wanted) memory.resize(wanted);
}

/// Rows [out, in] of float32, bfloat16 or 8 bits. Points into the weight.
class StoredRows {
 public:
  StoredRows() = default;
  /// Plain or 8-bit, on a CPU; `bias` [out] may be undefined.
  StoredRows(const ops::ProductWeight& weight, const at::Tensor& bias);

  std::int64_t in() const { return in_; }
  std::int64_t out() const { return out_; }
  std::int64_t row_bytes() const { return stride_ * element_bytes_; }

  /// What dot() wants of a row of activations x [in].
  class Input {
   public:
    /// For set() with such rows, which then allocates nothing.
    void make_room(const StoredRows& rows);
    void set(const StoredRows& rows, const float* x);

   private:
    friend class StoredRows;
    const float* floats_ = nullptr;
    ops::cpu::RoundedRow rounded_ = {};
    std::vector<std::uint16_t> halves_;
    std::vector<float> prepared_;
    std::vector<std::int16_t> values_;
    std::vector<ops::cpu::RoundedBlock> blocks_;
  };

  /// Products of rows `first`, `first` + `apart`, …, `count` of them, at most ops::cpu::kRowGroup,
  /// with the input, bias included → sums.
  void dot(const Input& input, std::int64_t first, std::int64_t apart, int count,
           float* sums) const;

 private:
  enum class Kind { kFloat32, kBfloat16, kInt8 };

  Kind kind_ = Kind::kFloat32;
  const void* rows_ = nullptr;
  std::int64_t stride_ = 0;  // elements; of 8-bit rows the padded width
  std::int64_t element_bytes_ = 0;
  std::int64_t in_ = 0;
  std::int64_t out_ = 0;
  const float* scales_ = nullptr;  // [out], of 8-bit rows
  std::vector<float> bias_;        // [out], or empty
};

/// A tensor's values as float32.
std::vector<float> floats_of(const at::Tensor& x);

}  // namespace ridgeline::native::fused
