// The source behind open_nvml, with the clock that tests replace.
#pragma once

#include <memory>

#include "telemetry/nvml/gpm.hpp"
#include "telemetry/source.hpp"
#include "telemetry/sources.hpp"

namespace ridgeline::telemetry::nvml {

/// As open_nvml; every time stamp and the pace of GPM come from `clock`.
std::unique_ptr<Source> open_source(const Environment& environment, const Clock& clock);

}  // namespace ridgeline::telemetry::nvml
