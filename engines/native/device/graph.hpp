// Work recorded once and handed over whole: what saves the host from launching every kernel anew.
#pragma once

#include <cstdint>
#include <memory>

namespace ridgeline::native {

/// Recorded work. It reads and writes the memory it was recorded with: whoever holds it keeps that
/// memory alive. All work must be done before it goes.
class Graph {
 public:
  virtual ~Graph() = default;
  /// Hands the work over to the current stream and returns at once. Throws c10::Error.
  virtual void replay() = 0;
};

/// Records what this thread hands to its current stream. What is allocated meanwhile comes from a
/// pool that all graphs of one recorder share: outputs that are held keep their place, all else may
/// be used again by the next graph, so that only one graph may run at a time. The pool lives as
/// long as the recorder and its graphs.
class GraphRecorder {
 public:
  virtual ~GraphRecorder() = default;
  /// From here on work is recorded and not run. Throws c10::Error, and then records nothing.
  virtual void begin() = 0;
  /// Ends the recording. Throws c10::Error when something in it cannot be recorded (the host waited
  /// for the device); the stream is usable again either way.
  virtual std::unique_ptr<Graph> end() = 0;
  /// Ends a recording that is of no use any more, without a trace.
  virtual void abandon() noexcept = 0;
  /// Bytes that the pool holds.
  virtual std::int64_t pool_bytes() const = 0;
};

}  // namespace ridgeline::native
