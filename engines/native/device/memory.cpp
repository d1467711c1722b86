// Counting allocations: through torch's reporting hook, and through an allocator of meta tensors.
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

// Bytes of live meta tensors. Pieces are freed by whatever thread drops the last tensor.
struct MetaMemory::Level {
  void add(std::int64_t bytes) {
    const std::lock_guard lock(mutex);
    live += bytes;
    peak = std::max(peak, live);
  }
  // Live bytes; the peak starts anew from them.
  std::int64_t begin() {
    const std::lock_guard lock(mutex);
    return peak = live;
  }
  MemoryUse since(std::int64_t before) {
    const std::lock_guard lock(mutex);
    return {peak - before, live - before};
  }

  std::mutex mutex;
  std::int64_t live = 0;
  std::int64_t peak = 0;
};

namespace {

thread_local std::shared_ptr<MetaMemory::Level> counted_here;

// What stands in for the memory of one meta tensor.
struct Piece {
  std::shared_ptr<MetaMemory::Level> level;
  std::int64_t bytes;
};

void free_piece(void* context) {
  const std::unique_ptr<Piece> piece(static_cast<Piece*>(context));
  piece->level->add(-piece->bytes);
}

class CountingMetaAllocator final : public c10::Allocator {
 public:
  c10::DataPtr allocate(std::size_t bytes) override {
    // Another thread's tensors, and those that take nothing.
    if (!counted_here || bytes == 0) return plain_->allocate(bytes);
    const auto size = static_cast<std::int64_t>(bytes);
    auto piece = std::make_unique<Piece>(Piece{counted_here, size});
    counted_here->add(size);
    return {nullptr, piece.release(), &free_piece, c10::Device(c10::DeviceType::Meta)};
  }

  // Nothing lies behind a meta tensor.
  void copy_data(void*, const void*, std::size_t) const override {}

  // Both under the lock of installs().
  void install() {
    if (users_++ > 0) return;
    plain_ = c10::GetAllocator(c10::DeviceType::Meta);
    c10::SetAllocator(c10::DeviceType::Meta, this);
  }
  void uninstall() {
    if (--users_ == 0) c10::SetAllocator(c10::DeviceType::Meta, plain_);
  }

 private:
  c10::Allocator* plain_ = nullptr;
  int users_ = 0;
};

// Never destroyed: torch may still be asked for tensors when statics go.
CountingMetaAllocator& counting_allocator() {
  static auto* const allocator = new CountingMetaAllocator();
  return *allocator;
}

std::mutex& installs() {
  static std::mutex mutex;
  return mutex;
}

}  // namespace

MetaMemory::MetaMemory() : level_(std::make_shared<Level>()) {
  counted_here = level_;
  const std::lock_guard lock(installs());
  counting_allocator().install();
}

MetaMemory::~MetaMemory() {
  counted_here.reset();
  const std::lock_guard lock(installs());
  counting_allocator().uninstall();
}

MemoryUse MetaMemory::measure(const std::function<void()>& work) {
  const std::int64_t before = level_->begin();
  work();
  return level_->since(before);
}

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
