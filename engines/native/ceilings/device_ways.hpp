// The ways to move bytes within an accelerator's memory that a bandwidth probe chooses from.
#pragma once

#include <ATen/core/Tensor.h>
#include <c10/core/Stream.h>

#include <functional>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "engines/native/ceilings/host/ceiling.hpp"
#include "engines/native/device/cuda/module.hpp"

namespace ridgeline::native::ceilings {

/// One way, bound to its arrays.
struct DeviceWay {
  std::string name;
  std::function<Status()> run;  ///< hands one pass over to the stream
  at::Tensor sums = {};         ///< one of each block, after a read
};

/// What is written by the kind "write": no byte of it is zero.
inline constexpr std::int64_t kDeviceWord = 0x3FA5'5A3C'3FC3'A5A5;
/// The factor of triads.
inline constexpr float kDeviceScale = 0.375F;

/// Every shape of our own kernels in `module`, and what torch offers for the kind. `arrays`: as
/// many as the kind has, int64, whole multiples of kArrayStep; the first is what is read or
/// written. Module, arrays and stream must outlive the ways.
Result<std::vector<DeviceWay>> device_ways(Kind kind, const std::vector<at::Tensor>& arrays,
                                           const cuda::Module& module, const c10::Stream& stream);

}  // namespace ridgeline::native::ceilings
