// What a piece of work allocates, counted by the allocator itself: for real, or on meta tensors.
#pragma once

#include <c10/core/Allocator.h>
#include <c10/util/ThreadLocalDebugInfo.h>

#include <cstdint>
#include <functional>
#include <memory>

namespace ridgeline::native {

struct MemoryUse {
  std::int64_t peak_bytes = 0;  ///< largest sum of live allocations above the level at the start
  std::int64_t kept_bytes = 0;  ///< still allocated at the end, outputs included
};

/// Runs `work` while counting what torch's allocators hand out to this thread. Costs time in each
/// allocation: for a memory pass, never for a timed one.
MemoryUse measure_memory(const std::function<void()>& work);

/// Counts the bytes that meta tensors of this thread would take, without any of them being there.
/// While one lives, torch's allocator of meta tensors is replaced by one that counts; the last one
/// to go puts it back. Threads do not see each other's, and tensors may outlive it. At most one a
/// thread.
class MetaMemory {
 public:
  MetaMemory();
  ~MetaMemory();
  MetaMemory(const MetaMemory&) = delete;
  MetaMemory& operator=(const MetaMemory&) = delete;

  /// As measure_memory(), for work on meta tensors.
  MemoryUse measure(const std::function<void()>& work);

  struct Level;

 private:
  std::shared_ptr<Level> level_;
};

/// Resident bytes of this process now and at most since its start; 0 where /proc does not say.
std::int64_t resident_bytes();
std::int64_t peak_resident_bytes();

}  // namespace ridgeline::native
