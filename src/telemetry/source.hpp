// What a sensor looks like to the rest: domains to read, devices it knows, honest absences.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.hpp"
#include "telemetry/device_state.hpp"

namespace ridgeline::telemetry {

/// What a domain says. Cumulative kinds only grow (but for a wrap or a reset) from an arbitrary
/// start; the others are momentary.
enum class Kind {
  kEnergy,        ///< J, cumulative
  kPower,         ///< W
  kClock,         ///< Hz
  kTemperature,   ///< Cel (degrees Celsius)
  kThrottleTime,  ///< s, cumulative: time spent below the clock that was asked for
  kTraffic,       ///< B, cumulative: bytes that crossed an interface
  kActivity,      ///< s, cumulative: a unit's share of activity, summed over time
  kEvents,        ///< 1, cumulative: instructions, cycles
};

/// "energy", "power", "clock", "temperature", "throttle_time", "traffic", "activity", "events".
std::string_view name_of(Kind kind);

/// "J", "W", "Hz", "Cel", "s", "B", "s", "1" (UCUM).
std::string_view unit_of(Kind kind);

bool is_cumulative(Kind kind);

/// One thing that a source can read, such as the energy of CPU package 0.
struct Domain {
  std::string id;  ///< unique within its source, the same in every run: "package-0"
  Kind kind = Kind::kEnergy;
  /// What it covers. Energy and power: "package", "core", "uncore", "dram", "psys", "node",
  /// "board", "gpu", "module", "memory". Traffic: "dram", "pcie_rx", "pcie_tx", "nvlink_rx",
  /// "nvlink_tx". Others: the unit's name ("sm", "tensor") or the cause ("sw_thermal").
  std::string scope;
  std::string device = {};      ///< PCI address of an accelerator ("0000:17:00.0"); empty: the host
  std::string provenance = {};  ///< "counter", "sampled" or "modelled" (an estimate of the vendor)
  double resolution = 0;        ///< smallest step, in the unit of the kind
  std::optional<double> update_period = {};  ///< s, as documented; calibration measures it
  std::optional<double> wraps_at = {};       ///< starts again at 0 on reaching this; none: never
  std::optional<double> systematic = {};     ///< relative error that repeating does not show
  std::string note = {};                     ///< "averaged over 1 s"
};

/// A value of a domain. NaN when it could not be read this time.
struct Reading {
  std::size_t domain = 0;  ///< index in probe().domains
  std::int64_t ns = 0;     ///< CLOCK_MONOTONIC: when the value held, or the middle of the call
  double value = 0;
};

/// Why a kind cannot be had from a source; `enable` is the command or step that would change it, or
/// empty. `device` as in Domain.
struct Absence {
  Kind kind = Kind::kEnergy;
  std::string reason;
  std::string enable = {};
  std::string device = {};
  std::string scope = {};  ///< empty: every scope of the kind
};

struct Probe {
  std::vector<Domain> domains;
  std::vector<Absence> absences;
};

/// A sensor of one kind (RAPL, NVML, hwmon, …): one file for each. Opening never fails: a source
/// that finds nothing has no domains, and absences that say why. One thread at a time.
class Source {
 public:
  virtual ~Source() = default;
  virtual std::string_view name() const = 0;
  /// What can be read here; found when the source was opened, and fixed from then on.
  virtual const Probe& probe() const = 0;
  /// Appends one reading of each of `domains` (indices of probe().domains), in one go as far as the
  /// interface allows. Allocates nothing else; never fails: what cannot be read is NaN.
  virtual void read(std::span<const std::size_t> domains, std::vector<Reading>& readings) = 0;
  /// The accelerators that it knows, as they are now; empty for sensors of the host.
  virtual std::vector<DeviceState> devices() { return {}; }
};

/// [{kind, source, scope, device, reason, enable}], null where empty: the absences of `machine`.
Json to_json(std::string_view source, const std::vector<Absence>& absences);

/// [{source, id, kind, unit, scope, device, provenance, resolution, update_period, wraps_at,
/// systematic, note}], null where there is none: the domains of `machine`.
Json to_json(std::string_view source, const std::vector<Domain>& domains);

}  // namespace ridgeline::telemetry
