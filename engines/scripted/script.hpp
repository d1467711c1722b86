// The script of the scripted engine: what it pretends to be, how long things take, what goes wrong.
//
// A JSON object, all keys optional, unknown keys refused:
//   {"name":"scripted","clock":"real|virtual","seed":1,"heartbeat_ms":1000,
//    "parameters":1000,"weights_bytes":4000,
//    "stages":{"library":1000000,"read":2000000,"transfer":0},
//    "phases":{"forward":{"duration_ns":2000000,"per_token_ns":0,
//                         "first_calls":{"count":100,"factor":5},"drift_per_call":0.0001,
//                         "noise":{"kind":"none|white|ar1","rho":0.5,"sigma":0.01,"seed":1},
//                         "outliers":{"every":100,"factor":3},
//                         "process_spread":0.01,"device":false,"growing":false,"cost":{…}}},
//    "knobs":{"turbo":{"stage":"plan","values":["off","on"],"default":"off","factor":0.8,
//                      "lossless":true,"refused":"why it cannot be applied"}},
//    "memory":{…},
//    "devices":[{"kind":"cuda","ordinal":0,"name":"NVIDIA H200"}],
//    "probes":[{"kind":"read","device":"cpu","threads":2,"at_most_bytes":1000,"value":1e10}],
//    "faults":[{"at":"run","kind":"crash","invocation":0,"batch":8,"sequence":128,
//               "phase":"forward","call":10,"times":1,"duration_ns":1000000000,"bytes":100000000,
//               "class":"internal"}]}
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/error.hpp"
#include "base/json.hpp"
#include "engines/scripted/probes.hpp"

namespace ridgeline::scripted {

/// How long the calls of a phase take; see Timeline for the formula.
struct PhaseScript {
  std::string name;
  double duration_ns = 1e6;
  double per_token_ns = 0;  ///< added for every token of the workload
  std::int64_t first_calls = 0;
  double first_factor = 1;
  double drift_per_call = 0;
  double noise_rho = 0;    ///< 0: white
  double noise_sigma = 0;  ///< standard deviation of the noise, as a share of the duration
  std::int64_t noise_seed = 0;
  std::int64_t outlier_every = 0;  ///< 0: never
  double outlier_factor = 1;
  double process_spread = 0;  ///< standard deviation of the log of a process's own factor
  bool device = false;        ///< gives device_ns
  bool growing = false;
  std::shared_ptr<const Json> cost;  ///< replaces the default cost; null: default
};

/// A declared optimization.
struct KnobScript {
  std::string id;
  std::string stage = "plan";
  std::vector<std::string> values;
  std::string usual;  ///< the default value
  double factor = 1;  ///< on durations when another value than the default is applied
  bool lossless = true;
  std::string refused;  ///< not empty: never applied, for this reason
};

/// Something that goes wrong at a message; the kinds are in faults.hpp.
struct Fault {
  std::string at;
  std::string kind;
  std::optional<std::int64_t> invocation;
  std::optional<std::int64_t> batch;
  std::optional<std::int64_t> sequence;
  std::string phase;        ///< of a run; empty: any
  std::int64_t call = -1;   ///< of a run: before this call (0 is the first); -1: before the loop
  std::int64_t times = -1;  ///< how often in a process; -1: always
  std::int64_t duration_ns = 300'000'000;
  std::int64_t bytes = 100'000'000;
  ErrorClass error_class = ErrorClass::kInternal;
};

struct Script {
  std::string name = "scripted";
  bool virtual_clock = false;
  std::int64_t seed = 1;
  std::int64_t heartbeat_ms = 1000;
  std::int64_t parameters = 1000;
  std::int64_t weights_bytes = 4000;
  std::vector<std::pair<std::string, std::int64_t>> stages;
  std::vector<PhaseScript> phases;  ///< default: preprocess (0.1 ms) and forward (1 ms)
  std::vector<KnobScript> knobs;    ///< default: threads and turbo
  std::shared_ptr<const Json> memory;
  std::shared_ptr<const Json> devices;  ///< of hello, a list; null: one CPU
  std::vector<ProbeRule> probes;
  std::vector<Fault> faults;
};

/// Reads a script from inline JSON (starts with a brace) or from a file.
Result<Script> read_script(const std::string& reference);

}  // namespace ridgeline::scripted
