// Interrupt: an atomic flag beside an eventfd, and the signal handlers that set it.
#include "base/interrupt.hpp"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdint>

#include "base/clock.hpp"

namespace ridgeline {
namespace {

// A signal handler has no argument of ours, so this one pointer has to be global.
std::atomic<Interrupt*> signal_target{nullptr};

extern "C" void set_interrupt(int) {
  Interrupt* target = signal_target.load();
  if (target != nullptr) target->set();
}

}  // namespace

Interrupt::Interrupt() : event_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}

void Interrupt::set() noexcept {
  const int saved = errno;
  flag_.store(true, std::memory_order_relaxed);
  const std::uint64_t one = 1;
  // A full counter (EAGAIN) is as readable as we need it.
  [[maybe_unused]] const ssize_t put = ::write(event_.get(), &one, sizeof one);
  errno = saved;
}

bool sleep_unless(const Interrupt* interrupt, std::int64_t ns) {
  constexpr std::int64_t kNsPerMs = 1'000'000;
  constexpr std::int64_t kLongestPoll = 1000;  // ms
  const std::int64_t end = now_ns() + ns;
  for (std::int64_t left = ns; left > 0; left = end - now_ns()) {
    if (interrupt != nullptr && interrupt->is_set()) return false;
    pollfd wake{interrupt == nullptr ? -1 : interrupt->descriptor(), POLLIN, 0};
    const std::int64_t ms = std::min(kLongestPoll, (left + kNsPerMs - 1) / kNsPerMs);
    ::poll(&wake, 1, static_cast<int>(ms));
  }
  return interrupt == nullptr || !interrupt->is_set();
}

void interrupt_on_signals(Interrupt& interrupt) {
  signal_target.store(&interrupt);
  struct sigaction action{};
  action.sa_handler = set_interrupt;
  action.sa_flags = static_cast<int>(SA_RESETHAND);
  ::sigemptyset(&action.sa_mask);
  ::sigaction(SIGINT, &action, nullptr);
  ::sigaction(SIGTERM, &action, nullptr);
}

}  // namespace ridgeline
