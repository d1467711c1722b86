// Two machines: whether they are alike enough to compare times, and what changed on them.
#pragma once

#include <vector>

#include "analysis/manifest.hpp"
#include "base/json.hpp"

namespace ridgeline::analysis {

/// Differences of the machines and programs of two records.
struct MachineLikeness {
  /// What makes it another machine: processor, cores, caches, allowed CPUs, memory, virtualization;
  /// of cases on an accelerator also its model, power limit, error correction, partition. Without
  /// a cause that is known, the fingerprint.
  std::vector<Unlike> unlike;
  /// What people compare, and what may be the reason of a difference: versions of Ridgeline, its
  /// build, the engine and its libraries, driver, kernel, distribution, and settings of the
  /// processor.
  std::vector<Unlike> changed;
};

/// Versions of engines are compared where both sides ran the same engine.
MachineLikeness compare_machines(const Json& base, const Json& now);

}  // namespace ridgeline::analysis
