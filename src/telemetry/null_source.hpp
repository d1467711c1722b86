// The source that reads nothing and says why: what a machine without sensors has.
#pragma once

#include <memory>
#include <string>

#include "telemetry/source.hpp"

namespace ridgeline::telemetry {

/// Why `quantity` is not measured here. Only looks whether the kernel shows energy counters, power
/// sensors or memory-controller counters below `root`; reads none of them.
Absence absent_metrics_reason(Quantity quantity, const std::string& root = "/");

/// No domains; one absence for each quantity, found when it is made.
std::unique_ptr<Source> null_source(const std::string& root = "/");

}  // namespace ridgeline::telemetry
