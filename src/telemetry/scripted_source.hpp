// A sensor of exactly known joules: test equipment, like the scripted engine.
//
// A JSON object; keys of a domain that are left out have the values shown:
//   {"domains":[{"id":"package-0","kind":"energy","scope":"package","device":"","power":100,
//                "period":0.001,"resolution":0,"start":0,"wraps_at":null,"resets":[],
//                "fails":[],"latency":0,"systematic":null},
//               {"id":"package-0/power","kind":"power","scope":"package","power":100}],
//    "absences":[{"kind":"traffic","reason":"…","enable":"…"}]}
// `power` is a Waveform; a domain of kind "traffic" takes bytes a second there, "temperature" Cel,
// "clock" Hz, "throttle_time" and "activity" seconds a second.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "base/error.hpp"
#include "telemetry/source.hpp"

namespace ridgeline::telemetry {

using ClockFunction = std::function<std::int64_t()>;

/// The source that a script describes; inline JSON (starts with a brace) or a file. Its time starts
/// when it is opened. At time t a cumulative domain shows
///   (start + joules(T(t)) − joules(last reset)) modulo wraps_at, rounded down to the resolution
/// with T(t) the last multiple of the period at or before t − latency; a momentary one the value of
/// its wave at T(t). `resets` are seconds at which a counter falls to 0, `fails` spans [from, to)
/// in which reading gives NaN.
Result<std::unique_ptr<Source>> open_scripted(const std::string& script);

/// The same on another clock.
Result<std::unique_ptr<Source>> open_scripted(const std::string& script, ClockFunction clock);

}  // namespace ridgeline::telemetry
