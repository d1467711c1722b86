// Accelerators as their driver's library describes them, and what was measured of a machine at
// best.
#pragma once

#include <string>

#include "base/json.hpp"

namespace ridgeline::report {

/// `devices` as telemetry writes DeviceState: one block each. Empty without devices.
std::string device_text(const Json& devices);

/// `ceilings` in the form ridgeline-peaks/1: the main figures of each set in a line or two. Without
/// any it names the command that measures them; empty for what is no object.
std::string ceiling_text(const Json& ceilings);

}  // namespace ridgeline::report
