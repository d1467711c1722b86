// Keeps the data of very large reports small enough to load at once.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "base/json.hpp"

namespace ridgeline::report {

/// A record as a report has it: without its machine, the operations of its cost, and what each
/// invocation logged and read of the machine's state.
Json slim_record(const Json& record);

/// Leaves out details of all cases, the least useful first, until the payload takes about
/// `most_bytes` as text or nothing is left to leave out; a note in the payload names them.
void trim_payload(Json& payload, std::size_t most_bytes);

/// About how many bytes the payload takes as text, from some of its cases.
std::size_t payload_bytes(const Json& payload);

}  // namespace ridgeline::report
