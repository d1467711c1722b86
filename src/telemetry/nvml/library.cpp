// Opens libnvidia-ml, finds its functions under their newest names, and says what went wrong.
#include "telemetry/nvml/library.hpp"

#include <fmt/format.h>

#include <initializer_list>
#include <utility>

namespace ridgeline::telemetry::nvml {
namespace {

template <typename Signature>
void bind(const DynamicLibrary& file, Signature*& slot, std::initializer_list<const char*> names) {
  for (const char* name : names) {
    slot = file.function<Signature>(name);
    if (slot != nullptr) return;
  }
}

void bind_system(const DynamicLibrary& file, Functions& f) {
  bind(file, f.init, {"nvmlInit_v2", "nvmlInit"});
  bind(file, f.shutdown, {"nvmlShutdown"});
  bind(file, f.driver_version, {"nvmlSystemGetDriverVersion"});
  bind(file, f.device_count, {"nvmlDeviceGetCount_v2", "nvmlDeviceGetCount"});
  bind(file, f.handle_by_index, {"nvmlDeviceGetHandleByIndex_v2", "nvmlDeviceGetHandleByIndex"});
  // The structure of nvmlDeviceGetPciInfo_v2 and older is another one.
  bind(file, f.pci_info, {"nvmlDeviceGetPciInfo_v3"});
  bind(file, f.uuid, {"nvmlDeviceGetUUID"});
  bind(file, f.name, {"nvmlDeviceGetName"});
  bind(file, f.architecture, {"nvmlDeviceGetArchitecture"});
}

void bind_readings(const DynamicLibrary& file, Functions& f) {
  bind(file, f.field_values, {"nvmlDeviceGetFieldValues"});
  bind(file, f.total_energy, {"nvmlDeviceGetTotalEnergyConsumption"});
  bind(file, f.power_usage, {"nvmlDeviceGetPowerUsage"});
  bind(file, f.clock, {"nvmlDeviceGetClockInfo"});
  bind(file, f.max_clock, {"nvmlDeviceGetMaxClockInfo"});
  bind(file, f.temperature, {"nvmlDeviceGetTemperature"});
  bind(file, f.temperature_v1, {"nvmlDeviceGetTemperatureV"});
}

void bind_facts(const DynamicLibrary& file, Functions& f) {
  bind(file, f.power_limit, {"nvmlDeviceGetEnforcedPowerLimit"});
  bind(file, f.power_limit_default, {"nvmlDeviceGetPowerManagementDefaultLimit"});
  bind(file, f.memory_bus_width, {"nvmlDeviceGetMemoryBusWidth"});
  bind(file, f.memory, {"nvmlDeviceGetMemoryInfo"});
  bind(file, f.memory_v2, {"nvmlDeviceGetMemoryInfo_v2"});
  bind(file, f.ecc, {"nvmlDeviceGetEccMode"});
  bind(file, f.mig, {"nvmlDeviceGetMigMode"});
  bind(file, f.persistence, {"nvmlDeviceGetPersistenceMode"});
  bind(file, f.performance_state, {"nvmlDeviceGetPerformanceState"});
  bind(file, f.pcie_generation, {"nvmlDeviceGetCurrPcieLinkGeneration"});
  bind(file, f.pcie_width, {"nvmlDeviceGetCurrPcieLinkWidth"});
  bind(file, f.pcie_generation_max, {"nvmlDeviceGetMaxPcieLinkGeneration"});
  bind(file, f.pcie_width_max, {"nvmlDeviceGetMaxPcieLinkWidth"});
  bind(file, f.throttle_reasons,
       {"nvmlDeviceGetCurrentClocksEventReasons", "nvmlDeviceGetCurrentClocksThrottleReasons"});
  bind(file, f.compute_processes,
       {"nvmlDeviceGetComputeRunningProcesses_v3", "nvmlDeviceGetComputeRunningProcesses_v2"});
  bind(file, f.compute_processes_v1, {"nvmlDeviceGetComputeRunningProcesses"});
  bind(file, f.graphics_processes,
       {"nvmlDeviceGetGraphicsRunningProcesses_v3", "nvmlDeviceGetGraphicsRunningProcesses_v2"});
  bind(file, f.graphics_processes_v1, {"nvmlDeviceGetGraphicsRunningProcesses"});
}

void bind_gpm(const DynamicLibrary& file, Functions& f) {
  bind(file, f.gpm_support, {"nvmlGpmQueryDeviceSupport"});
  bind(file, f.gpm_streaming, {"nvmlGpmQueryIfStreamingEnabled"});
  bind(file, f.gpm_set_streaming, {"nvmlGpmSetStreamingEnabled"});
  bind(file, f.gpm_sample_alloc, {"nvmlGpmSampleAlloc"});
  bind(file, f.gpm_sample_free, {"nvmlGpmSampleFree"});
  bind(file, f.gpm_sample_get, {"nvmlGpmSampleGet"});
  bind(file, f.gpm_metrics, {"nvmlGpmMetricsGet"});
}

struct StatusRow {
  Return status;
  const char* reason;
  const char* remedy;
};

constexpr StatusRow kStatuses[] = {
    {Return::kSuccess, "no value", ""},
    {Return::kInvalidArgument, "not known to this driver", "update the NVIDIA driver"},
    {Return::kNotSupported, "not supported by this GPU", ""},
    {Return::kNoPermission, "no permission", "run as root (sudo ridgeline …)"},
    {Return::kNotFound, "not found", ""},
    {Return::kInsufficientPower, "the GPU's power cables are not attached", "attach them"},
    {Return::kDriverNotLoaded, "the NVIDIA kernel driver is not loaded", "sudo modprobe nvidia"},
    {Return::kTimeout, "the driver did not answer in time", ""},
    {Return::kIrqIssue, "the GPU's interrupts do not arrive", "see sudo dmesg"},
    {Return::kLibraryNotFound, "a part of the driver's library is missing",
     "install the whole NVIDIA driver"},
    {Return::kFunctionNotFound, "this driver's library cannot tell it", "update the NVIDIA driver"},
    {Return::kGpuIsLost, "the GPU has fallen off the bus", "reboot"},
    {Return::kResetRequired, "the GPU needs a reset", "sudo nvidia-smi -r, or reboot"},
    {Return::kOperatingSystem, "the operating system blocked the driver",
     "give access to /dev/nvidiactl and /dev/nvidia0 (containers: --gpus all)"},
    {Return::kVersionMismatch, "the NVIDIA library and the loaded kernel driver differ in version",
     "reboot (the driver was updated while it was loaded)"},
    {Return::kInUse, "in use by another program", ""},
    {Return::kMemory, "not enough memory", ""},
    {Return::kNoData, "no data yet", ""},
    {Return::kDeprecated, "gone from this driver", ""},
    {Return::kNotReady, "not ready", ""},
    {Return::kGpuNotFound, "GPU not found", ""},
};

const StatusRow* row_of(Return status) {
  for (const StatusRow& row : kStatuses) {
    if (row.status == status) return &row;
  }
  return nullptr;
}

}  // namespace

std::string reason_of(Return status) {
  const StatusRow* row = row_of(status);
  if (row != nullptr) return row->reason;
  return fmt::format("NVML error {}", static_cast<std::uint32_t>(status));
}

std::string remedy_of(Return status) {
  const StatusRow* row = row_of(status);
  return row == nullptr ? std::string() : row->remedy;
}

Library::Opened Library::open(const std::string& name) {
  auto file = DynamicLibrary::open(name.empty() ? "libnvidia-ml.so.1" : name);
  if (!file && name.empty()) {
    auto unversioned = DynamicLibrary::open("libnvidia-ml.so");
    if (unversioned) file = std::move(unversioned);
  }
  if (!file) return {nullptr, Obstacle::kNoLibrary, Return::kLibraryNotFound, file.error().message};

  Functions functions;
  bind_system(*file, functions);
  bind_readings(*file, functions);
  bind_facts(*file, functions);
  bind_gpm(*file, functions);
  if (functions.init == nullptr || functions.shutdown == nullptr ||
      functions.device_count == nullptr || functions.handle_by_index == nullptr) {
    return {nullptr, Obstacle::kNotNvml, Return::kFunctionNotFound,
            fmt::format("{} is not NVIDIA's management library", file->name())};
  }
  const Return status = functions.init();
  if (status != Return::kSuccess) return {nullptr, Obstacle::kInit, status, reason_of(status)};
  return {std::make_shared<const Library>(*std::move(file), functions)};
}

Library::Library(DynamicLibrary file, const Functions& functions)
    : file_(std::move(file)), functions_(functions) {
  char text[kTextSize] = {};
  if (call(functions_.driver_version, text, static_cast<std::uint32_t>(sizeof text - 1)) ==
      Return::kSuccess) {
    driver_version_ = text;
  }
}

Library::~Library() {
  functions_.shutdown();
}

}  // namespace ridgeline::telemetry::nvml
