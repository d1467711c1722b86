// A CUDA device, through the interfaces that every accelerator of torch offers.
#pragma once

#include <c10/core/Device.h>

#include <memory>

#include "engines/native/device/backend.hpp"

namespace ridgeline::native {

/// Streams, events and memory by c10; graphs by the CUDA library beside this program. `device` is
/// open.
std::unique_ptr<DeviceBackend> accelerator_backend(c10::Device device);

}  // namespace ridgeline::native
