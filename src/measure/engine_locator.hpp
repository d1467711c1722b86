// Where the engines' programs are, and how they are started.
#pragma once

#include <string>
#include <vector>

#include "base/error.hpp"
#include "protocol/channel.hpp"

namespace ridgeline::measure {

/// The program of an engine: `ridgeline-engine-<name>` in the folder of this program, or the name
/// itself when it is a path. A mode (":compile") does not matter here. Missing: an environment
/// error that lists the engines that are there.
Result<std::string> locate_engine(const std::string& engine);

/// Names of the engines beside this program, sorted.
std::vector<std::string> installed_engines();

/// What starts a worker of `engine`. `python`, unless it is empty, reaches it as
/// RIDGELINE_ENGINE_PYTHON: the interpreter of engines written in Python.
Result<protocol::WorkerCommand> engine_command(const std::string& engine,
                                               const std::string& python);

/// The interpreter that `python` names: a path made absolute (links are kept: a virtual environment
/// is known by its link), or a name that is looked up in PATH. No program: a bad_input.
Result<std::string> find_python(const std::string& python, std::string_view where);

}  // namespace ridgeline::measure
