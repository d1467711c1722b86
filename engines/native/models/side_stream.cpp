// Fork and join by events.
#include "engines/native/models/side_stream.hpp"

#include <c10/core/StreamGuard.h>
#include <c10/core/impl/VirtualGuardImpl.h>

namespace ridgeline::native {

SideStream::SideStream(c10::Device device) : device_(device) {
  if (device.is_cpu() || device.is_meta()) return;
  stream_ = c10::impl::VirtualGuardImpl(device.type())
                .getStreamFromGlobalPool(device, /*isHighPriority=*/false);
  forked_.emplace(device.type());
  joined_.emplace(device.type());
}

void SideStream::fork(const std::function<void()>& work) {
  if (!stream_) return work();
  const c10::impl::VirtualGuardImpl guard(device_.type());
  forked_->record(guard.getStream(device_));
  forked_->block(*stream_);
  const c10::StreamGuard aside(*stream_);
  work();
  joined_->record(*stream_);
}

void SideStream::join(std::initializer_list<at::Tensor> results) {
  if (!stream_) return;
  const c10::Stream current = c10::impl::VirtualGuardImpl(device_.type()).getStream(device_);
  joined_->block(current);
  for (const at::Tensor& result : results) result.record_stream(current);
}

}  // namespace ridgeline::native
