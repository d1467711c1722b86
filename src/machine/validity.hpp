// Checks of the environment: what about this machine makes its numbers less trustworthy.
#pragma once

#include <string>
#include <vector>

#include "base/json.hpp"
#include "machine/machine.hpp"
#include "machine/settings.hpp"

namespace ridgeline::machine {

/// `severity`: "warn" where numbers may be wrong or unsteady, "info" where a reader should know.
struct Flag {
  std::string id;
  std::string severity;
  std::string detail;
  std::string advice;
};

/// Flags for work on `threads` threads (0: not known yet). `machine` must come from before the work
/// starts, else its load average shows the work itself. docs/reducing-variance.md has every flag,
/// with the command that changes its cause and the one that changes it back.
std::vector<Flag> environment_flags(const Machine& machine, int threads = 0,
                                    const Settings& settings = {});

/// [{id, severity, detail, advice}], the form of record.validity.flags.
Json to_json(const std::vector<Flag>& flags);

}  // namespace ridgeline::machine
