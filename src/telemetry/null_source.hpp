// Why a kind is not measured here, and the source that reads nothing and says so.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "telemetry/source.hpp"

namespace ridgeline::telemetry {

/// Why none of the opened `sources` gave this kind: of all that they say, what helps most (see
/// rank_of). Without sources, the host's are opened below `root` only to ask them.
Absence absent_reason(Kind kind, const std::vector<std::unique_ptr<Source>>& sources,
                      const std::string& root = "/");

/// No domains; an absence for energy, power and traffic each, found when it is made.
std::unique_ptr<Source> null_source(const std::string& root = "/");

}  // namespace ridgeline::telemetry
