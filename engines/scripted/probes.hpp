// Ceilings with exactly known values: what the script's `probes` say to the message "probe".
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "base/json.hpp"

namespace ridgeline::scripted {

/// The answer to the probes that fit all its conditions; the first rule that fits answers.
struct ProbeRule {
  std::string kind;
  std::string device;  ///< empty: any, as for all conditions
  std::string dtype;
  std::string cores;
  std::optional<std::int64_t> threads;
  std::optional<std::int64_t> at_most_bytes;  ///< working sets up to it; one without bytes fits not
  std::optional<bool> pinned;
  double value = 0;
  std::optional<double> median;  ///< none: the value
  std::optional<double> round_trip;
  std::string unit;   ///< empty: that of the kind and dtype
  std::string error;  ///< class of an error instead of a value
};

/// Reads one rule: its members by their names.
Result<ProbeRule> parse_probe_rule(const Json& json);

/// The fields of the reply "probed", or the rule's error. Without a rule: unsupported.
Result<Json> answer_probe(const std::vector<ProbeRule>& rules, const Json& request);

}  // namespace ridgeline::scripted
