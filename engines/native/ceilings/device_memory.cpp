// Asks torch's allocator, which asks the driver.
#include "engines/native/ceilings/device_memory.hpp"

#include <c10/core/CachingDeviceAllocator.h>
#include <fmt/format.h>

namespace ridgeline::native::ceilings {
namespace {

// Workspaces of the product library and code that is loaded late.
constexpr std::int64_t kForLibraries = std::int64_t{256} << 20;

}  // namespace

Result<std::int64_t> free_device_bytes(c10::Device device) {
  c10::DeviceAllocator* const allocator = c10::getDeviceAllocator(device.type());
  allocator->emptyCache();
  return static_cast<std::int64_t>(allocator->getMemoryInfo(device.index()).first);
}

Status check_fits(c10::Device device, std::int64_t bytes) {
  RIDGELINE_TRY(const std::int64_t free, free_device_bytes(device));
  if (bytes <= free - kForLibraries) return {};
  return Error{
      ErrorClass::kOomDevice,
      fmt::format("the working set needs {:.2f} GB, and {:.2f} GB of {} are free",
                  static_cast<double>(bytes) / 1e9, static_cast<double>(free) / 1e9, device.str()),
      "ask for less", bytes};
}

}  // namespace ridgeline::native::ceilings
