// Which accelerator of this machine an engine's device name means.
#pragma once

#include <string>
#include <string_view>

#include "base/json.hpp"

namespace ridgeline::measure {

/// The PCI address ("0000:17:00.0") of "cuda:1" by the `devices` of an engine's hello: the engine
/// counts in its own order, after CUDA_VISIBLE_DEVICES. Empty for the CPU, and where the engine
/// does not tell.
std::string device_address(const Json& hello, std::string_view device);

}  // namespace ridgeline::measure
