// Read, write, copy and triad bandwidth of the CPU's caches and memory.
#pragma once

#include <cstdint>
#include <functional>

#include "base/error.hpp"
#include "engines/native/ceilings/host/ceiling.hpp"
#include "engines/native/ceilings/host/team.hpp"

namespace ridgeline::native::ceilings {

struct HostBandwidthRequest {
  Kind kind = Kind::kRead;  ///< kRead, kWrite, kCopy or kTriad
  std::int64_t bytes = 0;   ///< all arrays of all threads together
  Placement placement;
  double seconds = 0.5;
  std::function<void()> tick = [] {};  ///< called between repetitions: shows that work goes on
};

/// Fewest bytes that a thread's share of one array may have.
inline constexpr std::int64_t kLeastSliceBytes = 512;

/// The best repetition of the best way. Each thread owns a contiguous slice of each array, which it
/// touched first; where slices are larger than caches, threads that are done with theirs help the
/// others. A repetition lasts from the first thread's start to the last one's end, and goes over
/// small sets so often that it takes about a millisecond. Sums are checked.
Result<Ceiling> host_bandwidth(const HostBandwidthRequest& request);

}  // namespace ridgeline::native::ceilings
