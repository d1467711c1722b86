// The coordinator's side of the protocol: starts a worker, asks it, and never waits for ever.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "base/interrupt.hpp"
#include "base/json.hpp"
#include "base/subprocess.hpp"
#include "protocol/channel.hpp"

namespace ridgeline::protocol {

/// How long one request may take; zero means no such limit.
struct Deadlines {
  std::chrono::nanoseconds total{0};
  /// Longest time without a sign of work: "started", or a heartbeat whose `progress` moved. So a
  /// slow worker may take its time and a hung one may not, even if its heartbeats go on.
  std::chrono::nanoseconds no_progress{0};
};

/// What suits each message of a healthy worker on a slow machine. For "run" there is no total: add
/// the time that was asked for.
Deadlines usual_deadlines(std::string_view message);

/// Called on the thread of request(), between two polls; may call Worker::stop().
struct Events {
  /// The loop starts; CLOCK_MONOTONIC of the worker.
  std::function<void(std::int64_t ns)> on_started = {};
  /// About once a second while the worker is busy.
  std::function<void(std::int64_t progress)> on_progress = {};
};

/// A worker process. One thread uses it, except for stop().
///
/// The thread that calls start() must outlive the worker: the kernel ends the worker with it (see
/// Subprocess). Any error that leaves the conversation in doubt (a crash, a deadline, a line that
/// breaks the protocol) kills the worker with its group at once; errors that the worker itself
/// reports leave it alive. An Error's message tells how the worker ended and the last line of its
/// log.
class Worker {
 public:
  /// Starts the command and shakes hands. `interrupt`, when given, must outlive the worker.
  /// Errors: environment (cannot be started), crash, timeout, protocol (another version),
  /// interrupted.
  static Result<std::unique_ptr<Worker>> start(
      const WorkerCommand& command, const Interrupt* interrupt = nullptr,
      const Deadlines& deadlines = usual_deadlines("hello"));

  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;
  /// Kills what still runs and reaps it.
  ~Worker();

  /// Sends {"message":message,…fields} and returns the reply's object. Errors: those the worker
  /// reports, with their class; crash or oom.host (it died), timeout, protocol, interrupted.
  /// When the interrupt is set, a "run" is told to stop and has two seconds to answer, anything
  /// else is killed; the rows of the sample file stay either way.
  Result<Json> request(std::string_view message, const Json& fields, const Deadlines& deadlines,
                       const Events& events = {});

  /// Makes the "run" under way end early; without one it does nothing. Any thread.
  void stop();

  /// Asks the worker to quit, waits at most `limit` in all, kills it if need be. An error tells
  /// what was not as it should be; the worker is gone in every case and exit_info() is set.
  Status quit(std::chrono::nanoseconds limit = std::chrono::seconds(10));

  /// Kills the group now.
  void kill();

  /// False once the worker was ended or found dead.
  bool alive() const;
  /// The reply to hello.
  const Json& hello() const;
  /// The engine's name by its hello.
  const std::string& name() const;
  int pid() const;
  /// From before the fork to the reply to hello.
  std::int64_t spawn_ns() const;
  /// How it ended and its peak resident size; empty while it is alive.
  const std::optional<ExitInfo>& exit_info() const;
  /// The last line it printed, "" when none.
  std::string last_log_line() const;

 private:
  struct State;
  explicit Worker(std::unique_ptr<State> state);

  std::unique_ptr<State> state_;
};

}  // namespace ridgeline::protocol
