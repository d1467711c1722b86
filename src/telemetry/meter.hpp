// Meters: what reads the energy of one boundary, a counter and its power side by side.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "telemetry/recorder.hpp"

namespace ridgeline::telemetry {

/// A domain of a source.
struct DomainRef {
  Source* source = nullptr;
  std::size_t domain = 0;

  const Domain& operator*() const { return source->probe().domains[domain]; }
  const Domain* operator->() const { return &**this; }
};

/// At least one of `counter` and `power` is there.
struct Meter {
  std::string id;      ///< of the counter, else of the power: "package-0", "0000:17:00.0/energy"
  std::string scope;   ///< "package", "dram", "board", …
  std::string device;  ///< PCI address; empty: the host
  std::optional<DomainRef> counter;
  std::optional<DomainRef> power;
  /// Part of what counts as the energy of the work; the others are told apart from it, since they
  /// lie within it (a core within its package), around it (a node) or beside it (the host of a
  /// GPU).
  bool is_primary = false;
};

using Sources = std::vector<std::unique_ptr<Source>>;

/// The meters of the host, and of the accelerator at `device` when that is not empty.
///
/// Two sources that read the same host domain (same id) give one meter, of the first in `sources`.
/// A power domain belongs to the counter of the same device and scope whose id it starts with, or
/// on an accelerator the same scope; of several the one that is not averaged over a second.
/// Primary: of an accelerator its board, else its module, else its gpu; of the host all packages
/// and their dram, else the node, else psys.
std::vector<Meter> meters_of(const Sources& sources, const std::string& device);

/// "GPU board", "CPU packages and DRAM", …: the boundary of the primary meters, for people; empty
/// without any.
std::string boundary_name(const std::vector<Meter>& meters);

/// Temperatures, clocks and throttle times of the host, or of the accelerator at `device`.
std::vector<DomainRef> state_domains(const Sources& sources, const std::string& device);

/// Traffic and activity, and events of the CPU: of the accelerator at `device`, else of the host.
std::vector<DomainRef> traffic_domains(const Sources& sources, const std::string& device);

}  // namespace ridgeline::telemetry
