// What can go wrong in a worker, on demand.
//
// crash (SIGSEGV) · abort · exit (status 3) · sigkill_self · hang (stopped, silent) ·
// hang_with_heartbeat (stuck, the reader thread goes on) · slow (duration_ns, with progress) ·
// flood_stdout (bytes) · garbage · nan · non_object · wrong_name · wrong_id · huge_line (bytes, no
// newline) · half_line (then exit 0) · close_pipe (then stuck) · oom (error oom.device with bytes)
// · bad_alloc (thrown) · error (of `class`) · ignore_stop (at "stop" only).
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/error.hpp"
#include "engines/scripted/script.hpp"
#include "protocol/timed_loop.hpp"

namespace ridgeline::scripted {

bool is_fault_kind(std::string_view kind);

/// Lets `fault` happen while request `id` is handled. Returns the Error to answer with, or nothing
/// when the worker goes on as if nothing had been; may throw or not return at all.
std::optional<Error> commit(const Fault& fault, std::int64_t id, protocol::Progress& progress);

}  // namespace ridgeline::scripted
