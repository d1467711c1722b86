// Several runs of the same cases as one: what was measured a little at a time, in turns with
// something else.
#pragma once

#include <vector>

#include "base/json.hpp"

namespace ridgeline::analysis {

/// The cases of all runs, in the order in which they first appear. A case that several runs have
/// (equal `id`) becomes one record: the last one, with the invocations of all, numbered on, the
/// energy trials of all, every flag once, and the first outcome that is not ok. Intervals of its
/// metrics are those of one run, so they are taken out.
std::vector<Json> pool_runs(const std::vector<std::vector<Json>>& runs);

}  // namespace ridgeline::analysis
