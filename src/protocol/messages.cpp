// Encoding and classifying the lines of the protocol.
#include "protocol/messages.hpp"

#include <fmt/format.h>

#include <array>
#include <nlohmann/json.hpp>
#include <utility>

namespace ridgeline::protocol {
namespace {

constexpr std::array<std::pair<std::string_view, std::string_view>, 15> kReplies = {{
    {"hello", "hello"},
    {"load", "loaded"},
    {"plan", "planned"},
    {"cost", "cost"},
    {"run", "ran"},
    {"memory", "memory"},
    {"profile", "profiled"},
    {"forward", "forwarded"},
    {"prepare", "prepared"},
    {"inputs", "inputs"},
    {"synthesize", "synthesized"},
    {"generate", "generated"},
    {"verify", "verified"},
    {"probe", "probed"},
    {"quit", "bye"},
}};

std::string encode(std::string_view kind, std::string_view name, std::int64_t id,
                   const Json& fields) {
  Json line = Json::object();
  line[std::string(kind)] = name;
  line["id"] = id;
  if (fields.is_object()) {
    for (const auto& [key, value] : fields.items()) {
      // The envelope cannot be overwritten by what it carries.
      if (key != kind && key != "id") line[key] = value;
    }
  }
  return to_line(line);
}

Error broken(std::string message) {
  return {ErrorClass::kProtocol, std::move(message)};
}

std::string text_of(const Json& line, const char* key, std::string_view fallback) {
  const auto it = line.find(key);
  if (it == line.end() || !it->is_string()) return std::string(fallback);
  return it->get<std::string>();
}

}  // namespace

std::optional<std::string_view> reply_name(std::string_view message) {
  for (const auto& [name, reply] : kReplies) {
    if (name == message) return reply;
  }
  return std::nullopt;
}

std::string encode_request(std::string_view message, std::int64_t id, const Json& fields) {
  return encode("message", message, id, fields);
}

std::string encode_reply(std::string_view reply, std::int64_t id, const Json& fields) {
  return encode("reply", reply, id, fields);
}

std::string encode_event(std::string_view event, std::int64_t id, const Json& fields) {
  return encode("event", event, id, fields);
}

std::string encode_error(std::int64_t id, const Error& error) {
  Json fields = {{"class", wire_name(error.error_class)}, {"message", error.message}};
  if (!error.remedy.empty()) fields["remedy"] = error.remedy;
  if (error.bytes_needed) fields["bytes"] = *error.bytes_needed;
  return encode("reply", "error", id, fields);
}

std::string encode_stop() {
  return R"({"message":"stop"})";
}

Result<Incoming> classify(const Json& line) {
  if (!line.is_object())
    return broken(fmt::format("a line is {}, not an object", line.type_name()));
  Incoming incoming;
  const bool is_event = line.contains("event");
  const char* kind = is_event ? "event" : "reply";
  const auto name = line.find(kind);
  if (name == line.end() || !name->is_string()) {
    return broken("a line has neither a reply's nor an event's name");
  }
  incoming.name = name->get<std::string>();
  incoming.kind = is_event                   ? LineKind::kEvent
                  : incoming.name == "error" ? LineKind::kError
                                             : LineKind::kReply;
  const auto id = line.find("id");
  if (id != line.end() && id->is_number_integer()) {
    incoming.id = id->get<std::int64_t>();
  } else if (incoming.kind == LineKind::kReply) {
    return broken(fmt::format("reply '{}' has no id", excerpt(incoming.name)));
  }
  return incoming;
}

Error decode_error(const Json& line) {
  Error error;
  error.error_class = error_class_from(text_of(line, "class", "internal"));
  error.message = text_of(line, "message", "the worker gave no reason");
  error.remedy = text_of(line, "remedy", "");
  const auto bytes = line.find("bytes");
  if (bytes != line.end() && bytes->is_number_integer()) {
    error.bytes_needed = bytes->get<std::int64_t>();
  }
  return error;
}

std::string excerpt(std::string_view text, std::size_t limit) {
  std::string shown(text.substr(0, limit));
  for (char& c : shown) {
    if (c < 0x20 || c > 0x7e) c = '?';
  }
  if (text.size() > limit) shown += "...";
  return shown;
}

}  // namespace ridgeline::protocol
