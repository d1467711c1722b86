// Which probes find the ceilings of a device, and how large their working sets must be.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "base/json.hpp"
#include "machine/ceilings.hpp"
#include "machine/machine.hpp"

namespace ridgeline::study {

/// A question to the engine. Of `ceiling` the members that say what is asked are set; one with a
/// reason cannot be measured here and is not asked.
struct Probe {
  machine::Ceiling ceiling;
  std::optional<bool> pinned = {};  ///< host memory of a transfer
};

/// The probes of the processor, of `threads` threads that may run on machine.allowed; `cores` as
/// asked for (empty: all). Memory over all nodes and, where there are several, of each; read by one
/// thread; each cache level; matrix products.
///
/// Working sets: half of what the threads have of a cache, if that is at least twice the level
/// above; of memory four times all last-level caches for each array (STREAM), at least 64 MiB, and
/// less (but four times the caches in all) where half of the free memory does not hold it; in a
/// virtual machine at least 2 GiB in all, since the host's caches are not visible.
std::vector<Probe> cpu_probes(const machine::Machine& machine, int threads,
                              const std::string& cores);

/// The probes of an accelerator: its memory, matrix products, launch, transfers.
std::vector<Probe> accelerator_probes();

/// The fields of the message `probe`. `steady_seconds` above 0: the load is to end in so much time
/// without pauses.
Json probe_fields(const Probe& probe, std::string_view device, double seconds,
                  double steady_seconds = 0);

/// Puts the reply into the probe's ceiling; what cannot be (no number above 0, another unit) is a
/// protocol error.
Status take_reply(const Json& reply, machine::Ceiling& ceiling);

}  // namespace ridgeline::study
