// Where results about this machine are kept between runs.
#pragma once

#include <string>

#include "base/error.hpp"

namespace ridgeline {

/// $XDG_CACHE_HOME/ridgeline, else ~/.cache/ridgeline; not made. An environment error without HOME.
Result<std::string> cache_folder();

}  // namespace ridgeline
