// The device a model runs on, through the interfaces that every accelerator of torch offers.
#pragma once

#include <c10/core/Device.h>
#include <c10/core/ScalarType.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "base/error.hpp"

namespace ridgeline::native {

/// "cpu" or "cuda:N". A CUDA device loads the CUDA half of torch first; without it, without a
/// driver or without that device the error says which. Its context is made meanwhile.
Result<c10::Device> open_device(std::string_view text);

/// How long loading the CUDA half of torch took, in ns; 0 when it was not loaded.
std::int64_t cuda_load_ns();

/// Waits until all work on the device is done; nothing to do on the CPU.
void synchronize(c10::Device device);

/// "float32", "bfloat16" or "float16".
Result<c10::ScalarType> dtype_from(std::string_view text);
std::string_view name_of(c10::ScalarType dtype);

}  // namespace ridgeline::native
