// What is compared and what it is given: configurations, workloads, and their ids.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/error.hpp"
#include "base/json.hpp"
#include "measure/workload.hpp"

namespace ridgeline::measure {

/// The value of an optimization knob.
using KnobValue = std::variant<bool, std::int64_t, std::string>;

/// "true" and "false" are booleans, whole numbers are integers, all else is text.
KnobValue knob_value_from_text(std::string_view text);
std::string to_text(const KnobValue& value);
Json to_json(const KnobValue& value);

/// One knob set to one value.
struct Knob {
  std::string id;
  KnobValue value;

  bool operator==(const Knob&) const = default;
};

/// What runs: everything that is fixed for the life of a worker.
struct Configuration {
  std::string engine;  ///< a program, and behind ':' its mode (engine_name.hpp)
  std::string model;
  std::optional<std::string> architecture;  ///< none: the first that the model's config names
  std::string weights;                      ///< "auto", "checkpoint", "synthetic" or "meta"
  std::string dtype;
  std::string device;
  std::optional<std::int64_t> threads;  ///< none: the engine's default
  std::optional<std::string> cores;     ///< canonical CPU list, "0-3"; none: all allowed ones
  std::int64_t seed = 0;
  bool optimize_auto = true;  ///< lossless optimizations are the engine's choice
  std::vector<Knob> knobs;    ///< fixed by the user, sorted by id
  /// Python of an engine that is written in it; empty: its own choice. No part of the id: it says
  /// where an engine is installed, and record.engine has the versions found there.
  std::string engine_python = {};

  bool operator==(const Configuration&) const = default;
};

/// The `configuration` part of a record: all members but the optimizations and engine_python.
Json to_json(const Configuration& configuration);

/// The `optimize` value that belongs to it: {"auto":true,"attention":"flash"}.
Json optimize_json(const Configuration& configuration);

/// The `optimizations` of `load` and `plan` on the wire: [{"id","value"}], `threads` and `cores`
/// first.
Json wire_optimizations(const Configuration& configuration);

/// The fields of the `load` message: model, architecture, weights, dtype, device, seed,
/// optimizations, and `optimize_auto` (the engine may choose knobs that are not listed). With a
/// mode in the engine's name also `mode`; of a preset also its `architecture` and `config` (its
/// config.json), so that an engine without our catalog can build the model.
Json load_fields(const Configuration& configuration);

/// 16 hexadecimal digits of to_json and optimize_json together.
std::string id_of(const Configuration& configuration);

/// A short line for people: "native google-bert/bert-base-uncased float32 cpu threads=2".
std::string describe(const Configuration& configuration);

/// The id of a case: 16 hexadecimal digits of a configuration and a workload.
std::string case_id(const Configuration& configuration, const Workload& workload);

}  // namespace ridgeline::measure
