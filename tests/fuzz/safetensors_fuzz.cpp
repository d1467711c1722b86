// Any bytes as a safetensors file and as the index of a sharded one.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <string_view>

#include "engines/native/checkpoint/safetensors.hpp"
#include "engines/native/checkpoint/shard_index.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace ridgeline;
  const auto file = std::as_bytes(std::span(data, size));
  (void)native::parse_shard_index({reinterpret_cast<const char*>(data), size}, "fuzz");
  const Result<native::SafetensorsContent> content = native::parse_safetensors(file, "fuzz");
  if (!content) {
    if (content.error().line().size() > 2000) std::abort();
    return 0;
  }
  // What is accepted tiles the end of the file; every byte is touched for the address sanitizer.
  std::size_t total = 0;
  unsigned sum = 0;
  for (const auto& [name, view] : content->tensors) {
    total += view.bytes.size();
    for (const std::byte byte : view.bytes) sum += std::to_integer<unsigned>(byte);
  }
  volatile unsigned sink = sum;
  (void)sink;
  if (total + 8 > size) std::abort();
  return 0;
}
