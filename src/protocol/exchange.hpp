// One request and the wait for its reply: deadlines, events, and everything a peer can do wrong.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "base/error.hpp"
#include "base/interrupt.hpp"
#include "base/json.hpp"
#include "protocol/channel.hpp"
#include "protocol/client.hpp"

namespace ridgeline::protocol {

/// Why the worker cannot be talked to any more. `reason` continues "<name> …".
struct ExchangeFailure {
  ErrorClass error_class = ErrorClass::kProtocol;
  std::string reason = {};
  bool lost = false;     ///< its pipes closed: it died, most likely
  bool at_once = false;  ///< no grace when it is killed
};

/// The reply's object, the Error that the worker reported, or the end of the conversation. Json is
/// only complete where <nlohmann/json.hpp> is included.
using ExchangeResult = std::variant<Json, Error, ExchangeFailure>;

/// What was asked and what must come back.
struct Asked {
  std::string_view message;
  std::string_view reply;
  std::int64_t id;
};

class Exchange {
 public:
  Exchange(Channel& channel, const Asked& asked, const Deadlines& deadlines, const Events& events,
           const Interrupt* interrupt);

  /// Waits for the end of the exchange; the request has been handed to the channel.
  ExchangeResult finish();

 private:
  std::optional<ExchangeResult> take_line();
  std::optional<ExchangeResult> take_reply(const Json& line);
  void take_event(std::string_view name, const Json& line);
  std::optional<ExchangeResult> on_interrupt();
  std::int64_t deadline() const;
  ExchangeFailure too_late() const;

  Channel& channel_;
  const Asked asked_;
  const Deadlines deadlines_;
  const Events& events_;
  const Interrupt* interrupt_;  // null once it was acted upon
  const std::int64_t begin_ns_;
  std::int64_t moved_ns_;  // when there was progress last
  std::optional<std::int64_t> heard_ns_;
  std::optional<std::int64_t> progress_;
  std::optional<std::int64_t> cpu_at_move_ns_;
  std::optional<std::int64_t> cpu_ns_;
  std::optional<std::int64_t> give_up_ns_;  // after an interrupt
};

}  // namespace ridgeline::protocol
