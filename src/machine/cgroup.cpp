// Finds the control groups of this process and reads their limits.
#include "machine/cgroup.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <vector>

namespace ridgeline::machine {
namespace {

// One mounted hierarchy: version 2 has no controllers in its name.
struct Mount {
  std::string root;   // the group that the mount shows as its top
  std::string point;  // where it is mounted, relative to the tree's root
  bool version2 = false;
  std::string options;  // version 1: ",rw,cpu,cpuacct,"
};

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  for (;;) {
    const auto end = text.find(separator);
    parts.push_back(text.substr(0, end));
    if (end == std::string_view::npos) return parts;
    text.remove_prefix(end + 1);
  }
}

bool has_controller(std::string_view comma_list, std::string_view controller) {
  const auto parts = split(comma_list, ',');
  return std::find(parts.begin(), parts.end(), controller) != parts.end();
}

std::vector<Mount> cgroup_mounts(const Tree& tree) {
  std::vector<Mount> mounts;
  const std::string text = tree.text("proc/self/mountinfo").value_or("");
  for (const std::string_view line : split_lines(text)) {
    // 31 23 0:28 ROOT POINT options [optional…] - TYPE source superoptions
    const auto dash = line.find(" - ");
    if (dash == std::string_view::npos) continue;
    const auto left = split(line.substr(0, dash), ' ');
    const auto right = split(line.substr(dash + 3), ' ');
    if (left.size() < 5 || right.size() < 3 || left[4].empty()) continue;
    if (right[0] != "cgroup" && right[0] != "cgroup2") continue;
    mounts.push_back({std::string(left[3]), std::string(left[4].substr(1)), right[0] == "cgroup2",
                      std::string(right[2])});
  }
  if (!mounts.empty()) return mounts;
  // No mount table: the usual places.
  for (const char* controller : {"cpu", "memory"}) {
    mounts.push_back({"/", fmt::format("sys/fs/cgroup/{}", controller), false, controller});
  }
  mounts.push_back({"/", "sys/fs/cgroup", true, ""});
  return mounts;
}

// The group of this process in the hierarchy of `mount`: the third field of /proc/self/cgroup.
std::string group_path(const Tree& tree, const Mount& mount, std::string_view controller) {
  const std::string text = tree.text("proc/self/cgroup").value_or("");
  for (const std::string_view line : split_lines(text)) {
    const auto parts = split(line, ':');
    if (parts.size() < 3) continue;
    const bool mine =
        mount.version2 ? parts[0] == "0" && parts[1].empty() : has_controller(parts[1], controller);
    if (mine) return std::string(line.substr(parts[0].size() + parts[1].size() + 2));
  }
  return "/";
}

// Folders from the group up to the top of its mount.
std::vector<std::string> group_folders(const Tree& tree, const Mount& mount,
                                       std::string_view controller) {
  std::string path = group_path(tree, mount, controller);
  // In a container the mount may show a group that is itself deep in the host's tree.
  if (mount.root != "/" && (path + "/").starts_with(mount.root + "/")) {
    path.erase(0, mount.root.size());
  }
  // ".." appears when the group lies outside the namespace: only the mount itself can be read.
  if (path.find("..") != std::string::npos || path.size() > 4096) path.clear();
  std::vector<std::string> folders;
  while (!path.empty() && path != "/") {
    folders.push_back(mount.point + path);
    path.erase(path.rfind('/') == std::string::npos ? 0 : path.rfind('/'));
  }
  folders.push_back(mount.point);
  return folders;
}

template <typename T>
void keep_smallest(std::optional<T>& smallest, std::optional<T> value) {
  if (value && (!smallest || *value < *smallest)) smallest = value;
}

std::optional<double> quota_v2(const Tree& tree, const std::string& folder) {
  const auto text = tree.text(folder + "/cpu.max");
  if (!text) return std::nullopt;
  const auto parts = split(*text, ' ');
  const auto quota = parse_integer(parts[0]);  // "max" is no integer: unlimited
  const auto period = parts.size() > 1 ? parse_integer(parts[1]) : std::nullopt;
  if (!quota || !period || *quota <= 0 || *period <= 0) return std::nullopt;
  return static_cast<double>(*quota) / static_cast<double>(*period);
}

std::optional<double> quota_v1(const Tree& tree, const std::string& folder) {
  const auto quota = tree.integer(folder + "/cpu.cfs_quota_us");  // -1: unlimited
  const auto period = tree.integer(folder + "/cpu.cfs_period_us");
  if (!quota || !period || *quota <= 0 || *period <= 0) return std::nullopt;
  return static_cast<double>(*quota) / static_cast<double>(*period);
}

std::optional<std::uint64_t> limit_in(const Tree& tree, const std::string& path) {
  const auto value = tree.integer(path);  // version 2 writes "max" when unlimited
  // Version 1 writes the largest page-aligned signed number when unlimited.
  if (!value || *value <= 0 || *value >= (1ll << 60)) return std::nullopt;
  return static_cast<std::uint64_t>(*value);
}

}  // namespace

std::optional<double> cgroup_cpu_quota(const Tree& tree) {
  std::optional<double> smallest;
  for (const Mount& mount : cgroup_mounts(tree)) {
    if (!mount.version2 && !has_controller(mount.options, "cpu")) continue;
    for (const std::string& folder : group_folders(tree, mount, "cpu")) {
      keep_smallest(smallest, mount.version2 ? quota_v2(tree, folder) : quota_v1(tree, folder));
    }
  }
  return smallest;
}

std::optional<std::uint64_t> cgroup_memory_limit(const Tree& tree) {
  std::optional<std::uint64_t> smallest;
  for (const Mount& mount : cgroup_mounts(tree)) {
    if (!mount.version2 && !has_controller(mount.options, "memory")) continue;
    for (const std::string& folder : group_folders(tree, mount, "memory")) {
      const char* file = mount.version2 ? "/memory.max" : "/memory.limit_in_bytes";
      keep_smallest(smallest, limit_in(tree, folder + file));
    }
  }
  return smallest;
}

}  // namespace ridgeline::machine
