// Splitting rows over the threads that ATen already has.
#pragma once

#include <ATen/TensorIterator.h>
#include <ATen/core/Tensor.h>

#include <cstdint>

namespace ridgeline::native::ops::cpu {

/// Calls body(begin, end) for parts of [0, rows), on several threads when there are more than
/// `grain` rows. `column`: any tensor of one element a row, [rows]; its values are not touched.
///
/// at::parallel_for is a template over OpenMP pragmas: in a program that is not built with -fopenmp
/// (a second OpenMP runtime in the process would fight the wheel's own) it silently stays on one
/// thread. The loop of TensorIterator is compiled inside the wheel and takes a callback.
template <typename Body>
void parallel_rows(const at::Tensor& column, std::int64_t grain, const Body& body) {
  at::TensorIterator rows = at::TensorIteratorConfig()
                                .check_all_same_dtype(false)
                                .set_check_mem_overlap(false)
                                .resize_outputs(false)
                                .add_borrowed_output(column)
                                .build();
  const auto* base = static_cast<const char*>(column.data_ptr());
  const std::int64_t stride = column.stride(0) * static_cast<std::int64_t>(column.element_size());
  rows.for_each(
      [&](char** data, const std::int64_t*, std::int64_t count, std::int64_t outer) {
        const std::int64_t begin = (data[0] - base) / stride;
        body(begin, begin + count * outer);
      },
      grain);
}

}  // namespace ridgeline::native::ops::cpu
