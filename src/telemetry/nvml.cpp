// NVIDIA GPUs through NVML: energy, power, clocks, temperature, throttle time, traffic, activity.
#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <set>
#include <utility>

#include "base/clock.hpp"
#include "machine/system.hpp"
#include "machine/tree.hpp"
#include "telemetry/nvml/device.hpp"
#include "telemetry/nvml/device_facts.hpp"
#include "telemetry/nvml/source.hpp"
#include "telemetry/sources.hpp"

namespace ridgeline::telemetry {
namespace nvml {
namespace {

// More than any machine holds; bounds what a broken library can ask for.
constexpr std::uint32_t kMaxDevices = 256;

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

class NvmlSource final : public Source {
 public:
  NvmlSource(const Environment& environment, Clock clock)
      : tree_(environment.root), clock_(std::move(clock)) {
    Library::Opened opened = Library::open(environment.nvml);
    library_ = std::move(opened.library);
    if (library_ == nullptr) {
      explain_no_library(opened);
    } else {
      find_devices();
    }
    asked_.resize(probe_.domains.size());
    latest_.resize(probe_.domains.size());
  }

  std::string_view name() const override { return "nvml"; }
  const Probe& probe() const override { return probe_; }

  void read(std::span<const std::size_t> domains, std::vector<Reading>& readings) override {
    std::fill(asked_.begin(), asked_.end(), '\0');
    for (const std::size_t domain : domains) {
      if (domain < asked_.size()) asked_[domain] = 1;
    }
    std::size_t first = 0;
    for (Device& device : devices_) {
      const std::size_t count = device.domain_count();
      device.read(std::span(asked_).subspan(first, count),
                  std::span(latest_).subspan(first, count));
      first += count;
    }
    for (const std::size_t domain : domains) {
      Reading reading = domain < latest_.size() ? latest_[domain] : Reading{domain, clock_(), kNan};
      reading.domain = domain;
      readings.push_back(reading);
    }
  }

  std::vector<DeviceState> devices() override {
    std::vector<DeviceState> states;
    for (const Device& device : devices_) {
      states.push_back(read_facts(*library_, device.handle(), device.identity(), tree_));
    }
    return states;
  }

 private:
  // The same reason for each kind of quantity that this source would give.
  void absent(const std::string& reason, const std::string& enable) {
    for (const Kind kind : {Kind::kEnergy, Kind::kPower, Kind::kTraffic}) {
      probe_.absences.push_back({kind, reason, enable});
    }
  }

  bool has_nvidia_hardware() const {
    for (const std::string& address : tree_.list("sys/bus/pci/devices")) {
      const std::string folder = fmt::format("sys/bus/pci/devices/{}/", address);
      const auto vendor = tree_.text(folder + "vendor");
      const auto what = tree_.text(folder + "class");
      // Display controllers only: NVIDIA makes network cards and audio functions too.
      if (vendor == "0x10de" && what && what->starts_with("0x03")) return true;
    }
    return false;
  }

  void explain_no_library(const Library::Opened& opened) {
    const machine::Virtualization where = machine::read_virtualization(tree_);
    const std::string in_container = "run the container with --gpus all (or --runtime=nvidia)";
    if (opened.obstacle == Library::Obstacle::kNotNvml) return absent(opened.message, "");
    if (opened.obstacle == Library::Obstacle::kInit) {
      const bool container = where.container && (opened.status == Return::kDriverNotLoaded ||
                                                 opened.status == Return::kOperatingSystem);
      const bool files = opened.status == Return::kNoPermission;
      return absent(fmt::format("NVML does not start: {}", opened.message),
                    container ? in_container
                    : files   ? "give this user read and write access to /dev/nvidiactl and "
                                "/dev/nvidia0"
                              : remedy_of(opened.status));
    }
    if (has_nvidia_hardware()) {
      return absent(fmt::format("the NVIDIA driver's library does not open ({})", opened.message),
                    where.container ? in_container : "install the NVIDIA driver");
    }
    if (where.container) {
      return absent(fmt::format("no NVIDIA GPU in this {} container", *where.container),
                    fmt::format("if the host has one: {}", in_container));
    }
    if (where.is_virtual) {
      return absent("virtual machine without a passed-through NVIDIA GPU", "");
    }
    absent("no NVIDIA GPU on the PCI bus", "");
  }

  void find_devices() {
    std::uint32_t count = 0;
    const Return counted = call((*library_)->device_count, &count);
    if (counted != Return::kSuccess) {
      return absent(fmt::format("NVML lists no GPU: {}", reason_of(counted)), remedy_of(counted));
    }
    if (count == 0) {
      return absent("the NVIDIA driver sees no GPU",
                    "containers: --gpus all or NVIDIA_VISIBLE_DEVICES=all; else look at lspci "
                    "-d 10de: and sudo dmesg");
    }
    std::set<std::string> known;
    for (std::uint32_t index = 0; index < std::min(count, kMaxDevices); ++index) {
      DeviceHandle handle = nullptr;
      const Return got = call((*library_)->handle_by_index, index, &handle);
      if (got != Return::kSuccess) {
        absent(fmt::format("GPU {}: {}", index, reason_of(got)), remedy_of(got));
        continue;
      }
      auto identity = identify(*library_, handle, index);
      if (!identity) {
        absent(identity.error().message, identity.error().remedy);
        continue;
      }
      if (!known.insert(identity->pci_address).second) continue;
      devices_.emplace_back(library_, handle, *std::move(identity), tree_, clock_, probe_);
    }
  }

  machine::Tree tree_;
  Clock clock_;
  std::shared_ptr<const Library> library_;
  Probe probe_;
  std::vector<Device> devices_;
  std::vector<char> asked_;
  std::vector<Reading> latest_;
};

}  // namespace

std::unique_ptr<Source> open_source(const Environment& environment, const Clock& clock) {
  return std::make_unique<NvmlSource>(environment, clock);
}

}  // namespace nvml

std::unique_ptr<Source> open_nvml(const Environment& environment) {
  return nvml::open_source(environment, [] { return now_ns(); });
}

}  // namespace ridgeline::telemetry
