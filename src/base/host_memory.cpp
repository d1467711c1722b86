// Reads /proc/meminfo and the memory controller of the control group.
#include "base/host_memory.hpp"

#include <algorithm>
#include <charconv>

#include "base/file.hpp"

namespace ridgeline {
namespace {

std::optional<std::int64_t> number_at(std::string_view text) {
  const std::size_t start = text.find_first_not_of(" \t");
  if (start == std::string_view::npos) return std::nullopt;
  std::int64_t value = 0;
  const auto parsed = std::from_chars(text.data() + start, text.data() + text.size(), value);
  if (parsed.ec != std::errc()) return std::nullopt;  // "max": no limit
  return value;
}

std::optional<std::int64_t> file_number(const std::string& path) {
  const auto text = read_text_file(path, 4096);
  return text ? number_at(*text) : std::nullopt;
}

struct CgroupFiles {
  const char* limit;
  const char* usage;
};

// Inside a container the controller of its own group is mounted at the top.
constexpr CgroupFiles kCgroups[] = {
    {"sys/fs/cgroup/memory.max", "sys/fs/cgroup/memory.current"},
    {"sys/fs/cgroup/memory/memory.limit_in_bytes", "sys/fs/cgroup/memory/memory.usage_in_bytes"},
};

}  // namespace

std::optional<std::int64_t> available_host_bytes(const std::string& root) {
  constexpr std::string_view kKey = "MemAvailable:";
  const auto meminfo = read_text_file(root + "proc/meminfo", 1 << 16);
  if (!meminfo) return std::nullopt;
  const std::size_t at = meminfo->find(kKey);
  if (at == std::string::npos) return std::nullopt;
  auto available = number_at(std::string_view(*meminfo).substr(at + kKey.size()));
  if (!available) return std::nullopt;
  *available *= 1024;
  for (const CgroupFiles& files : kCgroups) {
    const auto limit = file_number(root + files.limit);
    const auto usage = file_number(root + files.usage);
    if (limit && usage)
      available = std::min(*available, std::max<std::int64_t>(0, *limit - *usage));
  }
  return available;
}

}  // namespace ridgeline
