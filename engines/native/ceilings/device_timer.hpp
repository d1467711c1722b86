// How long work takes on a device: by its own events, else by the host's clock.
#pragma once

#include <c10/core/Device.h>
#include <c10/core/Event.h>
#include <c10/core/Stream.h>

#include <cstdint>
#include <functional>
#include <optional>

namespace ridgeline::native::ceilings {

/// Times work that is handed over to the current stream of a device, several calls at a time, so
/// that the gaps between launches vanish. On the CPU a call is the work.
class DeviceTimer {
 public:
  explicit DeviceTimer(c10::Device device);

  /// Seconds for one of `calls` calls of `work` made back to back.
  double time(std::int64_t calls, const std::function<void()>& work);

  /// Calls that take about `target` seconds together, found by trying; at least one.
  std::int64_t calls_for(double target, const std::function<void()>& work);

  /// Waits for the stream.
  void wait() const;

  const c10::Stream& stream() const { return *stream_; }  ///< not of the CPU
  /// Something to say about the clock; empty when it is the usual one.
  const char* note() const;

 private:
  double time_by_host(std::int64_t calls, const std::function<void()>& work) const;

  std::optional<c10::Stream> stream_;
  std::optional<c10::Event> begin_;
  std::optional<c10::Event> end_;
};

}  // namespace ridgeline::native::ceilings
