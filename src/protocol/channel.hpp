// The coordinator's ends of one worker: its process, its two pipes, its log. No protocol in here.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/descriptor.hpp"
#include "base/error.hpp"
#include "base/interrupt.hpp"
#include "base/subprocess.hpp"
#include "protocol/capped_log.hpp"
#include "protocol/line_buffer.hpp"

namespace ridgeline::protocol {

/// What to start and where its log goes.
struct WorkerCommand {
  std::vector<std::string> argv;
  std::vector<std::pair<std::string, std::string>> environment = {};  ///< added or replacing
  std::vector<int> cores = {};  ///< CPUs the worker is bound to; empty: all of ours
  std::string log_path = {};    ///< empty: only the last lines are kept, in memory
};

/// Why Channel::wait() returned.
enum class Wake {
  kLine,       ///< line() is a whole line
  kDeadline,   ///< the time is over
  kClosed,     ///< no reply can come any more: a pipe is closed or the process has exited
  kOverlong,   ///< a line above kMaxLine
  kInterrupt,  ///< the interrupt is set (only when asked for)
  kStop,       ///< wake_for_stop() was called
};

/// One thread uses it, except for wake_for_stop().
class Channel {
 public:
  static Result<Channel> open(const WorkerCommand& command);

  /// Hands a line over; it is written by wait() as the worker reads.
  void send(std::string_view line);
  /// Sleeps until something in Wake happens; drains the log meanwhile. `deadline_ns` is a time of
  /// now_ns(). Lines that came before the end of the worker are given first.
  Wake wait(std::int64_t deadline_ns, const Interrupt* interrupt);
  std::string_view line() const { return line_; }
  /// The unfinished line at the end of the replies.
  std::string_view partial_line() const { return lines_.partial(); }
  /// Makes wait() return kStop, now or when it is next called. Any thread.
  void wake_for_stop();
  void forget_stop();

  /// Waits for the exit and drains the log meanwhile; true when the leader has exited.
  bool wait_for_exit(std::chrono::nanoseconds limit);
  /// Ends the group, reaps, drains what is left of the log and finishes it.
  const ExitInfo& end(std::chrono::nanoseconds grace);
  const std::optional<ExitInfo>& exit_info() const { return process_.exit_info(); }

  pid_t pid() const { return process_.pid(); }
  const CappedLog& log() const { return log_; }

 private:
  Channel(Subprocess process, Descriptor requests, Descriptor replies, CappedLog log);

  struct Ready {
    bool interrupt = false;
    bool stop = false;
  };
  Ready poll_once(std::int64_t deadline_ns, const Interrupt* interrupt);
  bool next_line();
  void write_requests();
  void read_replies();
  bool drain_log();

  Subprocess process_;
  Descriptor requests_;
  Descriptor replies_;
  Descriptor wake_;
  CappedLog log_;
  LineBuffer lines_;
  std::string_view line_;
  std::string outgoing_;
  std::size_t sent_ = 0;
  bool exited_ = false;
  bool log_closed_ = false;
};

}  // namespace ridgeline::protocol
