// Reads and parses small files of /proc and /sys.
#include "machine/tree.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <system_error>

#include "base/file.hpp"

namespace ridgeline::machine {
namespace {

// /proc/cpuinfo of 8192 CPUs stays below this.
constexpr std::uint64_t kMaxFile = 16ull << 20;

constexpr std::string_view kBlanks(" \t\r\n\0", 5);

std::string absolute(const std::string& path) {
  return "/" + path;
}

}  // namespace

Tree::Tree(std::string root) : root_(std::move(root)) {
  if (root_.empty() || root_.back() != '/') root_ += '/';
}

std::optional<std::string> Tree::text(const std::string& path) const {
  const auto content = read_text_file(root_ + path, kMaxFile);
  if (!content) return std::nullopt;
  const std::string_view trimmed = trim(*content);
  if (trimmed.empty()) return std::nullopt;
  return std::string(trimmed);
}

std::optional<std::int64_t> Tree::integer(const std::string& path) const {
  const auto content = text(path);
  return content ? parse_integer(*content) : std::nullopt;
}

std::vector<std::string> Tree::list(const std::string& path) const {
  std::vector<std::string> names;
  std::error_code error;
  std::filesystem::directory_iterator it(root_ + path, error);
  while (!error && it != std::filesystem::directory_iterator()) {
    names.push_back(it->path().filename().string());
    it.increment(error);
  }
  std::sort(names.begin(), names.end());
  return names;
}

bool Tree::exists(const std::string& path) const {
  return ::access((root_ + path).c_str(), F_OK) == 0;
}

std::string Tree::why(const std::string& path) const {
  if (!exists(path)) return fmt::format("{} is not there", absolute(path));
  if (::access((root_ + path).c_str(), R_OK) != 0) {
    return fmt::format("{} may not be read", absolute(path));
  }
  return fmt::format("{} holds nothing usable", absolute(path));
}

std::string_view trim(std::string_view text) {
  const auto first = text.find_first_not_of(kBlanks);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlanks) - first + 1);
}

std::optional<std::int64_t> parse_integer(std::string_view text) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::vector<std::string_view> split_lines(std::string_view text) {
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    const auto end = text.find('\n');
    lines.push_back(text.substr(0, end));
    if (end == std::string_view::npos) break;
    text.remove_prefix(end + 1);
  }
  return lines;
}

std::optional<std::pair<std::string_view, std::string_view>> key_value(std::string_view line) {
  const auto colon = line.find(':');
  if (colon == std::string_view::npos) return std::nullopt;
  return std::pair(trim(line.substr(0, colon)), trim(line.substr(colon + 1)));
}

}  // namespace ridgeline::machine
