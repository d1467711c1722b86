// What this machine was measured to do at best, and the file that remembers it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "base/json.hpp"

namespace ridgeline::machine {

/// One measured ceiling, or why there is none. Rates are those of the best repetition; bytes are
/// counted as STREAM counts them: read 1, write 1, copy 2, triad 3 arrays.
struct Ceiling {
  std::string id;    ///< "read", "read.l2", "read.node0", "read.one_thread", "gemm.bfloat16", …
  std::string kind;  ///< "read", "write", "copy", "triad", "gemm", "launch", "h2d" or "d2h"
  std::string unit;  ///< "B/s", "FLOP/s", "OP/s" or "s"
  std::optional<double> value = {};   ///< the best repetition
  std::optional<double> median = {};  ///< of all repetitions
  std::int64_t samples = 0;           ///< repetitions
  double seconds = 0;                 ///< that they took
  std::string dtype = {};             ///< of a gemm
  int threads = 0;                    ///< on the CPU; 0: an accelerator
  std::string cores = {};             ///< the CPUs it was bound to; empty: all that are allowed
  std::optional<int> node = {};       ///< NUMA node
  std::string level = {};             ///< of a bandwidth on the CPU: "l1", "l2", "l3" or "memory"
  std::optional<std::int64_t> capacity = {};  ///< B of that level that the threads have
  std::optional<std::int64_t> bytes = {};     ///< working set of all arrays
  std::optional<std::int64_t> size = {};      ///< rows and columns of a gemm
  std::optional<double> round_trip = {};      ///< s, of a launch: until its end is seen
  std::optional<double> power = {};  ///< W of the device under this load, steadily; none: not read
  std::string kernel = {};
  std::string note = {};
  std::string reason = {};       ///< why there is no value
  std::string enable = {};       ///< what would make it available
  std::string error_class = {};  ///< of the failure: "unsupported", "oom.host", "crash", …

  /// No value for another reason than that device or engine cannot do it: worth another try.
  bool failed() const;
};

/// Power without work, before anything was run; measured with the sensors, not by an engine.
struct IdlePower {
  std::optional<double> value = {};  ///< W
  std::string source = {};           ///< "counter", "sampled"
  std::string reason = "not measured here: a probe of an engine cannot read power";
  std::string enable = {};
};

/// The ceilings of one device as one engine reached them on some threads and cores.
struct CeilingSet {
  std::string engine;
  std::string engine_version;  ///< with those of its libraries
  std::string device;          ///< "cpu", "cuda:0"
  std::string device_name = {};
  std::string pci_address = {};       ///< of an accelerator; empty: not known
  std::optional<double> memory = {};  ///< B of an accelerator, as the engine says
  int threads = 0;                    ///< on the CPU; 0: an accelerator
  std::string cores = {};             ///< as asked for; empty: all that are allowed
  std::string measured_at;            ///< UTC
  std::string note = {};  ///< what was wrong when they were measured: other work on the machine
  std::vector<Ceiling> ceilings;
  IdlePower idle_power;

  const Ceiling* find(std::string_view id) const;
  /// Whether `other` was measured under the same conditions, so that the newer one replaces it.
  bool same_conditions(const CeilingSet& other) const;
};

/// All sets of one machine.
struct Ceilings {
  std::string machine;  ///< fingerprint()
  std::vector<CeilingSet> sets;

  /// Adds a set, in the place of one of the same conditions.
  void put(CeilingSet set);
};

inline constexpr std::string_view kPeaksSchema = "ridgeline-peaks/1";

/// {"schema","machine","sets":[…]}: members as above, null where there is none.
Json to_json(const Ceilings& ceilings);
Json to_json(const CeilingSet& set);

/// Reads what to_json() wrote, members it does not know aside. What cannot be is an error: a value
/// that is not above 0, no value and no reason, too many entries.
Result<Ceilings> ceilings_from_json(const Json& json, std::string_view what);

/// ${XDG_CACHE_HOME:-~/.cache}/ridgeline/peaks-<fingerprint>.json; an error without a home folder.
Result<std::string> ceilings_path(const std::string& fingerprint);

/// The ceilings in a file; none where there is no file. Damaged, or of another machine: an error
/// that says so.
Result<Ceilings> read_ceilings(const std::string& path, const std::string& fingerprint);

/// Writes the file whole or not at all, making its folders.
Status write_ceilings(const std::string& path, const Ceilings& ceilings);

}  // namespace ridgeline::machine
