// Errors as values: Error says what failed, where, and what to do; Result<T> carries a value or
// one.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

namespace ridgeline {

/// Classes of failure; the wire names in wire_name() appear in the protocol and in records.
enum class ErrorClass {
  kBadInput,     ///< a file, flag or value that cannot be used
  kUnsupported,  ///< understood, but this build or engine cannot do it
  kOomHost,      ///< host memory was or would be exhausted
  kOomDevice,    ///< accelerator memory was or would be exhausted
  kCrash,        ///< the worker died
  kTimeout,      ///< no progress within the deadline
  kProtocol,     ///< the peer broke the protocol
  kEnvironment,  ///< the machine lacks something
  kInterrupted,  ///< the user asked to stop
  kInternal,     ///< a defect of Ridgeline
};

/// The name used in JSON: "bad_input", "unsupported", "oom.host", "oom.device", "crash", "timeout",
/// "protocol", "environment", "interrupted", "internal".
std::string_view wire_name(ErrorClass error_class);

/// The class of a wire name; unknown names give kInternal.
ErrorClass error_class_from(std::string_view name);

/// An expected failure. `message` is one line (what and where), `remedy` says what to do.
struct Error {
  ErrorClass error_class = ErrorClass::kInternal;
  std::string message;
  std::string remedy = {};
  std::optional<std::int64_t> bytes_needed = {};

  /// "message; remedy" on one line, control characters replaced.
  std::string line() const;
};

inline Error bad_input(std::string message, std::string remedy = {}) {
  return {ErrorClass::kBadInput, std::move(message), std::move(remedy)};
}
inline Error unsupported(std::string message, std::string remedy = {}) {
  return {ErrorClass::kUnsupported, std::move(message), std::move(remedy)};
}
inline Error environment_error(std::string message, std::string remedy = {}) {
  return {ErrorClass::kEnvironment, std::move(message), std::move(remedy)};
}

/// A value or an Error. Ask has_value() (or the bool) before value(); error() only when there is
/// none.
template <typename T>
class [[nodiscard]] Result {
 public:
  Result(T from) : state_(std::move(from)) {}            // NOLINT(google-explicit-constructor)
  Result(Error failure) : state_(std::move(failure)) {}  // NOLINT(google-explicit-constructor)

  bool has_value() const { return std::holds_alternative<T>(state_); }
  explicit operator bool() const { return has_value(); }

  T& value() & { return std::get<T>(state_); }
  const T& value() const& { return std::get<T>(state_); }
  T&& value() && { return std::get<T>(std::move(state_)); }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T&& operator*() && { return std::move(*this).value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }

  const Error& error() const& { return std::get<Error>(state_); }
  Error&& error() && { return std::get<Error>(std::move(state_)); }

 private:
  std::variant<T, Error> state_;
};

/// Success, or an Error.
template <>
class [[nodiscard]] Result<void> {
 public:
  Result() = default;
  Result(Error failure) : error_(std::move(failure)) {}  // NOLINT(google-explicit-constructor)

  bool has_value() const { return !error_.has_value(); }
  explicit operator bool() const { return has_value(); }
  const Error& error() const& { return *error_; }
  Error&& error() && { return *std::move(error_); }

 private:
  std::optional<Error> error_;
};

using Status = Result<void>;

}  // namespace ridgeline

#define RIDGELINE_CONCAT_INNER(a, b) a##b
#define RIDGELINE_CONCAT(a, b) RIDGELINE_CONCAT_INNER(a, b)

/// RIDGELINE_TRY(auto x, f()): takes the value of a Result, or returns its error to the caller.
#define RIDGELINE_TRY(declaration, expression)                     \
  auto RIDGELINE_CONCAT(result_, __LINE__) = (expression);         \
  if (!RIDGELINE_CONCAT(result_, __LINE__).has_value())            \
    return std::move(RIDGELINE_CONCAT(result_, __LINE__)).error(); \
  declaration = std::move(RIDGELINE_CONCAT(result_, __LINE__)).value()

/// RIDGELINE_CHECK(f()): returns the error of a Status to the caller, if there is one.
#define RIDGELINE_CHECK(expression)                                  \
  do {                                                               \
    auto status_to_check = (expression);                             \
    if (!status_to_check) return std::move(status_to_check).error(); \
  } while (false)
