// Torch's exceptions carry the stack trace in what().
#include "engines/native/device/exceptions.hpp"

#include <c10/util/Exception.h>

#include <algorithm>

namespace ridgeline::native {

std::string line_of(const std::exception& exception) {
  const auto* torch = dynamic_cast<const c10::Error*>(&exception);
  std::string text = torch != nullptr ? torch->what_without_backtrace() : exception.what();
  text.resize(std::min(text.find('\n'), text.size()));
  return text;
}

}  // namespace ridgeline::native
