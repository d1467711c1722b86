// A stand-in for libnvidia-ml: the same symbols, answers from FakeNvml. Built a second time with
// FAKE_NVML_OLD as the library of a driver from before field values, GPM, MIG and version 2 calls.
#include "fakes/nvml/fake_nvml.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <new>

namespace ridgeline::test {

using api::DeviceHandle;
using api::Return;

namespace {

FakeNvml g_state;

struct Counted {
  Return status = Return::kSuccess;
  double integral = 0;
};

struct Sample {
  std::int64_t ns = 0;
  std::map<std::uint32_t, Counted> counted;
};

// Handles are 1-based indices, so that a null handle is told from the first GPU.
FakeGpu* gpu_of(DeviceHandle handle) {
  const auto index = reinterpret_cast<std::uintptr_t>(handle) - 1;
  return index < g_state.gpus.size() ? &g_state.gpus[index] : nullptr;
}

// What every call on a device checks first.
Return enter(const char* name, DeviceHandle handle, const void* out) {
  ++g_state.calls[name];
  if (g_state.running == 0) return Return::kUninitialized;
  const FakeGpu* gpu = gpu_of(handle);
  if (gpu == nullptr || out == nullptr) return Return::kInvalidArgument;
  g_state.now_ns += g_state.latency_ns;
  if (gpu->lost) return Return::kGpuIsLost;
  const auto failure = gpu->failures.find(name);
  return failure == gpu->failures.end() ? Return::kSuccess : failure->second;
}

Return put(const char* name, DeviceHandle handle, std::uint32_t* out,
           std::uint32_t FakeGpu::* member) {
  const Return status = enter(name, handle, out);
  if (status == Return::kSuccess) *out = gpu_of(handle)->*member;
  return status;
}

Return put_text(const char* name, DeviceHandle handle, char* out, std::uint32_t size,
                std::string FakeGpu::* member) {
  const Return status = enter(name, handle, out);
  if (status != Return::kSuccess) return status;
  const std::string& text = gpu_of(handle)->*member;
  if (text.size() + 1 > size) return Return::kInsufficientSize;
  std::memcpy(out, text.c_str(), text.size() + 1);
  return status;
}

Return put_clock(const char* name, DeviceHandle handle, std::uint32_t which, std::uint32_t* out,
                 std::map<std::uint32_t, std::uint32_t> FakeGpu::* member) {
  const Return status = enter(name, handle, out);
  if (status != Return::kSuccess) return status;
  const auto& clocks = gpu_of(handle)->*member;
  const auto clock = clocks.find(which);
  if (clock == clocks.end()) return Return::kNotSupported;
  *out = clock->second;
  return status;
}

template <typename Process>
Return put_processes(const char* name, DeviceHandle handle, std::uint32_t* count, Process* out,
                     std::vector<FakeProcess> FakeGpu::* member) {
  const Return status = enter(name, handle, count);
  if (status != Return::kSuccess) return status;
  const auto& processes = gpu_of(handle)->*member;
  const std::uint32_t room = *count;
  *count = static_cast<std::uint32_t>(processes.size());
  if (processes.size() > room) return Return::kInsufficientSize;
  for (std::size_t i = 0; i < processes.size(); ++i) {
    out[i] = {};
    out[i].pid = processes[i].pid;
    out[i].used_memory = processes[i].memory;
  }
  return status;
}

[[maybe_unused]] void store(api::FieldValue& field, const FakeField& answer, double number) {
  field.type = answer.type;
  switch (answer.type) {
    case api::ValueType::kDouble:
      field.value.d = number;
      return;
    case api::ValueType::kUnsignedLongLong:
      field.value.ull = static_cast<std::uint64_t>(number);
      return;
    case api::ValueType::kUnsignedLong:
      field.value.ul = static_cast<unsigned long>(number);
      return;
    case api::ValueType::kSignedLongLong:
      field.value.sll = static_cast<std::int64_t>(number);
      return;
    case api::ValueType::kSignedInt:
      field.value.si = static_cast<std::int32_t>(number);
      return;
    case api::ValueType::kUnsignedShort:
      field.value.us = static_cast<std::uint16_t>(number);
      return;
    case api::ValueType::kUnsignedInt:
      field.value.ui = static_cast<std::uint32_t>(number);
      return;
  }
}

}  // namespace

FakeGpu fake_h200(const std::string& bus_id, const std::string& uuid) {
  using api::ValueType;
  FakeGpu gpu;
  gpu.bus_id = bus_id;
  gpu.uuid = uuid;
  const auto constant = [](double value) { return [value](double) { return value; }; };
  const auto rate = [](double value) { return [value](double t) { return value * t; }; };
  const FakeField energy{ValueType::kUnsignedLongLong, rate(500e3)};
  gpu.energy_mj = rate(500e3);
  gpu.fields[{api::kFieldTotalEnergy, 0}] = energy;
  gpu.fields[{api::kFieldEnergy, 0}] = energy;
  gpu.power_mw = 500000;
  for (const std::uint32_t field : {api::kFieldPowerInstant, api::kFieldPowerAverage}) {
    gpu.fields[{field, api::kScopeGpu}] = {ValueType::kUnsignedInt, constant(500e3)};
  }
  gpu.fields[{api::kFieldPowerAverage, api::kScopeMemory}] = {ValueType::kUnsignedInt,
                                                              constant(80e3)};
  gpu.fields[{api::kFieldPowerCurrentLimit, 0}] = {ValueType::kUnsignedInt, constant(700e3)};
  gpu.fields[{api::kFieldMemoryTemperature, 0}] = {ValueType::kUnsignedInt, constant(52)};
  for (std::uint32_t field = api::kFieldPolicyPower; field <= api::kFieldPolicyBaseClocks;
       ++field) {
    gpu.fields[{field, 0}] = {ValueType::kUnsignedLongLong, constant(0)};
  }
  gpu.fields[{api::kFieldPolicyPower, 0}].value = rate(0.25e9);
  for (const std::uint32_t field :
       {api::kFieldSwThermal, api::kFieldHwThermal, api::kFieldHwPowerBrake}) {
    gpu.fields[{field, 0}] = {ValueType::kUnsignedLongLong, constant(0)};
  }
  gpu.clocks = {{api::kClockGraphics, 1980}, {api::kClockSm, 1980}, {api::kClockMemory, 3201}};
  gpu.max_clocks = gpu.clocks;
  gpu.metrics[api::kGpmDram] = {rate(50)};
  gpu.metrics[api::kGpmPcieTx] = {rate(100)};
  gpu.metrics[api::kGpmPcieRx] = {rate(200)};
  gpu.metrics[api::kGpmSm] = {rate(90)};
  gpu.metrics[api::kGpmSmOccupancy] = {rate(40)};
  gpu.metrics[api::kGpmTensor] = {rate(60)};
  for (const std::uint32_t metric : {api::kGpmFp64, api::kGpmFp32, api::kGpmFp16}) {
    gpu.metrics[metric] = {rate(1)};
  }
  return gpu;
}

extern "C" {

FakeNvml* fake_nvml() {
  return &g_state;
}

FakeGpu* fake_nvml_add(const char* bus_id, const char* uuid) {
  g_state.gpus.push_back(fake_h200(bus_id, uuid));
  return &g_state.gpus.back();
}

Return nvmlInit_v2() {
  ++g_state.calls["Init_v2"];
  if (g_state.init_status == Return::kSuccess) ++g_state.running;
  return g_state.init_status;
}

Return nvmlShutdown() {
  if (g_state.running == 0) return Return::kUninitialized;
  --g_state.running;
  return Return::kSuccess;
}

Return nvmlSystemGetDriverVersion(char* out, std::uint32_t size) {
  if (g_state.driver.size() + 1 > size) return Return::kInsufficientSize;
  std::memcpy(out, g_state.driver.c_str(), g_state.driver.size() + 1);
  return Return::kSuccess;
}

Return nvmlDeviceGetCount_v2(std::uint32_t* out) {
  if (g_state.running == 0) return Return::kUninitialized;
  *out = static_cast<std::uint32_t>(g_state.gpus.size());
  return Return::kSuccess;
}

Return nvmlDeviceGetHandleByIndex_v2(std::uint32_t index, DeviceHandle* out) {
  *out = reinterpret_cast<DeviceHandle>(static_cast<std::uintptr_t>(index) + 1);
  return enter("DeviceGetHandleByIndex_v2", *out, out);
}

Return nvmlDeviceGetPciInfo_v3(DeviceHandle handle, api::PciInfo* out) {
  const Return status = enter("DeviceGetPciInfo_v3", handle, out);
  if (status != Return::kSuccess) return status;
  *out = {};
  const std::string& bus_id = gpu_of(handle)->bus_id;
  std::memcpy(out->bus_id, bus_id.data(), std::min(bus_id.size(), sizeof out->bus_id - 1));
  return status;
}

Return nvmlDeviceGetUUID(DeviceHandle handle, char* out, std::uint32_t size) {
  return put_text("DeviceGetUUID", handle, out, size, &FakeGpu::uuid);
}

Return nvmlDeviceGetName(DeviceHandle handle, char* out, std::uint32_t size) {
  return put_text("DeviceGetName", handle, out, size, &FakeGpu::name);
}

Return nvmlDeviceGetTotalEnergyConsumption(DeviceHandle handle, unsigned long long* out) {
  const Return status = enter("DeviceGetTotalEnergyConsumption", handle, out);
  if (status != Return::kSuccess) return status;
  *out = static_cast<unsigned long long>(gpu_of(handle)->energy_mj(g_state.seconds()));
  return status;
}

Return nvmlDeviceGetPowerUsage(DeviceHandle handle, std::uint32_t* out) {
  return put("DeviceGetPowerUsage", handle, out, &FakeGpu::power_mw);
}

Return nvmlDeviceGetClockInfo(DeviceHandle handle, std::uint32_t clock, std::uint32_t* out) {
  return put_clock("DeviceGetClockInfo", handle, clock, out, &FakeGpu::clocks);
}

Return nvmlDeviceGetMaxClockInfo(DeviceHandle handle, std::uint32_t clock, std::uint32_t* out) {
  return put_clock("DeviceGetMaxClockInfo", handle, clock, out, &FakeGpu::max_clocks);
}

Return nvmlDeviceGetTemperature(DeviceHandle handle, std::uint32_t sensor, std::uint32_t* out) {
  if (sensor != api::kTemperatureGpu) return Return::kInvalidArgument;
  return put("DeviceGetTemperature", handle, out, &FakeGpu::temperature);
}

Return nvmlDeviceGetEnforcedPowerLimit(DeviceHandle handle, std::uint32_t* out) {
  return put("DeviceGetEnforcedPowerLimit", handle, out, &FakeGpu::power_limit_mw);
}

Return nvmlDeviceGetPowerManagementDefaultLimit(DeviceHandle handle, std::uint32_t* out) {
  return put("DeviceGetPowerManagementDefaultLimit", handle, out, &FakeGpu::power_limit_default_mw);
}

Return nvmlDeviceGetMemoryInfo(DeviceHandle handle, api::Memory* out) {
  const Return status = enter("DeviceGetMemoryInfo", handle, out);
  if (status != Return::kSuccess) return status;
  const FakeGpu& gpu = *gpu_of(handle);
  // Version 1 counts what the driver keeps for itself as used.
  const std::uint64_t used = gpu.memory_used + gpu.memory_reserved;
  *out = {gpu.memory_total, gpu.memory_total - used, used};
  return status;
}

Return nvmlDeviceGetEccMode(DeviceHandle handle, std::uint32_t* now, std::uint32_t* pending) {
  *pending = 0;
  return put("DeviceGetEccMode", handle, now, &FakeGpu::ecc);
}

Return nvmlDeviceGetPersistenceMode(DeviceHandle handle, std::uint32_t* out) {
  return put("DeviceGetPersistenceMode", handle, out, &FakeGpu::persistence);
}

Return nvmlDeviceGetPerformanceState(DeviceHandle handle, std::uint32_t* out) {
  return put("DeviceGetPerformanceState", handle, out, &FakeGpu::performance_state);
}

Return nvmlDeviceGetCurrPcieLinkGeneration(DeviceHandle handle, std::uint32_t* out) {
  return put("DeviceGetCurrPcieLinkGeneration", handle, out, &FakeGpu::pcie_generation);
}

Return nvmlDeviceGetCurrPcieLinkWidth(DeviceHandle handle, std::uint32_t* out) {
  return put("DeviceGetCurrPcieLinkWidth", handle, out, &FakeGpu::pcie_width);
}

Return nvmlDeviceGetMaxPcieLinkGeneration(DeviceHandle handle, std::uint32_t* out) {
  return put("DeviceGetMaxPcieLinkGeneration", handle, out, &FakeGpu::pcie_generation);
}

Return nvmlDeviceGetMaxPcieLinkWidth(DeviceHandle handle, std::uint32_t* out) {
  return put("DeviceGetMaxPcieLinkWidth", handle, out, &FakeGpu::pcie_width);
}

Return nvmlDeviceGetCurrentClocksThrottleReasons(DeviceHandle handle, unsigned long long* out) {
  const Return status = enter("DeviceGetCurrentClocksThrottleReasons", handle, out);
  if (status == Return::kSuccess) *out = gpu_of(handle)->throttle_bits;
  return status;
}

// The name without a version stays that of the structure of 16 bytes.
Return nvmlDeviceGetComputeRunningProcesses(DeviceHandle handle, std::uint32_t* count,
                                            api::ProcessV1* out) {
  return put_processes("DeviceGetComputeRunningProcesses", handle, count, out, &FakeGpu::compute);
}

Return nvmlDeviceGetGraphicsRunningProcesses(DeviceHandle handle, std::uint32_t* count,
                                             api::ProcessV1* out) {
  return put_processes("DeviceGetGraphicsRunningProcesses", handle, count, out, &FakeGpu::graphics);
}

#ifndef FAKE_NVML_OLD

Return nvmlDeviceGetArchitecture(DeviceHandle handle, std::uint32_t* out) {
  return put("DeviceGetArchitecture", handle, out, &FakeGpu::architecture);
}

Return nvmlDeviceGetMemoryBusWidth(DeviceHandle handle, std::uint32_t* out) {
  return put("DeviceGetMemoryBusWidth", handle, out, &FakeGpu::bus_width_bits);
}

Return nvmlDeviceGetMigMode(DeviceHandle handle, std::uint32_t* now, std::uint32_t* pending) {
  *pending = 0;
  return put("DeviceGetMigMode", handle, now, &FakeGpu::mig);
}

Return nvmlDeviceGetMemoryInfo_v2(DeviceHandle handle, api::MemoryV2* out) {
  const Return status = enter("DeviceGetMemoryInfo_v2", handle, out);
  if (status != Return::kSuccess) return status;
  if (out->version != api::kMemoryV2) return Return::kArgumentVersionMismatch;
  const FakeGpu& gpu = *gpu_of(handle);
  out->total = gpu.memory_total;
  out->reserved = gpu.memory_reserved;
  out->used = gpu.memory_used;
  out->free = gpu.memory_total - gpu.memory_used - gpu.memory_reserved;
  return status;
}

Return nvmlDeviceGetCurrentClocksEventReasons(DeviceHandle handle, unsigned long long* out) {
  return nvmlDeviceGetCurrentClocksThrottleReasons(handle, out);
}

Return nvmlDeviceGetComputeRunningProcesses_v3(DeviceHandle handle, std::uint32_t* count,
                                               api::ProcessV2* out) {
  return put_processes("DeviceGetComputeRunningProcesses_v3", handle, count, out,
                       &FakeGpu::compute);
}

Return nvmlDeviceGetGraphicsRunningProcesses_v3(DeviceHandle handle, std::uint32_t* count,
                                                api::ProcessV2* out) {
  return put_processes("DeviceGetGraphicsRunningProcesses_v3", handle, count, out,
                       &FakeGpu::graphics);
}

Return nvmlDeviceGetFieldValues(DeviceHandle handle, int count, api::FieldValue* values) {
  const Return status = enter("DeviceGetFieldValues", handle, values);
  if (status != Return::kSuccess) return status;
  if (count < 1 || (count > 1 && g_state.refuses_batches)) return Return::kInvalidArgument;
  const FakeGpu& gpu = *gpu_of(handle);
  for (int i = 0; i < count; ++i) {
    api::FieldValue& value = values[i];
    const auto found = gpu.fields.find({value.field, value.scope});
    value.status = found == gpu.fields.end() ? Return::kNotSupported : found->second.status;
    // Garbage where there is no answer, as in the library: only a success may be looked at.
    value.value.ull = 0xdeadbeefdeadbeef;
    value.timestamp = g_state.now_ns / 1000;
    if (value.status != Return::kSuccess) continue;
    store(value, found->second, found->second.value(g_state.seconds()));
  }
  return Return::kSuccess;
}

Return nvmlGpmQueryDeviceSupport(DeviceHandle handle, api::GpmSupport* out) {
  const Return status = enter("GpmQueryDeviceSupport", handle, out);
  if (status != Return::kSuccess) return status;
  if (out->version != api::kGpmVersion) return Return::kArgumentVersionMismatch;
  out->supported = gpu_of(handle)->gpm ? 1 : 0;
  return status;
}

Return nvmlGpmQueryIfStreamingEnabled(DeviceHandle handle, std::uint32_t* out) {
  const Return status = enter("GpmQueryIfStreamingEnabled", handle, out);
  if (status == Return::kSuccess) *out = gpu_of(handle)->gpm_streaming ? 1 : 0;
  return status;
}

Return nvmlGpmSetStreamingEnabled(DeviceHandle handle, std::uint32_t state) {
  const Return status = enter("GpmSetStreamingEnabled", handle, &state);
  if (status == Return::kSuccess) gpu_of(handle)->gpm_streaming = state != 0;
  return status;
}

Return nvmlGpmSampleAlloc(api::GpmSample* out) {
  *out = reinterpret_cast<api::GpmSample>(new Sample);
  ++g_state.samples;
  return Return::kSuccess;
}

Return nvmlGpmSampleFree(api::GpmSample sample) {
  delete reinterpret_cast<Sample*>(sample);
  --g_state.samples;
  return Return::kSuccess;
}

Return nvmlGpmSampleGet(DeviceHandle handle, api::GpmSample out) {
  const Return status = enter("GpmSampleGet", handle, out);
  if (status != Return::kSuccess) return status;
  const FakeGpu& gpu = *gpu_of(handle);
  if (gpu.gpm_needs_streaming && !gpu.gpm_streaming) return Return::kNotReady;
  auto& sample = *reinterpret_cast<Sample*>(out);
  // The middle of the call, as the source takes it to be.
  sample.ns = g_state.now_ns - g_state.latency_ns / 2;
  sample.counted.clear();
  for (const auto& [metric, answer] : gpu.metrics) {
    const double seconds = static_cast<double>(sample.ns) * 1e-9;
    sample.counted[metric] = {answer.status, answer.integral(seconds)};
  }
  return status;
}

Return nvmlGpmMetricsGet(api::GpmMetrics* request) {
  ++g_state.calls["GpmMetricsGet"];
  if (request->version != api::kGpmVersion) return Return::kArgumentVersionMismatch;
  const auto* first = reinterpret_cast<const Sample*>(request->first);
  const auto* second = reinterpret_cast<const Sample*>(request->second);
  if (first == nullptr || second == nullptr || first == second) return Return::kInvalidArgument;
  for (std::uint32_t i = 0; i < request->count; ++i) {
    api::GpmMetric& metric = request->metrics[i];
    const auto begin = first->counted.find(metric.metric);
    const auto end = second->counted.find(metric.metric);
    const bool known = begin != first->counted.end() && end != second->counted.end();
    metric.status = known ? end->second.status : Return::kNotSupported;
    if (metric.status != Return::kSuccess) continue;
    const std::int64_t elapsed = second->ns - first->ns;
    // Pairs closer than the refresh hold nothing, and say 0.
    metric.value = elapsed < 100'000'000 ? 0.0
                                         : (end->second.integral - begin->second.integral) /
                                               (static_cast<double>(elapsed) * 1e-9);
  }
  return Return::kSuccess;
}

#endif  // FAKE_NVML_OLD

}  // extern "C"

}  // namespace ridgeline::test
