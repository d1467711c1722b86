// One GPU: what it can be asked, and the asking.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "machine/tree.hpp"
#include "telemetry/nvml/fields.hpp"
#include "telemetry/nvml/gpm.hpp"
#include "telemetry/nvml/library.hpp"
#include "telemetry/source.hpp"

namespace ridgeline::telemetry::nvml {

struct Identity {
  std::uint32_t index = 0;  ///< NVML's, which nvidia-smi shows; CUDA's order is another
  std::string pci_address;  ///< "0000:17:00.0"
  std::string uuid;
  std::string name;
  std::uint32_t architecture = kArchitectureUnknown;
  bool mig = false;
};

/// Who the GPU is; an error when it has no address to be known by.
Result<Identity> identify(const Library& library, DeviceHandle handle, std::uint32_t index);

class Device {
 public:
  /// Finds out what the GPU answers. Domains and absences are appended to `probe`; the domains of
  /// one device stand together.
  Device(std::shared_ptr<const Library> library, DeviceHandle handle, Identity identity,
         const machine::Tree& tree, const Clock& clock, Probe& probe);

  std::size_t domain_count() const { return channels_.size(); }

  /// Fills readings[i] for every i with asked[i] != 0; both have domain_count() entries. Fields go
  /// in one call. `ns` of what is read by a call is the middle of that call: the driver's own time
  /// stamps are of the real-time clock, which may be stepped, in whole microseconds, and some
  /// drivers leave them 0; the call takes a few milliseconds at most, a counter's period 20 to 100.
  void read(std::span<const char> asked, std::span<Reading> readings);

  const Identity& identity() const { return identity_; }
  DeviceHandle handle() const { return handle_; }

 private:
  enum class How { kField, kEnergyCall, kPowerCall, kClockCall, kTemperatureCall, kGpm };
  /// How a domain is read.
  struct Channel {
    How how = How::kField;
    std::uint32_t argument = 0;  // field, clock, or row of gpm_rows()
    std::uint32_t scope_id = 0;
    double scale = 1;
    bool zero_is_nothing = false;
  };

  // In device_probe.cpp.
  void probe_device(const machine::Tree& tree, Probe& probe);
  void probe_energy(Probe& probe);
  void probe_sampled(Probe& probe);
  void probe_power_usage(Probe& probe, Return field_status);
  void probe_calls(Probe& probe);
  void probe_throttle(Probe& probe);
  void probe_gpm(const machine::Tree& tree, Probe& probe);
  void add(Probe& probe, Domain domain, Channel channel);
  void add_field(Probe& probe, const FieldRow& row, ValueType type);
  void add_absence(Probe& probe, Kind kind, std::string scope, std::string reason,
                   std::string enable) const;
  std::vector<FieldValue> answers(std::span<const FieldRow> rows) const;

  double call_number(const Channel& channel) const;
  void read_fields(std::span<const char> asked, std::span<Reading> readings);

  std::shared_ptr<const Library> library_;
  DeviceHandle handle_;
  Identity identity_;
  Clock clock_;
  std::vector<Channel> channels_;
  std::vector<FieldValue> batch_;  // reserved for every field channel
  std::unique_ptr<GpmCounter> gpm_;
};

/// Temperature of the GPU in degrees Celsius, by whichever function the library has.
Return read_temperature(const Library& library, DeviceHandle handle, double& celsius);

}  // namespace ridgeline::telemetry::nvml
