// What a piece of work allocates, counted by the allocator itself.
#pragma once

#include <c10/core/Allocator.h>
#include <c10/util/ThreadLocalDebugInfo.h>

#include <cstdint>
#include <functional>

namespace ridgeline::native {

struct MemoryUse {
  std::int64_t peak_bytes = 0;  ///< largest sum of live allocations above the level at the start
  std::int64_t kept_bytes = 0;  ///< still allocated at the end, outputs included
};

/// Runs `work` while counting what torch's allocators hand out to this thread. Costs time in each
/// allocation: for a memory pass, never for a timed one.
MemoryUse measure_memory(const std::function<void()>& work);

/// Resident bytes of this process now and at most since its start; 0 where /proc does not say.
std::int64_t resident_bytes();
std::int64_t peak_resident_bytes();

}  // namespace ridgeline::native
