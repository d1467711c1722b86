// The figures of a record that comparisons are made of: medians of invocations, joules of trials.
// Made for records of any origin: what is missing or of a wrong type is not there.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.hpp"

namespace ridgeline::analysis {

/// The phase of that name; a shared null when there is none.
const Json& phase_of(const Json& record, std::string_view name);

/// Whether the outcome is "failed".
bool has_failed(const Json& record);

/// Medians in seconds of the invocations that ended well and measured the phase, by their index.
std::map<std::int64_t, double> medians_of(const Json& record, std::string_view phase);

/// The values alone, in the order of the indices.
std::vector<double> values_of(const std::map<std::int64_t, double>& medians);

/// Joules of a call in each energy trial of a phase (an element of record.phases).
std::vector<double> joules_of(const Json& phase);

/// "another <what>: <a> and <b>"; empty where both are equal or one is not known.
std::string other(const char* what, const std::string& a, const std::string& b);

/// Why two `items` of a phase are not the same work a call; empty when they are.
std::string different_items(const Json& a, const Json& b);

/// Why the joules of two phases were not measured alike (boundary, device); empty when they were.
std::string different_meters(const Json& base, const Json& now);

}  // namespace ridgeline::analysis
