// Choosing the loop for the kind of rows.
#include "engines/native/fused/host/stored_rows.hpp"

namespace ridgeline::native::fused {

std::vector<float> floats_of(const at::Tensor& x) {
  if (!x.defined()) return {};
  const at::Tensor wide = x.to(at::kFloat).contiguous();
  return {wide.const_data_ptr<float>(), wide.const_data_ptr<float>() + wide.numel()};
}

StoredRows::StoredRows(const ops::ProductWeight& weight, const at::Tensor& bias)
    : bias_(floats_of(bias)) {
  const bool is_int8 = weight.int8.rows.defined();
  const at::Tensor& rows = is_int8 ? weight.int8.rows : weight.plain;
  kind_ = is_int8                            ? Kind::kInt8
          : rows.scalar_type() == at::kFloat ? Kind::kFloat32
                                             : Kind::kBfloat16;
  rows_ = rows.const_data_ptr();
  stride_ = rows.stride(0);
  element_bytes_ = static_cast<std::int64_t>(rows.element_size());
  in_ = rows.size(1);
  out_ = rows.size(0);
  if (is_int8) scales_ = weight.int8.scales.const_data_ptr<float>();
}

void StoredRows::Input::make_room(const StoredRows& rows) {
  if (rows.kind_ == Kind::kBfloat16) {
    grow(halves_, rows.in_);
    grow(prepared_, rows.in_);
  } else if (rows.kind_ == Kind::kInt8) {
    grow(values_, rows.stride_);
    grow(blocks_, (rows.stride_ + ops::cpu::kInt8Block - 1) / ops::cpu::kInt8Block);
  }
}

void StoredRows::Input::set(const StoredRows& rows, const float* x) {
  const ops::cpu::Loops& loops = ops::cpu::best_loops();
  switch (rows.kind_) {
    case Kind::kFloat32:
      floats_ = x;
      break;
    case Kind::kBfloat16:
      loops.narrow(x, rows.in_, halves_.data());
      loops.prepare_bfloat16(halves_.data(), rows.in_, prepared_.data());
      floats_ = prepared_.data();
      break;
    case Kind::kInt8:
      rounded_ = {values_.data(), blocks_.data()};
      loops.round(x, rows.in_, rows.stride_, rounded_);
      break;
  }
}

void StoredRows::dot(const Input& input, std::int64_t first, std::int64_t apart, int count,
                     float* sums) const {
  const ops::cpu::Loops& loops = ops::cpu::best_loops();
  const std::int64_t at = first * stride_;
  switch (kind_) {
    case Kind::kFloat32:
      loops.dots_float32(static_cast<const float*>(rows_) + at, apart * stride_, count,
                         input.floats_, in_, sums);
      break;
    case Kind::kBfloat16:
      loops.dots_bfloat16(static_cast<const std::uint16_t*>(rows_) + at, apart * stride_, count,
                          input.floats_, in_, sums);
      break;
    case Kind::kInt8:
      loops.dots_int8(static_cast<const std::int8_t*>(rows_) + at, apart * stride_, count,
                      input.rounded_, stride_, sums);
      for (int i = 0; i < count; ++i) sums[i] *= scales_[first + i * apart];
      break;
  }
  if (bias_.empty()) return;
  for (int i = 0; i < count; ++i) sums[i] += bias_[static_cast<std::size_t>(first + i * apart)];
}

}  // namespace ridgeline::native::fused
