// libnvidia-ml, opened and initialised: its functions, each of which an older driver may lack.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/dynamic_library.hpp"
#include "base/error.hpp"
#include "telemetry/nvml/nvml_api.hpp"

namespace ridgeline::telemetry::nvml {

/// Null where the library has no such function; Library::call answers kFunctionNotFound then.
struct Functions {
  using GetNumber = Return(DeviceHandle, std::uint32_t*);
  using GetText = Return(DeviceHandle, char*, std::uint32_t);
  using GetModes = Return(DeviceHandle, std::uint32_t* current, std::uint32_t* pending);
  using GetIndexed = Return(DeviceHandle, std::uint32_t which, std::uint32_t*);
  template <typename Process>
  using GetProcesses = Return(DeviceHandle, std::uint32_t* count, Process*);

  Return (*init)() = nullptr;
  Return (*shutdown)() = nullptr;
  Return (*driver_version)(char*, std::uint32_t) = nullptr;
  Return (*device_count)(std::uint32_t*) = nullptr;
  Return (*handle_by_index)(std::uint32_t, DeviceHandle*) = nullptr;

  Return (*pci_info)(DeviceHandle, PciInfo*) = nullptr;
  GetText* uuid = nullptr;
  GetText* name = nullptr;
  GetNumber* architecture = nullptr;

  Return (*field_values)(DeviceHandle, int count, FieldValue*) = nullptr;
  Return (*total_energy)(DeviceHandle, unsigned long long*) = nullptr;
  GetNumber* power_usage = nullptr;
  GetIndexed* clock = nullptr;
  GetIndexed* max_clock = nullptr;
  GetIndexed* temperature = nullptr;
  Return (*temperature_v1)(DeviceHandle, Temperature*) = nullptr;

  GetNumber* power_limit = nullptr;
  GetNumber* power_limit_default = nullptr;
  GetNumber* memory_bus_width = nullptr;
  Return (*memory)(DeviceHandle, Memory*) = nullptr;
  Return (*memory_v2)(DeviceHandle, MemoryV2*) = nullptr;
  GetModes* ecc = nullptr;
  GetModes* mig = nullptr;
  GetNumber* persistence = nullptr;
  GetNumber* performance_state = nullptr;
  GetNumber* pcie_generation = nullptr;
  GetNumber* pcie_width = nullptr;
  GetNumber* pcie_generation_max = nullptr;
  GetNumber* pcie_width_max = nullptr;
  Return (*throttle_reasons)(DeviceHandle, unsigned long long*) = nullptr;
  GetProcesses<ProcessV2>* compute_processes = nullptr;
  GetProcesses<ProcessV1>* compute_processes_v1 = nullptr;
  GetProcesses<ProcessV2>* graphics_processes = nullptr;
  GetProcesses<ProcessV1>* graphics_processes_v1 = nullptr;

  Return (*gpm_support)(DeviceHandle, GpmSupport*) = nullptr;
  GetNumber* gpm_streaming = nullptr;
  Return (*gpm_set_streaming)(DeviceHandle, std::uint32_t) = nullptr;
  Return (*gpm_sample_alloc)(GpmSample*) = nullptr;
  Return (*gpm_sample_free)(GpmSample) = nullptr;
  Return (*gpm_sample_get)(DeviceHandle, GpmSample) = nullptr;
  Return (*gpm_metrics)(GpmMetrics*) = nullptr;
};

/// Calls a function that may be missing.
template <typename... Parameters, typename... Arguments>
Return call(Return (*function)(Parameters...), Arguments... arguments) {
  return function == nullptr ? Return::kFunctionNotFound : function(arguments...);
}

/// Why a call gave nothing, in a few plain words: "not supported by this GPU".
std::string reason_of(Return status);

/// What a user can do about it; empty where there is nothing.
std::string remedy_of(Return status);

/// Initialised from open() until it goes.
class Library {
 public:
  /// What kept it from being usable.
  enum class Obstacle { kNone, kNoLibrary, kNotNvml, kInit };
  struct Opened {
    std::shared_ptr<const Library> library;  ///< null: see the rest
    Obstacle obstacle = Obstacle::kNone;
    Return status = Return::kSuccess;  ///< of the initialisation
    std::string message = {};          ///< of the loader
  };

  /// `name` is the library to open; empty: libnvidia-ml.so.1, then libnvidia-ml.so.
  static Opened open(const std::string& name);

  Library(DynamicLibrary file, const Functions& functions);
  Library(const Library&) = delete;
  Library& operator=(const Library&) = delete;
  ~Library();

  const Functions& functions() const { return functions_; }
  const Functions* operator->() const { return &functions_; }

  /// "580.159.03"; empty when unknown.
  const std::string& driver_version() const { return driver_version_; }

 private:
  DynamicLibrary file_;
  Functions functions_;
  std::string driver_version_;
};

}  // namespace ridgeline::telemetry::nvml
