// Spinning, and giving the CPU up when it takes too long.
#include "base/spin_barrier.hpp"

#include <thread>

namespace ridgeline {
namespace {

// Far longer than a wait between threads that all run; then a CPU is shared, and must be given up
// for the others to come.
constexpr int kSpinsBeforeYield = 1 << 14;

void relax() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield" ::: "memory");
#endif
}

}  // namespace

void SpinBarrier::wait(int threads) {
  const std::uint32_t generation = generation_.load(std::memory_order_relaxed);
  if (arrived_.fetch_add(1, std::memory_order_acq_rel) + 1 == threads) {
    arrived_.store(0, std::memory_order_relaxed);
    generation_.store(generation + 1, std::memory_order_release);
    return;
  }
  for (int spins = 0; generation_.load(std::memory_order_acquire) == generation; ++spins) {
    if (spins < kSpinsBeforeYield) {
      relax();
    } else {
      std::this_thread::yield();
    }
  }
}

}  // namespace ridgeline
