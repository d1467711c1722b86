// The protocol between coordinator and worker: names, limits, lines. One JSON object a line.
//
// Request: {"message":"load","id":7,…}; reply: {"reply":"loaded","id":7,…}; failure:
// {"reply":"error","id":7,"class":"oom.host","message":"…","remedy":"…","bytes":123}; events while
// a request is handled: {"event":"started"|"heartbeat"|…,"id":7,…}. "stop" has no id and no reply.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "base/json.hpp"

namespace ridgeline::protocol {

inline constexpr int kProtocolVersion = 1;
/// Descriptors of the worker.
inline constexpr int kRequestDescriptor = 3;
inline constexpr int kReplyDescriptor = 4;
/// Longest line, newline excluded.
inline constexpr std::size_t kMaxLine = std::size_t{16} << 20;
/// The id in an error about a line from which no id could be read.
inline constexpr std::int64_t kNoId = -1;

/// The reply that answers a message ("load" → "loaded"); empty for a message that has none.
std::optional<std::string_view> reply_name(std::string_view message);

/// One line without newline: `fields` (an object or null) behind {"message":…,"id":…}.
std::string encode_request(std::string_view message, std::int64_t id, const Json& fields);
std::string encode_reply(std::string_view reply, std::int64_t id, const Json& fields);
std::string encode_event(std::string_view event, std::int64_t id, const Json& fields);
std::string encode_error(std::int64_t id, const Error& error);
/// {"message":"stop"}
std::string encode_stop();

/// What a worker's line is.
enum class LineKind { kReply, kError, kEvent };

/// A worker's line, checked: an object with "reply" or "event" (a string) and an integer "id".
struct Incoming {
  LineKind kind = LineKind::kReply;
  std::string name;
  std::int64_t id = kNoId;
};

/// Classifies a parsed line; otherwise a protocol error that says what is wrong with it.
Result<Incoming> classify(const Json& line);

/// The Error in a reply of kind kError; missing fields get plain defaults.
Error decode_error(const Json& line);

/// At most `limit` bytes of `text` for an error message: control and non-ASCII bytes replaced.
std::string excerpt(std::string_view text, std::size_t limit = 80);

}  // namespace ridgeline::protocol
