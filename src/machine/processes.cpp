// Reads /proc/stat and /proc/PID/stat, and compares two readings.
#include "machine/processes.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <string_view>

#include "base/clock.hpp"
#include "machine/tree.hpp"

namespace ridgeline::machine {
namespace {

// Fields of /proc/PID/stat after the name, counted from 0 (proc(5) counts them from 3).
constexpr std::size_t kParent = 1;
constexpr std::size_t kUser = 11;
constexpr std::size_t kSystem = 12;
constexpr std::size_t kStart = 19;
// Less than this is the rounding of ticks, and names nobody.
constexpr double kNamedCpus = 0.02;

std::vector<std::string_view> words(std::string_view text) {
  std::vector<std::string_view> found;
  while (!(text = trim(text)).empty()) {
    const auto end = std::min(text.find(' '), text.size());
    found.push_back(text.substr(0, end));
    text.remove_prefix(end);
  }
  return found;
}

std::uint64_t count_of(const std::vector<std::string_view>& fields, std::size_t at) {
  if (at >= fields.size()) return 0;
  const auto value = parse_integer(fields[at]);
  return value && *value > 0 ? static_cast<std::uint64_t>(*value) : 0;
}

// "cpu user nice system idle iowait irq softirq steal guest guest_nice": guests are in user.
CpuTicks ticks_of(const std::vector<std::string_view>& fields) {
  CpuTicks ticks;
  for (const std::size_t at : {1, 2, 3, 6, 7}) ticks.busy += count_of(fields, at);
  ticks.idle = count_of(fields, 4) + count_of(fields, 5);
  ticks.steal = count_of(fields, 8);
  return ticks;
}

std::string ascii(std::string_view name) {
  std::string text(name);
  for (char& c : text) {
    if (c < 0x20 || c > 0x7e) c = '?';
  }
  return text;
}

// "4711 (name) S 1 …"; the name may hold blanks and brackets of its own.
std::optional<ProcessTime> parse_process(int pid, std::string_view text) {
  const auto open = text.find('(');
  const auto close = text.rfind(')');
  if (open == std::string_view::npos || close == std::string_view::npos || close < open) {
    return std::nullopt;
  }
  const auto fields = words(text.substr(close + 1));
  if (fields.size() <= kStart) return std::nullopt;
  return ProcessTime{pid, static_cast<int>(count_of(fields, kParent)),
                     ascii(text.substr(open + 1, close - open - 1)), count_of(fields, kStart),
                     count_of(fields, kUser) + count_of(fields, kSystem)};
}

double since(std::uint64_t before, std::uint64_t after) {
  return after > before ? static_cast<double>(after - before) : 0;
}

// `own_pid` and all that descend from it.
std::set<int> family_of(int own_pid, const ProcessSnapshot& snapshot) {
  std::multimap<int, int> children;
  for (const ProcessTime& process : snapshot.processes) {
    children.emplace(process.parent, process.pid);
  }
  std::set<int> family = {own_pid};
  std::vector<int> open = {own_pid};
  while (!open.empty()) {
    const auto [from, to] = children.equal_range(open.back());
    open.pop_back();
    for (auto it = from; it != to; ++it) {
      if (family.insert(it->second).second) open.push_back(it->second);
    }
  }
  return family;
}

struct Used {
  double own = 0;  // ticks
  double others = 0;
  std::map<std::string, BusyProcess> by_name;  // `cpus` are ticks here
  std::map<std::string, double> most;
};

Used used_by_processes(const ProcessSnapshot& before, const ProcessSnapshot& after, int own_pid) {
  std::map<int, const ProcessTime*> earlier;
  for (const ProcessTime& process : before.processes) earlier[process.pid] = &process;
  const std::set<int> family = family_of(own_pid, after);
  Used used;
  for (const ProcessTime& process : after.processes) {
    const auto it = earlier.find(process.pid);
    const bool is_same = it != earlier.end() && it->second->start == process.start;
    const double ticks = since(is_same ? it->second->ticks : 0, process.ticks);
    if (family.contains(process.pid)) {
      used.own += ticks;
      continue;
    }
    if (ticks == 0) continue;
    used.others += ticks;
    const auto [entry, is_new] =
        used.by_name.try_emplace(process.name, BusyProcess{process.pid, process.name, ticks, 1});
    double& most = used.most[process.name];
    if (!is_new) {
      entry->second.cpus += ticks;
      ++entry->second.count;
      if (ticks > most) entry->second.pid = process.pid;
    }
    most = std::max(most, ticks);
  }
  return used;
}

std::vector<BusyProcess> busiest(const Used& used, double ticks) {
  std::vector<BusyProcess> top;
  for (const auto& [name, process] : used.by_name) {
    top.push_back(process);
    top.back().cpus /= ticks;
  }
  std::stable_sort(top.begin(), top.end(),
                   [](const auto& a, const auto& b) { return a.cpus > b.cpus; });
  if (top.size() > kTopProcesses) top.resize(kTopProcesses);
  return top;
}

}  // namespace

Result<ProcessSnapshot> take_process_snapshot(const std::string& root) {
  const Tree tree(root);
  ProcessSnapshot snapshot;
  const long ticks = ::sysconf(_SC_CLK_TCK);
  if (ticks > 0) snapshot.ticks_per_second = static_cast<double>(ticks);
  const std::string stat = tree.text("proc/stat").value_or("");
  snapshot.ns = now_ns();
  for (const std::string_view line : split_lines(stat)) {
    if (!line.starts_with("cpu")) continue;
    const auto fields = words(line);
    if (fields.front() != "cpu") {
      ++snapshot.cpus;
    } else {
      snapshot.all = ticks_of(fields);
    }
  }
  if (snapshot.cpus == 0) return environment_error(tree.why("proc/stat"));
  for (const std::string& name : tree.list("proc")) {
    const auto pid = parse_integer(name);
    if (!pid || *pid <= 0 || *pid > INT32_MAX) continue;
    // One that has ended meanwhile is not there any more.
    const auto text = tree.text(fmt::format("proc/{}/stat", name));
    if (!text) continue;
    auto process = parse_process(static_cast<int>(*pid), *text);
    if (process) snapshot.processes.push_back(*std::move(process));
  }
  return snapshot;
}

Result<CpuUse> cpu_use(const ProcessSnapshot& before, const ProcessSnapshot& after, int own_pid) {
  const double busy = since(before.all.busy, after.all.busy);
  const double idle = since(before.all.idle, after.all.idle);
  const double steal = since(before.all.steal, after.all.steal);
  CpuUse use;
  use.seconds = 1e-9 * static_cast<double>(after.ns - before.ns);
  use.cpus = after.cpus;
  const double ticks = use.seconds * after.ticks_per_second;
  if (ticks <= 0 || busy + idle + steal <= 0) {
    return environment_error("the processor times of /proc/stat stand still");
  }
  const Used used = used_by_processes(before, after, own_pid);
  use.share = busy / (busy + idle + steal);
  use.own = used.own / ticks;
  // The kernel's own total also has what nobody is charged for: interrupts, short processes.
  const double others = std::max(busy - used.own, used.others);
  use.others = others / ticks;
  use.unseen = (others - used.others) / ticks;
  use.steal = steal / ticks;
  use.top = busiest(used, ticks);
  return use;
}

std::string describe(const CpuUse& use) {
  std::vector<std::string> parts;
  for (const BusyProcess& process : use.top) {
    if (process.cpus < kNamedCpus) continue;
    const std::string count = process.count > 1 ? fmt::format(" ×{}", process.count) : "";
    parts.push_back(fmt::format("{}{} {:.2f}", process.name, count, process.cpus));
  }
  if (use.unseen >= kNamedCpus) {
    parts.push_back(fmt::format("{:.2f} not visible from here", use.unseen));
  }
  return fmt::format("{}", fmt::join(parts, ", "));
}

}  // namespace ridgeline::machine
