// Streams, events and memory of an accelerator by c10.
#include "engines/native/device/accelerator.hpp"

#include <c10/core/CachingDeviceAllocator.h>
#include <c10/core/Event.h>
#include <c10/core/Stream.h>
#include <c10/core/impl/VirtualGuardImpl.h>
#include <c10/util/Exception.h>
#include <fmt/format.h>

#include <cmath>

#include "engines/native/device/cuda/library.hpp"

namespace ridgeline::native {
namespace {

class EventClock final : public SpanClock {
 public:
  explicit EventClock(c10::Device device)
      : guard_(device.type()),
        device_(device),
        begin_(device.type(), c10::EventFlag::BACKEND_DEFAULT),
        end_(device.type(), c10::EventFlag::BACKEND_DEFAULT) {
    // Events are made when they are first recorded: here, and not within a timed call.
    begin();
    end();
  }

  void begin() override { begin_.record(guard_.getStream(device_)); }
  void end() override { end_.record(guard_.getStream(device_)); }
  std::int64_t ns() override {
    constexpr double kNsPerMillisecond = 1e6;
    return std::llround(begin_.elapsedTime(end_) * kNsPerMillisecond);
  }

 private:
  c10::impl::VirtualGuardImpl guard_;
  c10::Device device_;
  c10::Event begin_;
  c10::Event end_;
};

class AcceleratorBackend final : public DeviceBackend {
 public:
  explicit AcceleratorBackend(c10::Device device) : guard_(device.type()), device_(device) {}

  Status use_stream(StreamPriority priority) override {
    guard_.synchronizeDevice(device_.index());
    guard_.exchangeStream(
        guard_.getStreamFromGlobalPool(device_, priority == StreamPriority::kHigh));
    return {};
  }

  void wait() override { guard_.getStream(device_).synchronize(); }

  std::unique_ptr<SpanClock> clock() override { return std::make_unique<EventClock>(device_); }

  Result<std::unique_ptr<GraphRecorder>> graph_recorder() override {
    RIDGELINE_TRY(const cuda::Library* const library, cuda::library());
    try {
      return library->make_recorder(device_.index());
    } catch (const c10::Error& error) {
      // Allocators other than torch's usual one (PYTORCH_ALLOC_CONF) have no pools.
      const std::string text = error.what_without_backtrace();
      return unsupported(
          fmt::format("no pool for recordings: {}", text.substr(0, text.find('\n'))));
    }
  }

  std::optional<DeviceMemory> memory() override {
    const auto stats = allocator().getDeviceStats(device_.index());
    // Sums over all pools stand first.
    const auto& allocated = stats.allocated_bytes.front();
    const auto& reserved = stats.reserved_bytes.front();
    const auto [free, total] = allocator().getMemoryInfo(device_.index());
    return DeviceMemory{allocated.current,
                        reserved.current,
                        allocated.peak,
                        reserved.peak,
                        static_cast<std::int64_t>(total - free),
                        static_cast<std::int64_t>(total)};
  }

  void reset_peak() override { allocator().resetPeakStats(device_.index()); }
  void release_unused() override { allocator().emptyCache(); }

 private:
  c10::DeviceAllocator& allocator() const { return *c10::getDeviceAllocator(device_.type()); }

  c10::impl::VirtualGuardImpl guard_;
  c10::Device device_;
};

}  // namespace

std::unique_ptr<DeviceBackend> accelerator_backend(c10::Device device) {
  return std::make_unique<AcceleratorBackend>(device);
}

}  // namespace ridgeline::native
