// Power at rest and under the load of a probe, for `ridgeline peaks`.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "base/interrupt.hpp"
#include "base/json.hpp"
#include "machine/ceilings.hpp"
#include "measure/instruments.hpp"

namespace ridgeline::study {

/// idle_power() of every meter there is, before any worker runs; an empty object without meters.
Result<Json> measure_idle(const measure::Instruments& instruments, const Interrupt* interrupt);

/// The part of it that is the device's ("" for the CPU): the sum of its primary meters, or why
/// there is none.
machine::IdlePower idle_power_of(const measure::Instruments& instruments,
                                 const std::string& pci_address, const Json& idle);

/// Whether the power under this probe's load is worth its seconds: reading memory with all threads,
/// and matrix products.
bool has_power(const machine::Ceiling& ceiling);

/// What reads power while a probe runs.
struct PowerReading {
  std::vector<measure::CalibratedMeter> meters;  ///< of the device; without a primary one: nothing
  double window = 0;                             ///< s that the meters need

  /// Of the meters of one device ("" for the CPU).
  static PowerReading of(const measure::Instruments& instruments, const std::string& pci_address);
  /// s that a probe must run to be read: the window, and kLeadSeconds of coming to it.
  double probe_seconds() const { return window + 2 * kLeadSeconds; }
  /// W over the window, read from kLeadSeconds after now on; nothing when a meter did not say.
  /// Interrupted: an error of that class.
  Result<std::optional<double>> read(const Interrupt* interrupt) const;

  static constexpr double kLeadSeconds = 0.75;
};

}  // namespace ridgeline::study
