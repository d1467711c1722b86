// The skeleton of an engine in C++: it speaks the protocol, times, answers; the engine does the
// work.
#pragma once

#include <chrono>
#include <cstdint>
#include <exception>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "base/json.hpp"
#include "protocol/messages.hpp"
#include "protocol/timed_loop.hpp"

namespace ridgeline::protocol {

/// A message as the engine sees it. Valid during the call.
struct Request {
  std::string_view message;
  std::int64_t id;
  const Json& fields;  ///< the whole object
  Progress& progress;  ///< tick it in long work (a tensor read, a shape compiled)
};

/// The fields of "run", checked.
struct RunRequest {
  std::int64_t id = kNoId;
  std::string phase;
  std::string pass = "time";  ///< time, energy, counters, trace
  Sync sync = Sync::kEach;
  LoopLimits until;
  std::string samples;  ///< path of the sample file
};

/// What an engine implements. Every function runs on the thread that called serve(), one at a time,
/// except on_stop(). An Error or an exception becomes an "error" reply and the worker goes on.
class Engine {
 public:
  virtual ~Engine() = default;

  /// The fields of the reply to hello: name, version, versions, devices, abilities, knobs. The
  /// skeleton adds protocol, pid and pgid.
  virtual Result<Json> hello(const Request& request) = 0;
  /// Every message but hello, run, stop and quit. The default answer to a message that the engine
  /// does not know is unknown_message().
  virtual Result<Json> handle(const Request& request) = 0;
  /// What to time for a run; stays the engine's and must live until the next call of the engine.
  virtual Result<Runnable*> runnable(const RunRequest& run) = 0;
  /// Called on the reader thread when "stop" arrives, before the loop is told. False ignores it
  /// (test equipment).
  virtual bool on_stop() noexcept { return true; }
  /// Called before "bye": lets devices and models go while everything still works.
  virtual void on_quit(const Request& /*request*/) {}
  /// What an exception means. The default: std::bad_alloc is oom.host, all else internal. Override
  /// it to read a framework's own (an allocator's out-of-memory with its bytes).
  virtual Error describe(const std::exception& exception);
};

/// The error for a message that an engine does not know.
Error unknown_message(std::string_view message);

struct ServeOptions {
  int requests = kRequestDescriptor;
  int replies = kReplyDescriptor;
  std::chrono::nanoseconds heartbeat = std::chrono::seconds(1);
  /// When requests end without "quit" the coordinator is gone: the process ends at once, with its
  /// group if it leads one. A test in its own process sets this to false.
  bool die_with_coordinator = true;
};

/// Answers requests until "quit"; returns the status to exit with. Call it early in main(): it
/// makes the two descriptors close at exec and stdout line-buffered, so that the log of a crash is
/// whole. A reader thread takes requests, sets the stop flag, sends heartbeats and ends the process
/// when the coordinator is gone, also while the main thread is stuck.
int serve(Engine& engine, const ServeOptions& options = {});

}  // namespace ridgeline::protocol
