// Power at rest and under the load of a probe, for `ridgeline peaks`.
#pragma once

#include <functional>
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

/// Reads power while a probe runs.
struct PowerReading {
  std::vector<measure::CalibratedMeter> meters;  ///< of the device; without a primary one: nothing
  double window = 0;                             ///< s that the meters need

  /// Of the meters of one device ("" for the CPU).
  static PowerReading of(const measure::Instruments& instruments, const std::string& pci_address);
  /// s of steady load that a probe must end in: the window, and what counters and clocks need to
  /// come to it.
  double steady_seconds() const { return window + kLeadSeconds; }
  /// The answer of `work`, and W over the window before its end; none when a meter did not say.
  Result<Json> during(const std::function<Result<Json>()>& work,
                      std::optional<double>& watts) const;

  static constexpr double kLeadSeconds = 0.75;
};

}  // namespace ridgeline::study
