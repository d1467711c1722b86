// A request to stop everything (Ctrl-C) that also wakes a thread that sleeps in poll().
#pragma once

#include <atomic>
#include <cstdint>

#include "base/descriptor.hpp"

namespace ridgeline {

/// Set once, seen by all: a flag to ask for and a descriptor to poll, which stays readable from
/// then on.
class Interrupt {
 public:
  Interrupt();

  /// Safe in a signal handler and from every thread.
  void set() noexcept;
  bool is_set() const noexcept { return flag_.load(std::memory_order_relaxed); }
  /// Readable once set; -1 when the system gave none (then only is_set() tells).
  int descriptor() const noexcept { return event_.get(); }

 private:
  std::atomic<bool> flag_{false};
  Descriptor event_;
};

/// Sleeps `ns`; false as soon as the interrupt is set, which may be null.
bool sleep_unless(const Interrupt* interrupt, std::int64_t ns);

/// SIGINT and SIGTERM set `interrupt`, which must live until the program ends. The second signal of
/// a kind has its usual effect: who presses Ctrl-C twice is not kept waiting (workers die with us).
void interrupt_on_signals(Interrupt& interrupt);

}  // namespace ridgeline
