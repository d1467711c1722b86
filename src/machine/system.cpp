// Reads the operating system, virtualization, board and load.
#include "machine/system.hpp"

#include <fmt/format.h>

#include <array>
#include <locale>
#include <sstream>

#include "machine/cpu.hpp"

namespace ridgeline::machine {
namespace {

struct Mark {
  std::string_view text;
  std::string_view name;
};

// Strings of DMI's vendor and product fields that only virtual machines carry.
constexpr std::array kDmiMarks = {
    Mark{"QEMU", "KVM/QEMU"},
    Mark{"KVM", "KVM"},
    Mark{"VMware", "VMware"},
    Mark{"VirtualBox", "VirtualBox"},
    Mark{"innotek", "VirtualBox"},
    Mark{"Xen", "Xen"},
    Mark{"Virtual Machine", "Hyper-V"},
    Mark{"Google Compute Engine", "Google KVM"},
    Mark{"OpenStack", "KVM (OpenStack)"},
    Mark{"Parallels", "Parallels"},
    Mark{"bhyve", "bhyve"},
    Mark{"Alibaba Cloud ECS", "KVM (Alibaba Cloud)"},
    Mark{"Apple Virtualization", "Apple Virtualization"},
};

// Clock sources that a hypervisor offers to its guests.
constexpr std::array kClockMarks = {
    Mark{"kvm-clock", "KVM"},
    Mark{"hyperv_clocksource", "Hyper-V"},
    Mark{"xen", "Xen"},
};

constexpr std::array kContainerMarks = {
    Mark{"kubepods", "kubernetes"},   Mark{"docker", "docker"},
    Mark{"libpod", "podman"},         Mark{"lxc", "lxc"},
    Mark{"containerd", "containerd"},
};

template <std::size_t N>
std::optional<std::string> match(std::string_view text, const std::array<Mark, N>& marks) {
  for (const Mark& mark : marks) {
    if (text.find(mark.text) != std::string_view::npos) return std::string(mark.name);
  }
  return std::nullopt;
}

std::string dmi(const Tree& tree, std::string_view field) {
  return tree.text(fmt::format("sys/class/dmi/id/{}", field)).value_or("");
}

std::optional<std::string> hypervisor_of_dmi(const Tree& tree) {
  const std::string vendor = dmi(tree, "sys_vendor");
  const std::string product = dmi(tree, "product_name");
  // Amazon names its virtual and its bare machines alike, except for the suffix of the type.
  if (vendor == "Amazon EC2" && !product.ends_with(".metal")) return "KVM (Amazon EC2)";
  return match(vendor + " " + product, kDmiMarks);
}

std::optional<std::string> container_of(const Tree& tree) {
  // Kubernetes runs on docker or containerd and leaves their marks too, so it is asked first.
  const std::string groups =
      tree.text("proc/1/cgroup").value_or("") + tree.text("proc/self/mountinfo").value_or("");
  if (groups.find("kubepods") != std::string::npos) return "kubernetes";
  if (auto name = tree.text("run/systemd/container")) return name;
  if (tree.exists("run/.containerenv")) return "podman";
  if (tree.exists(".dockerenv")) return "docker";
  return match(tree.text("proc/1/cgroup").value_or(""), kContainerMarks);
}

}  // namespace

Os read_os(const Tree& tree, std::vector<Missing>& missing) {
  Os os;
  os.kernel = tree.text("proc/sys/kernel/osrelease");
  if (!os.kernel) missing.push_back({"os.kernel", tree.why("proc/sys/kernel/osrelease")});
  const std::string path = tree.exists("etc/os-release") ? "etc/os-release" : "usr/lib/os-release";
  const std::string text = tree.text(path).value_or("");
  for (const std::string_view line : split_lines(text)) {
    if (!line.starts_with("PRETTY_NAME=")) continue;
    std::string_view value = trim(line.substr(12));
    if (value.size() >= 2 && (value.front() == '"' || value.front() == '\'')) {
      value = value.substr(1, value.size() - 2);
    }
    os.distribution = std::string(value);
  }
  if (!os.distribution) missing.push_back({"os.distribution", tree.why(path)});
  return os;
}

Virtualization read_virtualization(const Tree& tree) {
  Virtualization found;
  const std::string clock =
      tree.text("sys/devices/system/clocksource/clocksource0/current_clocksource").value_or("");
  found.hypervisor = hypervisor_of_dmi(tree);
  if (!found.hypervisor) found.hypervisor = match(clock, kClockMarks);
  if (!found.hypervisor && tree.exists("sys/hypervisor/type")) {
    found.hypervisor = tree.text("sys/hypervisor/type");
  }
  if (!found.hypervisor && tree.exists("proc/device-tree/hypervisor")) {
    found.hypervisor = tree.text("proc/device-tree/hypervisor/compatible");
  }
  found.is_virtual = found.hypervisor.has_value() || has_hypervisor_flag(tree);
  found.container = container_of(tree);
  return found;
}

std::optional<std::string> read_board(const Tree& tree) {
  if (const auto model = tree.text("proc/device-tree/model")) return model;
  const std::string vendor = dmi(tree, "sys_vendor");
  const std::string product = dmi(tree, "product_name");
  if (vendor.empty() && product.empty()) return std::nullopt;
  return std::string(trim(vendor + " " + product));
}

std::optional<LoadAverage> read_load(const Tree& tree) {
  std::istringstream stream(tree.text("proc/loadavg").value_or(""));
  stream.imbue(std::locale::classic());
  LoadAverage load;
  if (!(stream >> load.one_minute >> load.five_minutes >> load.fifteen_minutes)) {
    return std::nullopt;
  }
  return load;
}

}  // namespace ridgeline::machine
