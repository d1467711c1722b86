// Reads oom_kill from the cgroup files or /proc/vmstat.
#include "base/oom_kills.hpp"

#include <charconv>
#include <string>
#include <string_view>

#include "base/file.hpp"

namespace ridgeline {
namespace {

constexpr std::uint64_t kMaxBytes = 1 << 20;

// The number behind "oom_kill " at the start of a line.
std::optional<std::int64_t> read_count(const std::string& path) {
  const Result<std::string> text = read_text_file(path, kMaxBytes);
  if (!text) return std::nullopt;
  constexpr std::string_view kKey = "oom_kill ";
  std::string_view rest = *text;
  while (!rest.empty()) {
    const std::size_t end = rest.find('\n');
    std::string_view line = rest.substr(0, end);
    rest = end == std::string_view::npos ? std::string_view() : rest.substr(end + 1);
    if (line.substr(0, kKey.size()) != kKey) continue;
    line.remove_prefix(kKey.size());
    std::int64_t count = 0;
    const auto parsed = std::from_chars(line.data(), line.data() + line.size(), count);
    if (parsed.ec == std::errc()) return count;
  }
  return std::nullopt;
}

// The cgroup file of a line of /proc/self/cgroup ("0::/path" or "4:memory:/path").
std::string events_file(std::string_view line) {
  const std::size_t first = line.find(':');
  const std::size_t second = line.find(':', first == line.npos ? line.npos : first + 1);
  if (second == line.npos) return {};
  const std::string_view controllers = line.substr(first + 1, second - first - 1);
  const std::string path(line.substr(second + 1));
  if (controllers.empty()) return "/sys/fs/cgroup" + path + "/memory.events";
  if (controllers == "memory") return "/sys/fs/cgroup/memory" + path + "/memory.oom_control";
  return {};
}

}  // namespace

std::optional<std::int64_t> oom_kill_count() {
  if (const Result<std::string> groups = read_text_file("/proc/self/cgroup", kMaxBytes)) {
    std::string_view rest = *groups;
    while (!rest.empty()) {
      const std::size_t end = rest.find('\n');
      const std::string file = events_file(rest.substr(0, end));
      rest = end == rest.npos ? std::string_view() : rest.substr(end + 1);
      if (file.empty()) continue;
      if (const auto count = read_count(file)) return count;
    }
  }
  return read_count("/proc/vmstat");
}

}  // namespace ridgeline
