// Reads the PCI devices of sysfs and what the NVIDIA driver says about its own.
#include "machine/accelerator.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace ridgeline::machine {
namespace {

struct Vendor {
  std::string_view id;
  std::string_view name;
  bool computes;  // false: consoles of servers and virtual machines
};

// Vendor ids of the PCI-SIG.
constexpr std::array kVendors = {
    Vendor{"0x10de", "NVIDIA", true},        Vendor{"0x1002", "AMD", true},
    Vendor{"0x8086", "Intel", true},         Vendor{"0x1da3", "Habana Labs", true},
    Vendor{"0x1d0f", "Amazon", true},        Vendor{"0x1ae0", "Google", true},
    Vendor{"0x17cb", "Qualcomm", true},      Vendor{"0x19e5", "Huawei", true},
    Vendor{"0x1e52", "Tenstorrent", true},   Vendor{"0x1e60", "Hailo", true},
    Vendor{"0x1ed5", "Moore Threads", true}, Vendor{"0x1d94", "Hygon", true},
    Vendor{"0x106b", "Apple", true},         Vendor{"0x1a03", "ASPEED", false},
    Vendor{"0x102b", "Matrox", false},       Vendor{"0x1af4", "virtio", false},
    Vendor{"0x1b36", "QXL", false},          Vendor{"0x1234", "QEMU", false},
    Vendor{"0x1013", "Cirrus Logic", false}, Vendor{"0x15ad", "VMware", false},
    Vendor{"0x1414", "Microsoft", false},    Vendor{"0x80ee", "VirtualBox", false},
};

const Vendor* find_vendor(std::string_view id) {
  const auto it = std::find_if(kVendors.begin(), kVendors.end(),
                               [&](const Vendor& vendor) { return vendor.id == id; });
  return it == kVendors.end() ? nullptr : &*it;
}

// The value of "key=value" in a uevent file.
std::optional<std::string> uevent_value(const Tree& tree, const std::string& folder,
                                        std::string_view key) {
  const std::string text = tree.text(folder + "/uevent").value_or("");
  for (const std::string_view line : split_lines(text)) {
    const auto equals = line.find('=');
    if (equals != std::string_view::npos && line.substr(0, equals) == key) {
      return std::string(trim(line.substr(equals + 1)));
    }
  }
  return std::nullopt;
}

std::optional<std::string> nvidia_name(const Tree& tree, const std::string& address) {
  const std::string path = fmt::format("proc/driver/nvidia/gpus/{}/information", address);
  const std::string text = tree.text(path).value_or("");
  for (const std::string_view line : split_lines(text)) {
    const auto pair = key_value(line);
    if (pair && pair->first == "Model" && !pair->second.empty()) return std::string(pair->second);
  }
  return std::nullopt;
}

bool looks_like_version(std::string_view word) {
  return word.find('.') != std::string_view::npos &&
         word.find_first_not_of("0123456789.") == std::string_view::npos;
}

// "NVRM version: NVIDIA UNIX x86_64 Kernel Module  535.104.05  Sat …" → "535.104.05".
std::optional<std::string> nvidia_driver_version(const Tree& tree) {
  const std::string text = tree.text("proc/driver/nvidia/version").value_or("");
  const auto lines = split_lines(text);
  std::string_view rest = lines.empty() ? std::string_view{} : lines.front();
  while (!rest.empty()) {
    const auto end = rest.find(' ');
    if (looks_like_version(rest.substr(0, end))) return std::string(rest.substr(0, end));
    if (end == std::string_view::npos) break;
    rest.remove_prefix(end + 1);
  }
  return std::nullopt;
}

int count_virtual_functions(const Tree& tree, const std::string& folder) {
  const auto names = tree.list(folder);
  return static_cast<int>(std::count_if(names.begin(), names.end(), [](const std::string& name) {
    return name.starts_with("virtfn");
  }));
}

std::string kind_of(std::string_view pci_class, const Vendor* vendor) {
  if (pci_class.starts_with("0x12")) return "accelerator";
  return vendor != nullptr && !vendor->computes ? "display" : "gpu";
}

void explain(const Accelerator& device, std::size_t index, std::vector<Missing>& missing) {
  const auto field = [&](const char* name) {
    return fmt::format("accelerators[{}].{}", index, name);
  };
  const std::string list_command = fmt::format("lspci -nnk -s {}", device.pci_address);
  if (!device.name) {
    missing.push_back({field("name"),
                       device.driver ? "the driver does not publish a name" : "no driver is bound",
                       list_command});
  }
  if (!device.driver) {
    missing.push_back({field("driver"), "no driver is bound to the device", list_command});
  }
  if (!device.driver_version) {
    missing.push_back({field("driver_version"), device.driver
                                                    ? "the driver does not publish a version"
                                                    : "no driver is bound to the device"});
  }
  if (!device.numa_node) {
    missing.push_back({field("numa_node"), "the firmware does not say which node it hangs on"});
  }
  if (!device.vendor) {
    missing.push_back(
        {field("vendor"), "vendor id " + device.vendor_id + " is not in the table", list_command});
  }
}

Accelerator read_device(const Tree& tree, const std::string& address, std::string_view pci_class) {
  const std::string folder = "sys/bus/pci/devices/" + address;
  Accelerator device;
  device.pci_address = address;
  device.vendor_id = tree.text(folder + "/vendor").value_or("");
  device.device_id = tree.text(folder + "/device").value_or("");
  const Vendor* vendor = find_vendor(device.vendor_id);
  if (vendor != nullptr) device.vendor = std::string(vendor->name);
  device.kind = kind_of(pci_class, vendor);
  device.driver = uevent_value(tree, folder, "DRIVER");
  const auto node = tree.integer(folder + "/numa_node");  // -1: unknown
  if (node && *node >= 0 && *node <= 65535) device.numa_node = static_cast<int>(*node);
  device.virtual_functions = count_virtual_functions(tree, folder);
  device.name =
      device.driver == "nvidia" ? nvidia_name(tree, address) : tree.text(folder + "/product_name");
  device.driver_version =
      device.driver == "nvidia"
          ? nvidia_driver_version(tree)
          : tree.text(fmt::format("sys/module/{}/version", device.driver.value_or("none")));
  return device;
}

}  // namespace

std::vector<Accelerator> read_accelerators(const Tree& tree, std::vector<Missing>& missing) {
  std::vector<Accelerator> devices;
  // Names in the folder are addresses, so a device cannot appear twice.
  for (const std::string& address : tree.list("sys/bus/pci/devices")) {
    const std::string folder = "sys/bus/pci/devices/" + address;
    const std::string pci_class = tree.text(folder + "/class").value_or("");
    const bool wanted = pci_class.starts_with("0x03") || pci_class.starts_with("0x12");
    if (!wanted || tree.exists(folder + "/physfn")) continue;
    devices.push_back(read_device(tree, address, pci_class));
    explain(devices.back(), devices.size() - 1, missing);
  }
  if (!tree.exists("sys/bus/pci/devices")) {
    missing.push_back({"accelerators", tree.why("sys/bus/pci/devices")});
  }
  return devices;
}

}  // namespace ridgeline::machine
