// Starting and watching scripted workers in tests.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <memory>
#include <string>

#include "base/json.hpp"
#include "protocol/client.hpp"
#include "unit/protocol/scratch.hpp"

namespace ridgeline::protocol {

/// Long enough for anything that works, on a loaded machine under a sanitizer.
inline constexpr Deadlines kPatient{std::chrono::seconds(30), std::chrono::seconds(0)};

WorkerCommand scripted(const std::string& script, const std::string& log_path = {});

/// A worker through hello, load and plan.
Result<std::unique_ptr<Worker>> planned_worker(const std::string& script,
                                               const Interrupt* interrupt = nullptr,
                                               const std::string& log_path = {});

/// The fields of a run of phase "forward".
Json run_fields(const std::string& samples, std::int64_t calls);

/// True when within two seconds no live process of the group is left (zombies do not count).
bool group_is_gone(pid_t group);
/// True when this process has no child, dead or alive.
bool has_no_child();

}  // namespace ridgeline::protocol
