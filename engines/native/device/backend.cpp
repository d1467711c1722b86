// The CPU as a device, and which backend a device has.
#include "engines/native/device/backend.hpp"

#include <map>

#include "engines/native/device/accelerator.hpp"

namespace ridgeline::native {
namespace {

class NoClock final : public SpanClock {
 public:
  void begin() override {}
  void end() override {}
  std::int64_t ns() override { return -1; }
};

class HostBackend final : public DeviceBackend {
 public:
  Status use_stream(StreamPriority) override { return unsupported("the CPU has no streams"); }
  void wait() override {}
  std::unique_ptr<SpanClock> clock() override { return std::make_unique<NoClock>(); }
  Result<std::unique_ptr<GraphRecorder>> graph_recorder() override {
    return unsupported("only CUDA devices record work");
  }
  std::optional<DeviceMemory> memory() override { return std::nullopt; }
  void reset_peak() override {}
  void release_unused() override {}
};

}  // namespace

DeviceBackend& backend_of(c10::Device device) {
  // Never destroyed: torch takes its devices down by itself at the end of the process.
  static auto* const host = new HostBackend();
  static auto* const devices = new std::map<c10::DeviceIndex, std::unique_ptr<DeviceBackend>>();
  if (!device.is_cuda()) return *host;
  auto& backend = (*devices)[device.index()];
  if (!backend) backend = accelerator_backend(device);
  return *backend;
}

}  // namespace ridgeline::native
