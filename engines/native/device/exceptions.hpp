// What an exception of torch or of the library says, in one line.
#pragma once

#include <exception>
#include <string>

namespace ridgeline::native {

/// The first line, without torch's stack trace.
std::string line_of(const std::exception& exception);

}  // namespace ridgeline::native
