// Mapping, aligning and filling.
#include "engines/native/ceilings/host/arena.hpp"

#include <fmt/format.h>
#include <sys/mman.h>

#include "base/host_memory.hpp"

namespace ridgeline::native::ceilings {
namespace {

constexpr std::int64_t kPage = 4096;
constexpr std::int64_t kHugePage = std::int64_t{2} << 20;
// From here on a slice gets huge pages: below, the rest of the page would be wasted.
constexpr std::int64_t kWorthHugePages = kHugePage / 8;
// Left to the rest of the machine.
constexpr std::int64_t kSpare = std::int64_t{64} << 20;

std::int64_t round_up(std::int64_t value, std::int64_t step) {
  return (value + step - 1) / step * step;
}

}  // namespace

Result<Arena> Arena::map(int slices, std::int64_t bytes) {
  const bool huge = bytes >= kWorthHugePages;
  const std::int64_t page = huge ? kHugePage : kPage;
  const std::int64_t stride = round_up(bytes, page);
  const std::int64_t needed = stride * slices + page;
  const Error too_much{
      ErrorClass::kOomHost,
      fmt::format("the working set needs {:.2f} GB of memory", static_cast<double>(needed) / 1e9),
      "ask for fewer bytes", needed};
  const auto available = available_host_bytes();
  if (available && needed > *available - kSpare) return too_much;
  const auto mapped = static_cast<std::size_t>(needed);
  void* mapping =
      ::mmap(nullptr, mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (mapping == MAP_FAILED) return too_much;
  // Where the system has no huge pages to give, small ones serve.
  if (huge) (void)::madvise(mapping, mapped, MADV_HUGEPAGE);
  const auto address = reinterpret_cast<std::intptr_t>(mapping);
  auto* first = static_cast<std::byte*>(mapping) + (round_up(address, page) - address);
  return Arena(mapping, mapped, first, stride);
}

Arena::~Arena() {
  if (mapping_ != nullptr) ::munmap(mapping_, mapped_);
}

std::uint64_t fill_words(std::uint64_t* words, std::int64_t count, std::uint64_t seed) {
  constexpr std::uint64_t kOne = 0x3FF0'0000'0000'0000;  // the float64 1.0
  std::uint64_t state = (seed + 1) * 0x9E37'79B9'7F4A'7C15;
  std::uint64_t sum = 0;
  for (std::int64_t i = 0; i < count; ++i) {
    // splitmix64 without its last steps: the upper bits are what is used.
    state += 0x9E37'79B9'7F4A'7C15;
    std::uint64_t mixed = (state ^ (state >> 30)) * 0xBF58'476D'1CE4'E5B9;
    mixed ^= mixed >> 27;
    words[i] = kOne | (mixed >> 12);
    sum += words[i];
  }
  return sum;
}

}  // namespace ridgeline::native::ceilings
