// The message "probe": one ceiling of one device, at one working set.
#pragma once

#include "base/error.hpp"
#include "base/json.hpp"
#include "protocol/timed_loop.hpp"

namespace ridgeline::native {

/// Fields, all but the first optional: "kind" (read, write, copy, triad, gemm, launch, h2d, d2h);
/// "device" ("cpu", "cuda:0"); "dtype" of a gemm (float64, float32, tfloat32, bfloat16, float16,
/// int8, float8_e4m3); "bytes", the working set of all arrays; "size" of a gemm; "threads" and
/// "cores" ("0-3") on the CPU, one thread bound to each CPU; "pinned" host memory of h2d and d2h;
/// "seconds" (0.5), after which no repetition starts.
///
/// Answers {"value", "unit", "median", "samples", "seconds", "kernel"} and, where they apply,
/// "bytes", "bytes_per_repetition", "flops_per_repetition", "size", "threads", "round_trip",
/// "note": members of ceilings::Ceiling. Errors: bad_input; unsupported, for what the device or
/// this build has not; environment; oom.host and oom.device with the bytes, before anything is
/// allocated.
Result<Json> probe(const Json& fields, protocol::Progress& progress);

}  // namespace ridgeline::native
