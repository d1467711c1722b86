// Power at rest for `ridgeline peaks`.
#pragma once

#include <string>

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

}  // namespace ridgeline::study
