// What a sensor looks like to the rest: domains to read, and honest reasons for what is absent.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "base/json.hpp"

namespace ridgeline::telemetry {

enum class Quantity { kEnergy, kPower, kBandwidth };

inline constexpr std::array kQuantities = {Quantity::kEnergy, Quantity::kPower,
                                           Quantity::kBandwidth};

/// "energy", "power", "bandwidth": the first word of the metrics that need it.
std::string_view name_of(Quantity quantity);

/// SI unit: "J", "W", "B/s".
std::string_view unit_of(Quantity quantity);

/// One thing that a source can read, such as the energy of CPU package 0.
struct Domain {
  std::string id;  ///< unique within its source: "package-0"
  Quantity quantity = Quantity::kEnergy;
  std::string provenance;  ///< "counter" or "sampled"
  double resolution = 0;   ///< smallest step, in the unit of the quantity
};

/// A value of a domain: cumulative for energy, momentary otherwise.
struct Reading {
  std::string domain;
  std::int64_t ns = 0;  ///< CLOCK_MONOTONIC
  double value = 0;
};

/// Why a quantity cannot be had; `enable` is the command or step that would change it, or empty.
struct Absence {
  Quantity quantity = Quantity::kEnergy;
  std::string reason;
  std::string enable;
};

struct Probe {
  std::vector<Domain> domains;
  std::vector<Absence> absences;
};

/// A sensor of one kind (RAPL, NVML, hwmon, …): one file for each.
class Source {
 public:
  virtual ~Source() = default;
  virtual std::string_view name() const = 0;
  /// What can be read here and now; never fails, absences say why not.
  virtual Probe probe() = 0;
  /// One reading of every domain of probe().
  virtual Result<std::vector<Reading>> read() = 0;
};

/// [{quantity, reason, enable}], enable null when there is none: the "sensors" of `machine`.
Json to_json(const std::vector<Absence>& absences);

}  // namespace ridgeline::telemetry
