// What `ridgeline verify` prints.
#pragma once

#include <string>

#include "base/json.hpp"

namespace ridgeline::report {

/// The verdict with what it rests on: both engines, a row for each output (errors, bound, PASS or
/// FAIL), the tokens, notes. `verification` is ridgeline-verify/1 as study::to_json() writes it;
/// what is missing in it is shown as "–".
std::string verify_text(const Json& verification);

}  // namespace ridgeline::report
