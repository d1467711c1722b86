// The CUDA driver's own interface, opened at run time and declared here: modules, launches, and
// what a device says about itself.
#pragma once

#include <cstddef>
#include <string>

#include "base/dynamic_library.hpp"
#include "base/error.hpp"

namespace ridgeline::native::cuda {

/// Attributes of devices, by the numbers of cuda.h.
enum class DeviceAttribute {
  kMultiprocessors = 16,
  kL2Bytes = 38,
  kThreadsOfMultiprocessor = 39,
  kMajor = 75,
  kMinor = 76,
};

/// Attributes of kernels, by the numbers of cuda.h.
enum class KernelAttribute {
  kMaxThreads = 0,
  kSharedBytes = 1,
  kLocalBytes = 3,
  kRegisters = 4,
  kMaxDynamicSharedBytes = 8,
};

/// CUlaunchAttribute of cuda.h.
struct LaunchAttribute {
  /// The kernel may start before the one in front of it has ended; it waits itself for what that
  /// one writes (griddepcontrol.wait).
  static constexpr int kProgrammaticStreamSerialization = 6;

  int id = 0;
  int pad = 0;
  union {
    char bytes[64];
    int number;
  } value = {};
};
static_assert(sizeof(LaunchAttribute) == 72);

/// CUlaunchConfig of cuda.h.
struct LaunchConfig {
  unsigned grid_x = 1, grid_y = 1, grid_z = 1;
  unsigned block_x = 1, block_y = 1, block_z = 1;
  unsigned shared = 0;
  void* stream = nullptr;
  LaunchAttribute* attributes = nullptr;
  unsigned attribute_count = 0;
};

/// Functions of libcuda.so.1, as cuda.h declares them; each returns 0 or an error.
struct DriverFunctions {
  int (*init)(unsigned flags);
  int (*device_get)(int* device, int ordinal);
  int (*device_attribute)(int* value, int attribute, int device);
  int (*memory_info)(std::size_t* free, std::size_t* total);
  int (*module_load)(void** module, const void* image, unsigned count, int* options, void** values);
  int (*module_unload)(void* module);
  int (*module_function)(void** function, void* module, const char* name);
  int (*function_attribute)(int* value, int attribute, void* function);
  int (*set_function_attribute)(void* function, int attribute, int value);
  int (*occupancy)(int* blocks, void* function, int threads, std::size_t shared);
  int (*launch)(const LaunchConfig* config, void* function, void** arguments, void** extra);
  int (*error_string)(int result, const char** text);
};

/// The driver of this process. Functions other than the opening ones want the context that torch
/// makes current on a thread: use a tensor of the device first.
class Driver {
 public:
  /// The one driver; the error says that there is none on this machine.
  static Result<const Driver*> get();

  const DriverFunctions& functions() const { return functions_; }

  /// One line about a result that is not 0; `what` names the call.
  Error error(int result, const std::string& what) const;

  /// An attribute of a device, counted as torch counts them ("cuda:N").
  Result<int> attribute(DeviceAttribute attribute, int ordinal) const;

  /// Bytes that are free on the device of the current context.
  Result<std::size_t> free_bytes() const;

 private:
  explicit Driver(DynamicLibrary library) : library_(std::move(library)) {}
  static Result<Driver> open();

  DynamicLibrary library_;
  DriverFunctions functions_{};
};

}  // namespace ridgeline::native::cuda
