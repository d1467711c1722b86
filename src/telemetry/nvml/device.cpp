// Reads one GPU: fields in one call, then what only has a call of its own, then GPM.
#include "telemetry/nvml/device.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "telemetry/device_match.hpp"

namespace ridgeline::telemetry::nvml {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

double megahertz(const Library& library, DeviceHandle handle, std::uint32_t clock) {
  std::uint32_t value = 0;
  const Return read = call(library->clock, handle, clock, &value);
  return read == Return::kSuccess ? value : kNan;
}

double millijoules(const Library& library, DeviceHandle handle) {
  unsigned long long value = 0;
  const Return read = call(library->total_energy, handle, &value);
  return read == Return::kSuccess ? static_cast<double>(value) : kNan;
}

double milliwatts(const Library& library, DeviceHandle handle) {
  std::uint32_t value = 0;
  const Return read = call(library->power_usage, handle, &value);
  return read == Return::kSuccess ? value : kNan;
}

}  // namespace

Result<Identity> identify(const Library& library, DeviceHandle handle, std::uint32_t index) {
  Identity identity;
  identity.index = index;
  PciInfo pci{};
  const Return located = call(library->pci_info, handle, &pci);
  if (located != Return::kSuccess) {
    return environment_error(
        fmt::format("GPU {} has no PCI address: {}", index, reason_of(located)),
        remedy_of(located));
  }
  pci.bus_id[sizeof pci.bus_id - 1] = '\0';
  identity.pci_address = normalize_pci_address(pci.bus_id);
  if (identity.pci_address.empty()) {
    identity.pci_address = fmt::format("{:04x}:{:02x}:{:02x}.0", pci.domain, pci.bus, pci.device);
  }
  constexpr auto kRoom = static_cast<std::uint32_t>(kTextSize);
  char text[kTextSize + 1] = {};
  if (call(library->uuid, handle, text, kRoom) == Return::kSuccess) identity.uuid = text;
  std::fill(std::begin(text), std::end(text), '\0');
  if (call(library->name, handle, text, kRoom) == Return::kSuccess) identity.name = text;
  std::uint32_t architecture = kArchitectureUnknown;
  if (call(library->architecture, handle, &architecture) == Return::kSuccess) {
    identity.architecture = architecture;
  }
  std::uint32_t mig = 0;
  std::uint32_t pending = 0;
  identity.mig = call(library->mig, handle, &mig, &pending) == Return::kSuccess && mig == 1;
  return identity;
}

Return read_temperature(const Library& library, DeviceHandle handle, double& celsius) {
  std::uint32_t old_style = 0;
  const Return read = call(library->temperature, handle, kTemperatureGpu, &old_style);
  celsius = old_style;
  if (read == Return::kSuccess) return read;
  Temperature temperature{kTemperatureV1, kTemperatureGpu, 0};
  const Return newer = call(library->temperature_v1, handle, &temperature);
  celsius = temperature.temperature;
  // The first answer says more where the newer function is only missing.
  return newer == Return::kFunctionNotFound ? read : newer;
}

Device::Device(std::shared_ptr<const Library> library, DeviceHandle handle, Identity identity,
               const machine::Tree& tree, const Clock& clock, Probe& probe)
    : library_(std::move(library)), handle_(handle), identity_(std::move(identity)), clock_(clock) {
  probe_device(tree, probe);
  const auto fields = std::count_if(channels_.begin(), channels_.end(), [](const Channel& channel) {
    return channel.how == How::kField;
  });
  batch_.reserve(static_cast<std::size_t>(fields));
}

void Device::read(std::span<const char> asked, std::span<Reading> readings) {
  read_fields(asked, readings);
  bool counted = false;
  for (std::size_t i = 0; i < channels_.size(); ++i) {
    const Channel& channel = channels_[i];
    if (asked[i] == 0 || channel.how == How::kField) continue;
    if (channel.how == How::kGpm) {
      if (!counted) gpm_->update();
      counted = true;
      readings[i].value = gpm_->total(channel.argument);
      readings[i].ns = gpm_->sample_ns();
      continue;
    }
    const std::int64_t before = clock_();
    const double value = call_number(channel) * channel.scale;
    const std::int64_t after = clock_();
    readings[i].value = value == 0 && channel.zero_is_nothing ? kNan : value;
    readings[i].ns = before + (after - before) / 2;
  }
}

void Device::read_fields(std::span<const char> asked, std::span<Reading> readings) {
  batch_.clear();
  for (std::size_t i = 0; i < channels_.size(); ++i) {
    if (asked[i] == 0 || channels_[i].how != How::kField) continue;
    FieldValue& value = batch_.emplace_back();
    value.field = channels_[i].argument;
    value.scope = channels_[i].scope_id;
    value.status = Return::kNotSupported;
  }
  if (batch_.empty()) return;
  const std::int64_t before = clock_();
  const Return read =
      call((*library_)->field_values, handle_, static_cast<int>(batch_.size()), batch_.data());
  const std::int64_t after = clock_();
  std::size_t next = 0;
  for (std::size_t i = 0; i < channels_.size(); ++i) {
    if (asked[i] == 0 || channels_[i].how != How::kField) continue;
    const double raw = read == Return::kSuccess ? number_of(batch_[next]) : kNan;
    ++next;
    readings[i].value = raw == 0 && channels_[i].zero_is_nothing ? kNan : raw * channels_[i].scale;
    readings[i].ns = before + (after - before) / 2;
  }
}

double Device::call_number(const Channel& channel) const {
  switch (channel.how) {
    case How::kEnergyCall:
      return millijoules(*library_, handle_);
    case How::kPowerCall:
      return milliwatts(*library_, handle_);
    case How::kClockCall:
      return megahertz(*library_, handle_, channel.argument);
    case How::kTemperatureCall: {
      double celsius = kNan;
      const Return read = read_temperature(*library_, handle_, celsius);
      return read == Return::kSuccess ? celsius : kNan;
    }
    case How::kField:
    case How::kGpm:
      break;
  }
  return kNan;
}

}  // namespace ridgeline::telemetry::nvml
