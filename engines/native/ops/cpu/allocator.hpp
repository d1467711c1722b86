// Memory of CPU tensors: freed blocks are kept for the next tensor of their size.
#pragma once

#include <cstdint>

namespace ridgeline::native::ops::cpu {

/// What tensors took from the system so far, and gave back.
struct SystemMemory {
  std::int64_t blocks_taken;
  std::int64_t bytes_taken;
  std::int64_t bytes_kept;  ///< freed by tensors, not given back
};

/// From now on, CPU tensors take their memory from blocks that earlier ones freed, where there are
/// some of that size: repeated work takes none from the system after its first call. Blocks of
/// 2 MiB and more lie on huge pages when `huge_pages`. Calling it again changes `huge_pages` only.
/// torch's reports of what tensors hold stay as they are.
void keep_freed_memory(bool huge_pages);

bool keeps_freed_memory();

/// All zero before keep_freed_memory().
SystemMemory system_memory();

/// Gives freed blocks back to the system.
void release_freed_memory();

/// Whether the system backs memory with huge pages where a process asks for them.
bool has_huge_pages();

}  // namespace ridgeline::native::ops::cpu
