// The ways to multiply two square matrices that a gemm probe chooses from.
#pragma once

#include <c10/core/Device.h>

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "engines/native/ceilings/request.hpp"

namespace ridgeline::native::ceilings {

/// One way, bound to its operands; `run` computes one product.
struct Product {
  std::string name;
  std::function<void()> run;
};

/// "float64", "float32", "tfloat32", "bfloat16", "float16", "int8", "float8_e4m3".
std::string_view name_of(GemmDtype dtype);

/// All ways of ATen for a size × size product on a device, the most promising first. Operands are
/// random: normally distributed, or uniform integers; never zeros, which run faster. Throws
/// c10::Error when the device or this build has no product of that dtype, maybe only on the first
/// run.
std::vector<Product> products(GemmDtype dtype, c10::Device device, std::int64_t size);

/// Bytes that products() of one size allocate.
std::int64_t product_bytes(GemmDtype dtype, std::int64_t size);

/// Sets whether products of float32 on CUDA may use TF32, and puts it back.
class Tf32Guard {
 public:
  explicit Tf32Guard(bool allowed);
  ~Tf32Guard();
  Tf32Guard(const Tf32Guard&) = delete;
  Tf32Guard& operator=(const Tf32Guard&) = delete;

 private:
  bool before_;
};

}  // namespace ridgeline::native::ceilings
