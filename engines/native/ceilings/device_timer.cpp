// Events through the interface that every accelerator of torch offers.
#include "engines/native/ceilings/device_timer.hpp"

#include <c10/core/impl/VirtualGuardImpl.h>
#include <c10/util/Exception.h>

#include <algorithm>

#include "base/clock.hpp"

namespace ridgeline::native::ceilings {
namespace {

constexpr std::int64_t kMostCalls = 100'000;

}  // namespace

DeviceTimer::DeviceTimer(c10::Device device) {
  if (device.is_cpu()) return;
  stream_ = c10::impl::VirtualGuardImpl(device.type()).getStream(device);
  try {
    // Events with timing; the plain ones have none.
    begin_.emplace(device.type(), c10::EventFlag::BACKEND_DEFAULT);
    end_.emplace(device.type(), c10::EventFlag::BACKEND_DEFAULT);
    begin_->record(*stream_);
    end_->record(*stream_);
    end_->synchronize();
    (void)begin_->elapsedTime(*end_);
  } catch (const c10::Error&) {
    begin_.reset();
    end_.reset();
  }
}

double DeviceTimer::time(std::int64_t calls, const std::function<void()>& work) {
  if (!begin_) return time_by_host(calls, work);
  begin_->record(*stream_);
  for (std::int64_t call = 0; call < calls; ++call) work();
  end_->record(*stream_);
  end_->synchronize();
  const double milliseconds = begin_->elapsedTime(*end_);
  return std::max(milliseconds, 1e-6) * 1e-3 / static_cast<double>(calls);
}

double DeviceTimer::time_by_host(std::int64_t calls, const std::function<void()>& work) const {
  wait();
  const std::int64_t begin = now_ns();
  for (std::int64_t call = 0; call < calls; ++call) work();
  wait();
  const std::int64_t took = std::max<std::int64_t>(now_ns() - begin, 1);
  return static_cast<double>(took) / static_cast<double>(kNsPerSecond) / static_cast<double>(calls);
}

std::int64_t DeviceTimer::calls_for(double target, const std::function<void()>& work) {
  std::int64_t calls = 1;
  for (;;) {
    const double took = time(calls, work) * static_cast<double>(calls);
    if (took >= target / 2 || calls >= kMostCalls) {
      const double wanted = target / took * static_cast<double>(calls);
      return std::clamp<std::int64_t>(static_cast<std::int64_t>(wanted), 1, kMostCalls);
    }
    calls = std::min(kMostCalls, calls * 4);
  }
}

void DeviceTimer::wait() const {
  if (stream_) stream_->synchronize();
}

const char* DeviceTimer::note() const {
  return stream_ && !begin_ ? "timed by the host's clock: this device has no events" : "";
}

}  // namespace ridgeline::native::ceilings
