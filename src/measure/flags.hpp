// Flags of the record: from the machine's own form, and to the form that is printed.
#pragma once

#include <vector>

#include "base/json.hpp"
#include "machine/validity.hpp"
#include "results/record.hpp"

namespace ridgeline::measure {

/// The flags of the environment as those of a record.
std::vector<results::Flag> record_flags(const std::vector<machine::Flag>& flags);

/// [{id, severity, detail, advice}], the form of record.validity.flags.
Json flags_json(const std::vector<results::Flag>& flags);

}  // namespace ridgeline::measure
