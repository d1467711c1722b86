#include "base/error.hpp"

#include <array>

namespace ridgeline {
namespace {

struct Row {
  ErrorClass error_class;
  std::string_view name;
};

constexpr std::array kRows = {
    Row{ErrorClass::kBadInput, "bad_input"},
    Row{ErrorClass::kUnsupported, "unsupported"},
    Row{ErrorClass::kOomHost, "oom.host"},
    Row{ErrorClass::kOomDevice, "oom.device"},
    Row{ErrorClass::kCrash, "crash"},
    Row{ErrorClass::kTimeout, "timeout"},
    Row{ErrorClass::kProtocol, "protocol"},
    Row{ErrorClass::kEnvironment, "environment"},
    Row{ErrorClass::kInterrupted, "interrupted"},
    Row{ErrorClass::kInternal, "internal"},
};

}  // namespace

std::string_view wire_name(ErrorClass error_class) {
  for (const Row& row : kRows) {
    if (row.error_class == error_class) return row.name;
  }
  return "internal";
}

ErrorClass error_class_from(std::string_view name) {
  for (const Row& row : kRows) {
    if (row.name == name) return row.error_class;
  }
  return ErrorClass::kInternal;
}

std::string Error::line() const {
  std::string text = remedy.empty() ? message : message + "; " + remedy;
  // Names from hostile files end up in messages: a control character must not reach a terminal.
  for (char& c : text) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = '?';
  }
  return text;
}

}  // namespace ridgeline
