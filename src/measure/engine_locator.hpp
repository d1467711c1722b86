// Where the engines' programs are.
#pragma once

#include <string>
#include <vector>

#include "base/error.hpp"

namespace ridgeline::measure {

/// The program of an engine: `ridgeline-engine-<name>` in the folder of this program, or `name`
/// itself when it is a path. Missing: an environment error that lists the engines that are there.
Result<std::string> locate_engine(const std::string& name);

/// Names of the engines beside this program, sorted.
std::vector<std::string> installed_engines();

}  // namespace ridgeline::measure
