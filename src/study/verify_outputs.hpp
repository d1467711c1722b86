// What an engine says about the difference of one output, judged by the bound of its dtype.
#pragma once

#include <optional>
#include <vector>

#include "base/error.hpp"
#include "base/json.hpp"
#include "study/verify.hpp"
#include "study/verify_bounds.hpp"

namespace ridgeline::study {

/// An entry of the reply to `verify`, not judged yet; a malformed one is a protocol error.
Result<OutputCheck> output_from(const Json& entry);

/// The largest error of the peer's own short dtype in any output.
std::optional<double> largest_error(const std::vector<OutputCheck>& own);

/// Judges one output; `peer` is the same output of the peer's own short dtype, null in float32, and
/// `largest` its largest_error().
void judge(OutputCheck& check, const VerifyBound& row, const OutputCheck* peer,
           const std::optional<double>& largest);

Json to_json(const OutputCheck& check);

}  // namespace ridgeline::study
