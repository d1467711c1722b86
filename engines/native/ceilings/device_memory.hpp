// How much memory of an accelerator a probe may take.
#pragma once

#include <c10/core/Device.h>

#include <cstdint>

#include "base/error.hpp"

namespace ridgeline::native::ceilings {

/// Gives memory that torch keeps for later back to the device, and returns the bytes that are free
/// then.
Result<std::int64_t> free_device_bytes(c10::Device device);

/// An error of class oom.device when `bytes` are more than may be taken: all that is free but what
/// libraries need for themselves.
Status check_fits(c10::Device device, std::int64_t bytes);

}  // namespace ridgeline::native::ceilings
