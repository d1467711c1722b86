// Reads /proc/meminfo, cgroup limits and the huge page mode.
#include "machine/memory.hpp"

#include "machine/cgroup.hpp"

namespace ridgeline::machine {
namespace {

std::optional<std::uint64_t> kib_value(std::string_view text) {
  if (text.ends_with(" kB")) text.remove_suffix(3);
  const auto kib = parse_integer(trim(text));
  if (!kib || *kib < 0 || *kib >= (1ll << 50)) return std::nullopt;
  return static_cast<std::uint64_t>(*kib) << 10;
}

// "always [madvise] never" → "madvise".
std::optional<std::string> selected(const std::optional<std::string>& text) {
  if (!text) return std::nullopt;
  const auto open = text->find('[');
  const auto close = text->find(']');
  if (open == std::string::npos || close == std::string::npos || close < open) return std::nullopt;
  return text->substr(open + 1, close - open - 1);
}

}  // namespace

Memory read_memory(const Tree& tree, std::vector<Missing>& missing) {
  Memory memory;
  std::optional<std::uint64_t> swap_free;
  const std::string text = tree.text("proc/meminfo").value_or("");
  for (const std::string_view line : split_lines(text)) {
    const auto pair = key_value(line);
    if (!pair) continue;
    if (pair->first == "MemTotal") memory.total_bytes = kib_value(pair->second);
    if (pair->first == "MemAvailable") memory.available_bytes = kib_value(pair->second);
    if (pair->first == "SwapTotal") memory.swap_total_bytes = kib_value(pair->second);
    if (pair->first == "SwapFree") swap_free = kib_value(pair->second);
  }
  if (memory.swap_total_bytes && swap_free && *swap_free <= *memory.swap_total_bytes) {
    memory.swap_used_bytes = *memory.swap_total_bytes - *swap_free;
  }
  memory.limit_bytes = cgroup_memory_limit(tree);
  const std::string thp = "sys/kernel/mm/transparent_hugepage/enabled";
  memory.transparent_hugepage = selected(tree.text(thp));

  const std::string why = tree.why("proc/meminfo");
  if (!memory.total_bytes) missing.push_back({"memory.total_bytes", why});
  if (!memory.available_bytes) missing.push_back({"memory.available_bytes", why});
  if (!memory.swap_total_bytes) missing.push_back({"memory.swap_total_bytes", why});
  if (!memory.swap_used_bytes) missing.push_back({"memory.swap_used_bytes", why});
  if (!memory.transparent_hugepage) {
    missing.push_back({"memory.transparent_hugepage", tree.why(thp)});
  }
  return memory;
}

}  // namespace ridgeline::machine
