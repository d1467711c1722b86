// `ridgeline peaks`: the ceilings of this machine, measured once and remembered.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "base/interrupt.hpp"
#include "base/json.hpp"
#include "machine/ceilings.hpp"
#include "machine/datasheet.hpp"
#include "machine/machine.hpp"
#include "measure/instruments.hpp"

namespace ridgeline::study {

struct PeaksProgress {
  std::string device;
  std::string probe;  ///< its id
  int number = 0;     ///< from 1
  int probes = 0;     ///< of this device
};

struct PeaksOptions {
  std::string engine = "native";
  std::string device = "all";       ///< "cpu", "cuda:0", or every one that the engine names
  std::optional<int> threads = {};  ///< none: one for each physical core that is allowed
  std::string cores = {};           ///< CPU list; empty: all that are allowed
  double seconds = 0.5;             ///< of each probe
  bool refresh = false;             ///< measure although it is remembered
  /// Read the power of the device while memory is read and products run: these probes then take the
  /// seconds that the sensors need. Needs `instruments`.
  bool power = false;
  /// Ids of the ceilings to measure; empty: all. A part is measured now and not remembered, since a
  /// set is whole or not there.
  std::vector<std::string> only = {};
  std::string cache = {};  ///< the file that remembers; empty: ceilings_path()
  /// Measures power at rest before the first worker; null: nobody does.
  const measure::Instruments* instruments = nullptr;
  const Interrupt* interrupt = nullptr;
  std::function<void(const PeaksProgress&)> on_progress = {};  ///< before each probe
};

/// The ceilings of one device, and what the vendor promises.
struct DevicePeaks {
  machine::CeilingSet set;
  bool cached = false;  ///< from an earlier time
  machine::Datasheet datasheet;
};

struct Peaks {
  std::string machine;  ///< fingerprint
  std::vector<DevicePeaks> devices;
  std::string not_kept;  ///< why the file could not be written; empty: it was, or need not be

  /// Devices without a single value, and probes that failed (what is unsupported did not fail).
  int failures() const;
};

/// Measures what the file does not have for this machine, engine, device, threads and cores; a set
/// in which something failed is measured again. A probe that fails is recorded with its reason and
/// the next one goes on, in a new worker if need be. The file is written once, at the end, so an
/// interrupt leaves it as it was.
///
/// Errors: no such engine, device or ceiling, threads or cores that cannot be, a file that is
/// damaged or of another machine (unless `refresh`), interrupted.
Result<Peaks> measure_peaks(const PeaksOptions& options, const machine::Machine& machine);

/// ridgeline-peaks/1 with, for each set, "cached", "age_seconds" (of `now`, UTC as utc_timestamp()
/// writes it), "datasheet" and "flags", and for each ceiling "datasheet" and "share".
Json to_json(const Peaks& peaks, const std::string& now);

}  // namespace ridgeline::study
