// Suites: named lists of presets for `--suite`.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"

namespace ridgeline::catalog {

/// quick, text, vision, speech, multimodal, all.
std::span<const std::string_view> suite_names();

/// Names of the presets of a suite: `quick` is a list of its own, a modality has every preset of
/// its families, `all` has every preset. Unknown name: bad input. No preset yet: unsupported; both
/// list the suites that can be run.
Result<std::vector<std::string>> suite_presets(std::string_view suite);

}  // namespace ridgeline::catalog
