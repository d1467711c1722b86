// What the engine asks of a device beyond tensors: a stream of its own, time by its own events,
// recorded work, and what its memory holds. A device that lacks one of them says so.
#pragma once

#include <c10/core/Device.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

#include "base/error.hpp"
#include "engines/native/device/graph.hpp"

namespace ridgeline::native {

enum class StreamPriority { kNormal, kHigh };

/// Bytes by torch's allocator for the device, and by its driver.
struct DeviceMemory {
  std::int64_t allocated = 0;       ///< in tensors
  std::int64_t reserved = 0;        ///< taken from the driver, tensors included
  std::int64_t peak_allocated = 0;  ///< since reset_peak()
  std::int64_t peak_reserved = 0;
  std::int64_t used = 0;  ///< of the whole device, other processes included
  std::int64_t total = 0;
};

/// Time between two points of the work on the current stream.
class SpanClock {
 public:
  virtual ~SpanClock() = default;
  /// Marks where the work that is handed over next begins, or where what was handed over ends.
  virtual void begin() = 0;
  virtual void end() = 0;
  /// From begin to end, in ns, once the work is done; -1 where the device has no clock.
  virtual std::int64_t ns() = 0;
};

class DeviceBackend {
 public:
  virtual ~DeviceBackend() = default;

  /// From now on this thread's work goes to a stream of torch's pool, behind all that was handed
  /// over before. kUnsupported where there are no streams.
  virtual Status use_stream(StreamPriority priority) = 0;
  /// Returns when all work on the current stream is done. On CUDA the host spins: that is the
  /// quickest way to know, and what torch.cuda.synchronize() does.
  virtual void wait() = 0;
  virtual std::unique_ptr<SpanClock> clock() = 0;
  /// The error says why work cannot be recorded here.
  virtual Result<std::unique_ptr<GraphRecorder>> graph_recorder() = 0;

  /// Nothing where memory is the host's.
  virtual std::optional<DeviceMemory> memory() = 0;
  virtual void reset_peak() = 0;
  /// Gives what the allocator keeps for later back to the device.
  virtual void release_unused() = 0;
};

/// The one of a device that open_device() gave; of the CPU and of meta tensors, which wait for
/// nothing, have no clock, and record nothing.
DeviceBackend& backend_of(c10::Device device);

}  // namespace ridgeline::native
