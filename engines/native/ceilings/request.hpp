// The probe message, checked.
#pragma once

#include <c10/core/Device.h>

#include <cstdint>
#include <functional>
#include <string>

#include "engines/native/ceilings/host/ceiling.hpp"
#include "engines/native/ceilings/host/team.hpp"

namespace ridgeline::native::ceilings {

/// Arithmetic of a gemm.
enum class GemmDtype { kFloat64, kFloat32, kTfloat32, kBfloat16, kFloat16, kInt8, kFloat8 };

struct Request {
  Kind kind = Kind::kRead;
  c10::Device device = c10::Device(c10::kCPU);
  GemmDtype dtype = GemmDtype::kFloat32;
  std::int64_t bytes = 0;  ///< working set; 0: choose
  std::int64_t size = 0;   ///< of a gemm; 0: choose
  Placement placement;     ///< of the CPU's threads
  bool pinned = true;      ///< host memory of transfers
  double seconds = 0.5;
  /// The load goes on without pauses until at least so much of it lies behind it, for somebody who
  /// reads power meanwhile.
  double steady_seconds = 0;
  std::function<void()> tick = [] {};  ///< called between repetitions: shows that work goes on
};

}  // namespace ridgeline::native::ceilings
