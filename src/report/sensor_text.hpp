// The sensors of a machine as text: what can be read, what cannot, and what would change that.
#pragma once

#include <string>

#include "base/json.hpp"

namespace ridgeline::report {

/// `sources` is a list of {name, domains, absences} as `machine --json` has them. A block for each
/// source, and in it one for all devices with the same domains; one line for each kind. Absences
/// with one reason share a line. Empty without sources.
std::string sensor_text(const Json& sources);

}  // namespace ridgeline::report
