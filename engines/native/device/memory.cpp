// Counting allocations through torch's reporting hook.
#include "engines/native/device/memory.hpp"

#include <algorithm>
#include <mutex>
#include <string>

#include "base/file.hpp"

namespace ridgeline::native {
namespace {

class Counter final : public c10::MemoryReportingInfoBase {
 public:
  void reportMemoryUsage(void*, int64_t alloc_size, size_t, size_t, c10::Device) override {
    const std::lock_guard lock(mutex_);
    live_ += alloc_size;
    peak_ = std::max(peak_, live_);
  }
  bool memoryProfilingEnabled() const override { return true; }

  MemoryUse use() const { return {peak_, live_}; }

 private:
  std::mutex mutex_;
  std::int64_t live_ = 0;
  std::int64_t peak_ = 0;
};

// A line such as "VmHWM:  123 kB" of /proc/self/status, in bytes.
std::int64_t status_bytes(std::string_view key) {
  const auto text = read_text_file("/proc/self/status");
  if (!text) return 0;
  const std::size_t at = text->find(key);
  return at == std::string::npos ? 0 : std::stoll(text->substr(at + key.size())) * 1024;
}

}  // namespace

MemoryUse measure_memory(const std::function<void()>& work) {
  const auto counter = std::make_shared<Counter>();
  {
    const c10::DebugInfoGuard guard(c10::DebugInfoKind::PROFILER_STATE, counter);
    work();
  }
  return counter->use();
}

std::int64_t resident_bytes() {
  return status_bytes("VmRSS:");
}
std::int64_t peak_resident_bytes() {
  return status_bytes("VmHWM:");
}

}  // namespace ridgeline::native
