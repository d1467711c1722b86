// How this program was built.
#pragma once

#include "base/json.hpp"

namespace ridgeline {

/// {"version","compiler","optimized"} of the coordinator.
Json build_info();

}  // namespace ridgeline
