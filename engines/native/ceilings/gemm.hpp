// The rate of matrix products, by dtype.
#pragma once

#include "base/error.hpp"
#include "engines/native/ceilings/host/ceiling.hpp"
#include "engines/native/ceilings/request.hpp"

namespace ridgeline::native::ceilings {

/// The best of ATen's products of square matrices, 2·size³ operations each. Without `size`: on an
/// accelerator the best of 8192, 16384 and 4096, on the CPU a size that takes up to a tenth of
/// the time and 0.1 s; smaller where the device is too slow or too small for that. On the CPU the
/// threads are those of ATen, on the CPUs of the placement only.
Result<Ceiling> gemm_rate(const Request& request);

}  // namespace ridgeline::native::ceilings
