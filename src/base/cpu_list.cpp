// Parses and writes lists of CPU numbers.
#include "base/cpu_list.hpp"

#include <fmt/format.h>
#include <sched.h>

#include <algorithm>
#include <charconv>
#include <optional>

namespace ridgeline {
namespace {

// Files of sysfs end in a line end, and lists may have blanks.
std::string_view trim(std::string_view text) {
  constexpr std::string_view kBlank(" \t\r\n\0", 5);
  const auto first = text.find_first_not_of(kBlank);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlank) - first + 1);
}

std::optional<int> cpu_number(std::string_view text) {
  const std::string_view digits = trim(text);
  const char* end = digits.data() + digits.size();
  int value = 0;
  const auto parsed = std::from_chars(digits.data(), end, value);
  if (parsed.ec != std::errc() || parsed.ptr != end || value < 0 || value > kMaxCpu) {
    return std::nullopt;
  }
  return value;
}

// One part of a list: "4", "0-3" or "0-14:2".
bool add_part(std::string_view part, std::vector<int>& cpus) {
  int stride = 1;
  if (const auto colon = part.find(':'); colon != std::string_view::npos) {
    const auto parsed = cpu_number(part.substr(colon + 1));
    if (!parsed || *parsed == 0) return false;
    stride = *parsed;
    part = part.substr(0, colon);
  }
  const auto dash = part.find('-');
  const auto first = cpu_number(part.substr(0, dash));
  const auto last = dash == std::string_view::npos ? first : cpu_number(part.substr(dash + 1));
  if (!first || !last || *last < *first) return false;
  for (int cpu = *first; cpu <= *last; cpu += stride) cpus.push_back(cpu);
  return true;
}

}  // namespace

Result<std::vector<int>> parse_cpu_list(std::string_view text) {
  const std::string_view whole = trim(text);
  std::vector<int> cpus;
  std::string_view rest = whole;
  while (!rest.empty()) {
    const auto comma = rest.find(',');
    // The bound keeps "0-65535,0-65535,…" from growing without end.
    if (!add_part(rest.substr(0, comma), cpus) || cpus.size() > 4u * (kMaxCpu + 1)) {
      return bad_input(fmt::format("'{:.60}' is not a list of CPUs", whole), "write it like 0-3,8");
    }
    if (comma == std::string_view::npos) break;
    rest.remove_prefix(comma + 1);
    if (rest.empty()) return bad_input(fmt::format("'{:.60}' ends in a comma", whole));
  }
  std::sort(cpus.begin(), cpus.end());
  cpus.erase(std::unique(cpus.begin(), cpus.end()), cpus.end());
  return cpus;
}

std::string to_cpu_list(const std::vector<int>& cpus) {
  std::string text;
  for (std::size_t i = 0; i < cpus.size();) {
    std::size_t last = i;
    while (last + 1 < cpus.size() && cpus[last + 1] == cpus[last] + 1) ++last;
    if (!text.empty()) text += ',';
    text += last == i ? fmt::format("{}", cpus[i]) : fmt::format("{}-{}", cpus[i], cpus[last]);
    i = last + 1;
  }
  return text;
}

std::vector<int> allowed_cpus() {
  cpu_set_t set;
  CPU_ZERO(&set);
  std::vector<int> cpus;
  if (::sched_getaffinity(0, sizeof set, &set) != 0) return cpus;
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (CPU_ISSET(cpu, &set)) cpus.push_back(cpu);
  }
  return cpus;
}

}  // namespace ridgeline
