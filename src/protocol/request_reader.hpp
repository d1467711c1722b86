// The worker's second thread: reads requests, keeps the stop flag, sends heartbeats.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>

#include "base/descriptor.hpp"
#include "base/json.hpp"
#include "protocol/line_buffer.hpp"
#include "protocol/worker.hpp"

namespace ridgeline::protocol {

/// A request that waits for the main thread.
struct QueuedRequest {
  std::string message;
  std::int64_t id = kNoId;
  std::shared_ptr<const Json> fields;
};

/// Owns the reader thread and both descriptors' traffic (not the descriptors).
class RequestReader {
 public:
  RequestReader(Engine& engine, const ServeOptions& options);
  RequestReader(const RequestReader&) = delete;
  RequestReader& operator=(const RequestReader&) = delete;
  ~RequestReader();

  /// Waits for the next request; from here to answer() heartbeats are sent for it.
  QueuedRequest next();
  /// Sends the reply to the request under way and ends its heartbeats.
  void answer(std::string_view line);
  /// Sends any other line.
  void send(std::string_view line);

  Progress& progress() { return progress_; }
  /// Set by "stop"; cleared when a new "run" arrives, so that a stop sent right behind it holds.
  const std::atomic<bool>& stop_flag() const { return stop_; }

 private:
  void read_loop();
  void read_some();
  void take_line(std::string_view line);
  void enqueue(QueuedRequest request);
  void coordinator_gone();
  void begin_beats(std::int64_t id);
  void beat(std::int64_t now);
  void wake();
  void write_locked(std::string_view line);

  Engine& engine_;
  const ServeOptions options_;
  LineBuffer lines_;
  Progress progress_;
  std::atomic<bool> stop_{false};
  Descriptor wake_;  // eventfd: look at finished_ and at the next beat
  std::atomic<bool> finished_{false};

  std::mutex queue_mutex_;
  std::condition_variable queue_filled_;
  std::deque<QueuedRequest> queue_;
  bool quit_seen_ = false;  // the reader thread's
  bool closed_ = false;     // the reader thread's

  std::mutex write_mutex_;
  std::int64_t current_id_ = kNoId;  // under write_mutex_: no heartbeat after its reply
  std::int64_t next_beat_ns_ = 0;    // under write_mutex_

  std::thread thread_;
};

}  // namespace ridgeline::protocol
