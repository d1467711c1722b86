// Two independent pieces of work of one call, side by side on an accelerator.
#pragma once

#include <ATen/core/Tensor.h>
#include <c10/core/Device.h>
#include <c10/core/Event.h>
#include <c10/core/Stream.h>

#include <functional>
#include <initializer_list>
#include <optional>

namespace ridgeline::native {

/// A second stream beside the current one. The fork and the join are events, so a graph that is
/// recorded from the current stream holds both branches. On devices without streams all runs in
/// order.
class SideStream {
 public:
  explicit SideStream(c10::Device device);

  /// Hands `work` over to the second stream, behind what the current stream holds now.
  void fork(const std::function<void()>& work);

  /// The current stream waits for it. `results` are tensors of that work which are used from now
  /// on: their memory is not given to other work of the second stream before the current stream is
  /// done with them.
  void join(std::initializer_list<at::Tensor> results);

  /// False where there is one stream only.
  bool is_parallel() const { return stream_.has_value(); }

 private:
  c10::Device device_;
  std::optional<c10::Stream> stream_;
  std::optional<c10::Event> forked_, joined_;
};

}  // namespace ridgeline::native
