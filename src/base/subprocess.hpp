// Starts, ends and reaps a program that leads a process group of its own. Linux.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/descriptor.hpp"
#include "base/error.hpp"

namespace ridgeline {

/// What to start, and with what.
struct SpawnOptions {
  std::vector<std::string> argv;  ///< argv[0] without a slash is looked up in PATH
  std::vector<std::pair<std::string, std::string>> environment;  ///< added to ours, or replacing
  /// {descriptor of ours, its number in the program}; every other one above 2 is closed there.
  std::vector<std::pair<int, int>> descriptors;
  std::vector<int> cores;  ///< CPUs it may run on; empty: as we do
};

/// How a program ended.
struct ExitInfo {
  bool signaled = false;     ///< by signal `code`; else it exited with status `code`
  int code = 0;              ///< -1: unknown (somebody else reaped it)
  bool ended_by_us = false;  ///< end() found it running
  bool out_of_memory =
      false;  ///< killed by a signal not ours while the kernel's count of OOM kills rose
  /// Largest resident set of the program or of a child it waited for, in bytes (ru_maxrss). Linux
  /// counts our own size at the fork in, so a program smaller than the coordinator shows that size.
  std::int64_t peak_resident_bytes = 0;
  std::int64_t user_ns = 0;    ///< CPU time in user mode
  std::int64_t system_ns = 0;  ///< CPU time in the kernel

  bool clean() const { return !signaled && code == 0; }
  /// "exited with status 3", "killed by signal 9 (SIGKILL), perhaps for lack of memory".
  std::string describe() const;
};

/// A running program. stdin is /dev/null; stdout and stderr share the pipe output().
///
/// The program gets SIGKILL when the *thread* that called start() ends (PR_SET_PDEATHSIG follows
/// threads, not processes): start programs from a thread that outlives them, best the main one.
/// Its descendants are not covered by that, but end() and the destructor kill the whole group.
class Subprocess {
 public:
  /// Fails as environment error when the program cannot be executed ("cannot start x: No such file
  /// or directory"): on success it has been.
  static Result<Subprocess> start(const SpawnOptions& options);

  Subprocess(const Subprocess&) = delete;
  Subprocess& operator=(const Subprocess&) = delete;
  Subprocess(Subprocess&& other) noexcept;
  Subprocess& operator=(Subprocess&&) = delete;
  /// Kills the group at once and reaps the leader.
  ~Subprocess();

  pid_t pid() const { return pid_; }
  /// Read end of the pipe with stdout and stderr; does not block.
  int output() const { return output_.get(); }
  /// Readable when the leader has exited; -1 on kernels without pidfd (before 5.3).
  int exit_descriptor() const { return pidfd_.get(); }
  /// True when the leader is no longer running; it stays a zombie until end().
  bool has_exited() const;
  /// Waits for the leader's exit without reading output(); true when it has exited.
  bool wait_for_exit(std::chrono::nanoseconds limit) const;

  /// Ends the group: SIGTERM, up to `grace` for the leader to go, SIGKILL to all that is left; then
  /// reaps the leader. A leader that has exited by itself only loses its descendants.
  const ExitInfo& end(std::chrono::nanoseconds grace);
  /// Set once end() was called.
  const std::optional<ExitInfo>& exit_info() const { return exit_; }

 private:
  Subprocess(pid_t pid, Descriptor output);

  pid_t pid_ = -1;
  Descriptor output_;
  Descriptor pidfd_;
  std::optional<std::int64_t> oom_kills_;
  std::optional<ExitInfo> exit_;
};

/// "SIGSEGV" for 11; "signal 77" where there is no name.
std::string signal_name(int signal);

}  // namespace ridgeline
