// A list of free blocks for each size, in front of the system's allocator.
#include "engines/native/ops/cpu/allocator.hpp"

#include <c10/core/CPUAllocator.h>
#include <sys/mman.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <vector>

#include "base/file.hpp"

namespace ridgeline::native::ops::cpu {
namespace {

constexpr std::size_t kHugePage = std::size_t{2} << 20;
// Of a block's start, and so of the memory behind its header.
constexpr std::size_t kAlignment = 64;
// Freed memory that is kept at most. A large model's activations fit; its weights do not.
constexpr std::int64_t kMostKept = std::int64_t{1} << 30;
// Sizes between two powers of two: blocks are at most an eighth larger than asked for.
constexpr int kStepBits = 3;
constexpr std::size_t kClasses = std::size_t{64} << kStepBits;

// Before the memory of every block.
struct Header {
  std::size_t size_class;
  std::size_t bytes;  // with the header
};
static_assert(sizeof(Header) <= kAlignment);

// The smallest class that holds `bytes`, and the bytes it has.
std::size_t class_of(std::size_t bytes, std::size_t& rounded) {
  const int log2 = std::bit_width(bytes) - 1;
  const int shift = std::max(log2 - kStepBits, 0);
  const std::size_t step = std::size_t{1} << shift;
  rounded = (bytes + step - 1) & ~(step - 1);
  const int top = std::bit_width(rounded) - 1;
  const std::size_t steps = rounded >> std::max(top - kStepBits, 0);
  return (static_cast<std::size_t>(top) << kStepBits) + (steps & ((1u << kStepBits) - 1));
}

void free_block(void* memory);

class Keeper final : public c10::Allocator {
 public:
  c10::DataPtr allocate(std::size_t asked) override {
    if (asked == 0) return {nullptr, nullptr, &free_block, at::kCPU};
    std::size_t bytes = 0;
    const std::size_t size_class = class_of(std::max(asked, kAlignment) + kAlignment, bytes);
    void* block = take(size_class, bytes);
    if (block == nullptr) block = from_system(size_class, bytes, asked);
    void* const memory = static_cast<char*>(block) + kAlignment;
    c10::profiledCPUMemoryReporter().New(memory, asked);
    return {memory, memory, &free_block, at::kCPU};
  }

  c10::DeleterFnPtr raw_deleter() const override { return &free_block; }

  void copy_data(void* to, const void* from, std::size_t count) const override {
    std::memcpy(to, from, count);
  }

  void give(void* memory) {
    auto* const block = static_cast<char*>(memory) - kAlignment;
    const Header header = *reinterpret_cast<const Header*>(block);
    {
      const std::lock_guard lock(mutex_);
      if (memory_.bytes_kept + static_cast<std::int64_t>(header.bytes) <= kMostKept) {
        memory_.bytes_kept += static_cast<std::int64_t>(header.bytes);
        free_[header.size_class].push_back(block);
        return;
      }
    }
    std::free(block);
  }

  void set_huge_pages(bool huge_pages) {
    const std::lock_guard lock(mutex_);
    huge_pages_ = huge_pages;
  }

  void release() {
    const std::lock_guard lock(mutex_);
    for (std::vector<void*>& blocks : free_) {
      for (void* block : blocks) std::free(block);
      blocks.clear();
    }
    memory_.bytes_kept = 0;
  }

  SystemMemory memory() {
    const std::lock_guard lock(mutex_);
    return memory_;
  }

 private:
  void* take(std::size_t size_class, std::size_t bytes) {
    const std::lock_guard lock(mutex_);
    std::vector<void*>& blocks = free_[size_class];
    if (blocks.empty()) return nullptr;
    void* const block = blocks.back();
    blocks.pop_back();
    memory_.bytes_kept -= static_cast<std::int64_t>(bytes);
    return block;
  }

  void* from_system(std::size_t size_class, std::size_t bytes, std::size_t asked) {
    const bool huge = huge_pages_ && bytes >= kHugePage;
    void* block = nullptr;
    int error = ::posix_memalign(&block, huge ? kHugePage : kAlignment, bytes);
    if (error != 0) {
      release();
      error = ::posix_memalign(&block, huge ? kHugePage : kAlignment, bytes);
    }
    // The words of torch's own allocator: the engine reads the size out of them.
    TORCH_CHECK(error == 0, "not enough memory: you tried to allocate ", asked, " bytes.");
    // Where the system has no huge pages to give, small ones serve. The last one only if whole:
    // what lies behind the block is not ours.
    if (huge) (void)::madvise(block, bytes & ~(kHugePage - 1), MADV_HUGEPAGE);
    *static_cast<Header*>(block) = {size_class, bytes};
    const std::lock_guard lock(mutex_);
    ++memory_.blocks_taken;
    memory_.bytes_taken += static_cast<std::int64_t>(bytes);
    return block;
  }

  std::mutex mutex_;
  bool huge_pages_ = false;
  SystemMemory memory_ = {};
  std::array<std::vector<void*>, kClasses> free_;
};

// Outlives every tensor, static ones included.
Keeper* keeper = nullptr;

void free_block(void* memory) {
  if (memory == nullptr) return;
  c10::profiledCPUMemoryReporter().Delete(memory);
  keeper->give(memory);
}

}  // namespace

void keep_freed_memory(bool huge_pages) {
  if (keeper == nullptr) {
    keeper = new Keeper;
    c10::SetCPUAllocator(keeper, /*priority=*/1);
  }
  keeper->set_huge_pages(huge_pages);
}

bool keeps_freed_memory() {
  return keeper != nullptr;
}

SystemMemory system_memory() {
  return keeper == nullptr ? SystemMemory{} : keeper->memory();
}

void release_freed_memory() {
  if (keeper != nullptr) keeper->release();
}

bool has_huge_pages() {
  const auto mode = read_text_file("/sys/kernel/mm/transparent_hugepage/enabled");
  return mode && mode->find("[never]") == std::string::npos;
}

}  // namespace ridgeline::native::ops::cpu
