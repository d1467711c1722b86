// Where threads wait for each other without sleeping.
#pragma once

#include <atomic>
#include <cstdint>

namespace ridgeline {

/// A point that threads pass together, again and again, within nanoseconds when each has a CPU.
class SpinBarrier {
 public:
  /// Returns when `threads` threads have called it, all with the same number; what each did before
  /// is seen by all after.
  void wait(int threads);

 private:
  alignas(64) std::atomic<int> arrived_{0};
  alignas(64) std::atomic<std::uint32_t> generation_{0};
};

}  // namespace ridgeline
