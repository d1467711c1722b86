// The part of NVML's C interface that is used here, declared by ourselves: numbers and layouts as
// the vendor publishes them (nvml.h of CUDA 9 to 13). Checked here against the published sizes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>

namespace ridgeline::telemetry::nvml {

// Opaque to callers of the library.
struct OpaqueDevice;
struct OpaqueGpmSample;
using DeviceHandle = OpaqueDevice*;
using GpmSample = OpaqueGpmSample*;

/// nvmlReturn_t. Values that are not listed can come too.
enum class Return : std::uint32_t {
  kSuccess = 0,
  kUninitialized = 1,
  kInvalidArgument = 2,
  kNotSupported = 3,
  kNoPermission = 4,
  kNotFound = 6,
  kInsufficientSize = 7,
  kInsufficientPower = 8,
  kDriverNotLoaded = 9,
  kTimeout = 10,
  kIrqIssue = 11,
  kLibraryNotFound = 12,
  kFunctionNotFound = 13,
  kGpuIsLost = 15,
  kResetRequired = 16,
  kOperatingSystem = 17,
  kVersionMismatch = 18,  ///< of this library and the kernel driver
  kInUse = 19,
  kMemory = 20,
  kNoData = 21,
  kArgumentVersionMismatch = 25,
  kDeprecated = 26,
  kNotReady = 27,
  kGpuNotFound = 28,
  kUnknown = 999,
};

inline constexpr std::size_t kTextSize = 96;  ///< of the longest text: a name or UUID of version 2

// nvmlClockType_t
inline constexpr std::uint32_t kClockGraphics = 0;
inline constexpr std::uint32_t kClockSm = 1;
inline constexpr std::uint32_t kClockMemory = 2;

inline constexpr std::uint32_t kTemperatureGpu = 0;  ///< nvmlTemperatureSensors_t

// nvmlDeviceArchitecture_t
inline constexpr std::uint32_t kArchitectureVolta = 5;
inline constexpr std::uint32_t kArchitectureAmpere = 7;
inline constexpr std::uint32_t kArchitectureHopper = 9;
inline constexpr std::uint32_t kArchitectureUnknown = 0xffffffff;

/// "Not known" of 64-bit members, such as a process's memory.
inline constexpr std::uint64_t kNotAvailable = std::numeric_limits<std::uint64_t>::max();

/// nvmlValueType_t
enum class ValueType : std::uint32_t {
  kDouble = 0,
  kUnsignedInt = 1,
  kUnsignedLong = 2,
  kUnsignedLongLong = 3,
  kSignedLongLong = 4,
  kSignedInt = 5,
  kUnsignedShort = 6,
};

union Value {
  double d;
  std::int32_t si;
  std::uint32_t ui;
  unsigned long ul;
  std::uint64_t ull;
  std::int64_t sll;
  std::uint16_t us;
};

/// nvmlFieldValue_t: `field` and `scope` are asked, the rest is the answer.
struct FieldValue {
  std::uint32_t field;
  std::uint32_t scope;
  std::int64_t timestamp;     ///< microseconds since 1970 by the real-time clock
  std::int64_t latency_usec;  ///< that the driver took for it
  ValueType type;
  Return status;  ///< `value` means nothing unless this is success
  Value value;
};
static_assert(sizeof(FieldValue) == 40);
static_assert(offsetof(FieldValue, timestamp) == 8 && offsetof(FieldValue, type) == 24);
static_assert(offsetof(FieldValue, status) == 28 && offsetof(FieldValue, value) == 32);

// Fields (NVML_FI_DEV_…).
inline constexpr std::uint32_t kFieldPolicyPower = 74;
inline constexpr std::uint32_t kFieldPolicyThermal = 75;
inline constexpr std::uint32_t kFieldPolicySyncBoost = 76;
inline constexpr std::uint32_t kFieldPolicyBoardLimit = 77;
inline constexpr std::uint32_t kFieldPolicyLowUtilization = 78;
inline constexpr std::uint32_t kFieldPolicyReliability = 79;
inline constexpr std::uint32_t kFieldPolicyAppClocks = 80;
inline constexpr std::uint32_t kFieldPolicyBaseClocks = 81;
inline constexpr std::uint32_t kFieldMemoryTemperature = 82;
inline constexpr std::uint32_t kFieldTotalEnergy = 83;
inline constexpr std::uint32_t kFieldPowerAverage = 185;
inline constexpr std::uint32_t kFieldPowerInstant = 186;
inline constexpr std::uint32_t kFieldPowerDefaultLimit = 189;
inline constexpr std::uint32_t kFieldPowerCurrentLimit = 190;
inline constexpr std::uint32_t kFieldEnergy = 191;
// Software thermal, hardware thermal, power brake. The headers of 575.51 to 580.65 number them from
// 251, those from 580.126 on from 269; either range means settings of power smoothing in the other.
inline constexpr std::uint32_t kFieldSwThermal = 269;
inline constexpr std::uint32_t kFieldHwThermal = 270;
inline constexpr std::uint32_t kFieldHwPowerBrake = 271;
inline constexpr std::uint32_t kFieldSwThermalOf575 = 251;
inline constexpr std::uint32_t kFieldHwThermalOf575 = 252;
inline constexpr std::uint32_t kFieldHwPowerBrakeOf575 = 253;

// Scopes of power fields.
inline constexpr std::uint32_t kScopeGpu = 0;
inline constexpr std::uint32_t kScopeModule = 1;
inline constexpr std::uint32_t kScopeMemory = 2;

/// nvmlPciInfo_t (version 3).
struct PciInfo {
  char bus_id_legacy[16];
  std::uint32_t domain;
  std::uint32_t bus;
  std::uint32_t device;
  std::uint32_t pci_device_id;
  std::uint32_t pci_subsystem_id;
  char bus_id[32];
};
static_assert(sizeof(PciInfo) == 68);
static_assert(offsetof(PciInfo, domain) == 16 && offsetof(PciInfo, bus_id) == 36);

/// nvmlMemory_t
struct Memory {
  std::uint64_t total;
  std::uint64_t free;
  std::uint64_t used;
};
static_assert(sizeof(Memory) == 24);

/// nvmlMemory_v2_t: `used` without what the driver keeps for itself.
struct MemoryV2 {
  std::uint32_t version;
  std::uint64_t total;
  std::uint64_t reserved;
  std::uint64_t free;
  std::uint64_t used;
};
static_assert(sizeof(MemoryV2) == 40 && offsetof(MemoryV2, total) == 8);
inline constexpr std::uint32_t kMemoryV2 = sizeof(MemoryV2) | 2u << 24;

/// nvmlProcessInfo_v1_t
struct ProcessV1 {
  std::uint32_t pid;
  std::uint64_t used_memory;
};
static_assert(sizeof(ProcessV1) == 16 && offsetof(ProcessV1, used_memory) == 8);

/// nvmlProcessInfo_v2_t; version 3 has the same layout.
struct ProcessV2 {
  std::uint32_t pid;
  std::uint64_t used_memory;
  std::uint32_t gpu_instance;
  std::uint32_t compute_instance;
};
static_assert(sizeof(ProcessV2) == 24 && offsetof(ProcessV2, gpu_instance) == 16);

/// nvmlTemperature_v1_t
struct Temperature {
  std::uint32_t version;
  std::uint32_t sensor;
  std::int32_t temperature;
};
static_assert(sizeof(Temperature) == 12);
inline constexpr std::uint32_t kTemperatureV1 = sizeof(Temperature) | 1u << 24;

/// nvmlGpmSupport_t
struct GpmSupport {
  std::uint32_t version;
  std::uint32_t supported;
};
static_assert(sizeof(GpmSupport) == 8);

/// nvmlGpmMetric_t
struct GpmMetric {
  std::uint32_t metric;
  Return status;
  double value;
  const char* short_name;
  const char* long_name;
  const char* unit;
};
static_assert(sizeof(GpmMetric) == 40 && offsetof(GpmMetric, value) == 8);

/// nvmlGpmMetricsGet_t. The array's size grew from header to header under the same version (98,
/// 210, 333, 477), so the library reads no further than `count`; the smallest published size is
/// ours.
struct GpmMetrics {
  std::uint32_t version;
  std::uint32_t count;
  GpmSample first;
  GpmSample second;
  GpmMetric metrics[98];
};
static_assert(offsetof(GpmMetrics, first) == 8 && offsetof(GpmMetrics, metrics) == 24);
inline constexpr std::uint32_t kGpmVersion = 1;

// Metrics (nvmlGpmMetricId_t). Shares are percent, rates MiB/s.
inline constexpr std::uint32_t kGpmSm = 2;
inline constexpr std::uint32_t kGpmSmOccupancy = 3;
inline constexpr std::uint32_t kGpmTensor = 5;
inline constexpr std::uint32_t kGpmDram = 10;
inline constexpr std::uint32_t kGpmFp64 = 11;
inline constexpr std::uint32_t kGpmFp32 = 12;
inline constexpr std::uint32_t kGpmFp16 = 13;
inline constexpr std::uint32_t kGpmPcieTx = 20;
inline constexpr std::uint32_t kGpmPcieRx = 21;
inline constexpr std::uint32_t kGpmNvlinkRx = 60;
inline constexpr std::uint32_t kGpmNvlinkTx = 61;

}  // namespace ridgeline::telemetry::nvml
