// What a user writes for an engine: a worker program and, behind a colon, the mode it runs in.
#pragma once

#include <string>
#include <string_view>

#include "base/error.hpp"

namespace ridgeline::measure {

/// "transformers:compile" as its two parts.
struct EngineName {
  std::string program;  ///< "transformers", or a path
  std::string mode;     ///< "compile"; empty: the engine's default

  bool is_path() const { return program.find('/') != std::string::npos; }
};

/// The parts of `name`: the mode is what follows the first ':' behind the last '/'.
EngineName parse_engine(std::string_view name);

/// An error when a part is empty or the mode has other characters than letters, digits, '-', '_'
/// and '.'. Which modes there are only the engine knows.
Status check_engine(std::string_view name, std::string_view where);

}  // namespace ridgeline::measure
