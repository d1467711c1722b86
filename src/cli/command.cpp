// Errors to exit codes.
#include "cli/command.hpp"

#include <cstdio>

namespace ridgeline::cli {

int exit_code_for(const Error& error) {
  switch (error.error_class) {
    case ErrorClass::kBadInput:
    case ErrorClass::kUnsupported:
      return kWrongUsage;
    case ErrorClass::kEnvironment:
      return kEnvironment;
    case ErrorClass::kInterrupted:
      return kInterrupted;
    case ErrorClass::kOomHost:
    case ErrorClass::kOomDevice:
    case ErrorClass::kCrash:
    case ErrorClass::kTimeout:
    case ErrorClass::kProtocol:
    case ErrorClass::kInternal:
      return kCaseFailed;
  }
  return kCaseFailed;
}

int fail(const Error& error) {
  std::fprintf(stderr, "ridgeline: %s\n", error.line().c_str());
  return exit_code_for(error);
}

}  // namespace ridgeline::cli
