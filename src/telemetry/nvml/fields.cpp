// Tables of NVML's fields and the reading of their answers.
#include "telemetry/nvml/fields.hpp"

#include <cmath>
#include <limits>

namespace ridgeline::telemetry::nvml {
namespace {

constexpr double kMilli = 1e-3;
constexpr double kNano = 1e-9;

constexpr const char* kAnyCause = "any cause, so not to be added to the others";

// Field 191 is documented to be the same value as 83.
constexpr FieldRow kEnergyRows[] = {
    {kFieldTotalEnergy, 0, Kind::kEnergy, "energy", "board", kMilli, kMilli, false, ""},
    {kFieldEnergy, 0, Kind::kEnergy, "energy", "board", kMilli, kMilli, false, ""},
};

// Which power the energy counter sums up: on a card, the scope "GPU" of the power fields is the
// whole board (the header calls it the GPU's power, and nvidia-smi shows it as "power draw"), so
// both bear the scope "board" and may be compared. The scope "module" adds an NVIDIA CPU (Grace);
// "memory" is a part of the board.
constexpr FieldRow kSampledRows[] = {
    {kFieldPowerInstant, kScopeGpu, Kind::kPower, "power.instant", "board", kMilli, kMilli, true,
     ""},
    {kFieldPowerAverage, kScopeGpu, Kind::kPower, "power.average", "board", kMilli, kMilli, true,
     "averaged over 1 s"},
    {kFieldPowerInstant, kScopeModule, Kind::kPower, "power.instant.module", "module", kMilli,
     kMilli, true, "GPU, CPU and memory of the module"},
    {kFieldPowerAverage, kScopeModule, Kind::kPower, "power.average.module", "module", kMilli,
     kMilli, true, "GPU, CPU and memory of the module, averaged over 1 s"},
    {kFieldPowerInstant, kScopeMemory, Kind::kPower, "power.memory.instant", "memory", kMilli,
     kMilli, true, "part of the board's power"},
    {kFieldPowerAverage, kScopeMemory, Kind::kPower, "power.memory", "memory", kMilli, kMilli, true,
     "part of the board's power, averaged over 1 s"},
    {kFieldMemoryTemperature, 0, Kind::kTemperature, "temperature.memory", "memory", 1, 1, true,
     ""},
};

constexpr FieldRow kThrottleRows[] = {
    {kFieldPolicyPower, 0, Kind::kThrottleTime, "throttle.sw_power_cap", "sw_power_cap", kNano,
     kNano, false, ""},
    {kFieldPolicyThermal, 0, Kind::kThrottleTime, "throttle.thermal", "thermal", kNano, kNano,
     false, "older counter of thermal limits"},
    {kFieldPolicySyncBoost, 0, Kind::kThrottleTime, "throttle.sync_boost", "sync_boost", kNano,
     kNano, false, ""},
    {kFieldPolicyBoardLimit, 0, Kind::kThrottleTime, "throttle.board_limit", "board_limit", kNano,
     kNano, false, ""},
    {kFieldPolicyLowUtilization, 0, Kind::kThrottleTime, "throttle.low_utilization",
     "low_utilization", kNano, kNano, false, ""},
    {kFieldPolicyReliability, 0, Kind::kThrottleTime, "throttle.reliability", "reliability", kNano,
     kNano, false, ""},
    {kFieldPolicyAppClocks, 0, Kind::kThrottleTime, "throttle.below_app_clocks", "below_app_clocks",
     kNano, kNano, false, kAnyCause},
    {kFieldPolicyBaseClocks, 0, Kind::kThrottleTime, "throttle.below_base_clocks",
     "below_base_clocks", kNano, kNano, false, kAnyCause},
};

constexpr FieldRow thermal_row(std::uint32_t field, const char* id, const char* scope) {
  return {field, 0, Kind::kThrottleTime, id, scope, kNano, kNano, false, ""};
}

constexpr FieldRow kThermalRows[] = {
    thermal_row(kFieldSwThermal, "throttle.sw_thermal", "sw_thermal"),
    thermal_row(kFieldHwThermal, "throttle.hw_thermal", "hw_thermal"),
    thermal_row(kFieldHwPowerBrake, "throttle.hw_power_brake", "hw_power_brake"),
};

constexpr FieldRow kThermalRowsOf575[] = {
    thermal_row(kFieldSwThermalOf575, "throttle.sw_thermal", "sw_thermal"),
    thermal_row(kFieldHwThermalOf575, "throttle.hw_thermal", "hw_thermal"),
    thermal_row(kFieldHwPowerBrakeOf575, "throttle.hw_power_brake", "hw_power_brake"),
};

}  // namespace

std::span<const FieldRow> energy_rows() {
  return kEnergyRows;
}
std::span<const FieldRow> sampled_rows() {
  return kSampledRows;
}
std::span<const FieldRow> throttle_rows() {
  return kThrottleRows;
}
std::span<const FieldRow> thermal_rows() {
  return kThermalRows;
}
std::span<const FieldRow> thermal_rows_of_575() {
  return kThermalRowsOf575;
}

double number_of(const FieldValue& value) {
  if (value.status != Return::kSuccess) return std::numeric_limits<double>::quiet_NaN();
  switch (value.type) {
    case ValueType::kDouble:
      return value.value.d;
    case ValueType::kUnsignedInt:
      return value.value.ui;
    case ValueType::kUnsignedLong:
      return static_cast<double>(value.value.ul);
    case ValueType::kUnsignedLongLong:
      return static_cast<double>(value.value.ull);
    case ValueType::kSignedLongLong:
      return static_cast<double>(value.value.sll);
    case ValueType::kSignedInt:
      return value.value.si;
    case ValueType::kUnsignedShort:
      return value.value.us;
  }
  return std::numeric_limits<double>::quiet_NaN();
}

bool is_wide(ValueType type) {
  return type == ValueType::kDouble || type == ValueType::kUnsignedLongLong ||
         type == ValueType::kSignedLongLong ||
         (type == ValueType::kUnsignedLong && sizeof(unsigned long) == 8);
}

void ask(const Library& library, DeviceHandle device, std::span<FieldValue> values) {
  // What an older driver leaves untouched must not look like an answer.
  for (FieldValue& value : values) value.status = Return::kNotSupported;
  const Return all =
      call(library->field_values, device, static_cast<int>(values.size()), values.data());
  if (all == Return::kSuccess) return;
  for (FieldValue& value : values) {
    value.status = Return::kNotSupported;
    const Return one = call(library->field_values, device, 1, &value);
    if (one != Return::kSuccess) value.status = one;
  }
}

}  // namespace ridgeline::telemetry::nvml
