// What is read through nvmlDeviceGetFieldValues: which field gives which domain.
#pragma once

#include <cstdint>
#include <span>

#include "telemetry/nvml/library.hpp"
#include "telemetry/source.hpp"

namespace ridgeline::telemetry::nvml {

/// A domain that one field gives, or its stand-in where drivers number it otherwise.
struct FieldRow {
  std::uint32_t field;
  std::uint32_t scope_id;  ///< kScopeGpu, …; 0 where the field has none
  Kind kind;
  const char* id;     ///< without the device: "power.instant"
  const char* scope;  ///< Domain::scope
  double scale;       ///< to the SI unit
  double resolution;
  bool zero_is_nothing;  ///< a zero is no reading: no memory draws 0 W
  const char* note;
};

/// The energy counter: the first field that answers gives the domain "energy".
std::span<const FieldRow> energy_rows();

/// Power by scope, and the temperature of the memory. Each that answers is a domain.
std::span<const FieldRow> sampled_rows();

/// Time spent below the clock that was asked for, by cause; numbers common to all drivers.
std::span<const FieldRow> throttle_rows();

/// Three more causes that drivers number in two ways; at most one of the two lists holds.
std::span<const FieldRow> thermal_rows();
std::span<const FieldRow> thermal_rows_of_575();

/// The number in an answer, unscaled; NaN when there is none.
double number_of(const FieldValue& value);

/// A type of 64 bits. A counter of nanoseconds fits in no less: 32 bits are full after 4.3 s.
bool is_wide(ValueType type);

/// Asks for every row in one call, or one by one where the driver refuses that. The status of each
/// answer is set in any case.
void ask(const Library& library, DeviceHandle device, std::span<FieldValue> values);

}  // namespace ridgeline::telemetry::nvml
