// Opens libcuda.so.1 and finds its functions.
#include "engines/native/device/cuda/driver.hpp"

#include <fmt/format.h>

namespace ridgeline::native::cuda {
namespace {

constexpr int kOutOfMemory = 2;

// The name of the first function that the library lacks; empty when all are there. Those with _v2
// are what cuda.h turns the plain names into.
std::string_view find_functions(const DynamicLibrary& library, DriverFunctions& f) {
  const auto find = [&](auto*& function, const char* symbol) {
    function = library.function<std::remove_reference_t<decltype(*function)>>(symbol);
    return function != nullptr;
  };
  if (!find(f.init, "cuInit")) return "cuInit";
  if (!find(f.device_get, "cuDeviceGet")) return "cuDeviceGet";
  if (!find(f.device_attribute, "cuDeviceGetAttribute")) return "cuDeviceGetAttribute";
  if (!find(f.memory_info, "cuMemGetInfo_v2")) return "cuMemGetInfo_v2";
  if (!find(f.module_load, "cuModuleLoadDataEx")) return "cuModuleLoadDataEx";
  if (!find(f.module_unload, "cuModuleUnload")) return "cuModuleUnload";
  if (!find(f.module_function, "cuModuleGetFunction")) return "cuModuleGetFunction";
  if (!find(f.function_attribute, "cuFuncGetAttribute")) return "cuFuncGetAttribute";
  if (!find(f.set_function_attribute, "cuFuncSetAttribute")) return "cuFuncSetAttribute";
  if (!find(f.occupancy, "cuOccupancyMaxActiveBlocksPerMultiprocessor")) {
    return "cuOccupancyMaxActiveBlocksPerMultiprocessor";
  }
  if (!find(f.launch, "cuLaunchKernelEx")) return "cuLaunchKernelEx";
  if (!find(f.error_string, "cuGetErrorString")) return "cuGetErrorString";
  return {};
}

}  // namespace

Result<Driver> Driver::open() {
  auto library = DynamicLibrary::open("libcuda.so.1");
  if (!library) {
    return environment_error(fmt::format("no CUDA driver: {}", library.error().message),
                             "install NVIDIA's driver, and check `nvidia-smi`");
  }
  Driver driver(std::move(*library));
  const std::string_view lacks = find_functions(driver.library_, driver.functions_);
  if (!lacks.empty()) return environment_error(fmt::format("the CUDA driver has no {}", lacks));
  if (const int result = driver.functions_.init(0); result != 0) {
    return environment_error(driver.error(result, "cuInit").message, "check `nvidia-smi`");
  }
  return driver;
}

Result<const Driver*> Driver::get() {
  // Never closed: torch's half of the process uses the same library until the end.
  static const auto* const driver = new Result<Driver>(open());
  if (!*driver) return driver->error();
  return &driver->value();
}

Error Driver::error(int result, const std::string& what) const {
  const char* text = nullptr;
  if (functions_.error_string(result, &text) != 0 || text == nullptr) text = "unknown error";
  return {result == kOutOfMemory ? ErrorClass::kOomDevice : ErrorClass::kInternal,
          fmt::format("{}: {} (CUDA error {})", what, text, result)};
}

Result<int> Driver::attribute(DeviceAttribute attribute, int ordinal) const {
  int device = 0;
  int value = 0;
  int result = functions_.device_get(&device, ordinal);
  if (result == 0) {
    result = functions_.device_attribute(&value, static_cast<int>(attribute), device);
  }
  if (result != 0) return error(result, "asking for a device attribute");
  return value;
}

Result<std::size_t> Driver::free_bytes() const {
  std::size_t free = 0;
  std::size_t total = 0;
  const int result = functions_.memory_info(&free, &total);
  if (result != 0) return error(result, "asking for free memory");
  return free;
}

}  // namespace ridgeline::native::cuda
