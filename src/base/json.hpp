// JSON with the limits that hostile files need: a size cap, a depth cap, one clear line on failure.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

#include "base/error.hpp"

namespace ridgeline {

/// Keeps the order of keys, so that records and messages read in the order they were written.
using Json = nlohmann::ordered_json;

/// Deepest nesting that is parsed; real configs and tokenizers stay below 20.
inline constexpr int kMaxJsonDepth = 96;

/// Parses `text`; `what` names it in the error ("config.json of models/x"). Refuses nesting deeper
/// than kMaxJsonDepth, a key that stands twice in one object, NaN, trailing text and invalid UTF-8.
/// Takes time linear in the size.
Result<Json> parse_json(std::string_view text, std::string_view what);

/// Reads and parses a file of at most `max_bytes`.
Result<Json> read_json_file(const std::string& path, std::uint64_t max_bytes = 256ull << 20);

/// One line, UTF-8; invalid UTF-8 in strings is replaced, so this never throws.
std::string to_line(const Json& json);

/// The member of that name; a shared null where there is none, or no object.
const Json& entry_of(const Json& object, std::string_view key);

/// Typed member access with an error that names the key and `what`.
Result<std::int64_t> get_int(const Json& object, std::string_view key, std::string_view what);
Result<double> get_number(const Json& object, std::string_view key, std::string_view what);
Result<std::string> get_string(const Json& object, std::string_view key, std::string_view what);

/// The same with a default for a key that is missing or null (a value of a wrong type is an error).
Result<std::int64_t> get_int(const Json& object, std::string_view key, std::string_view what,
                             std::int64_t fallback);
Result<double> get_number(const Json& object, std::string_view key, std::string_view what,
                          double fallback);
Result<std::string> get_string(const Json& object, std::string_view key, std::string_view what,
                               std::string_view fallback);
Result<bool> get_bool(const Json& object, std::string_view key, std::string_view what,
                      bool fallback);

}  // namespace ridgeline
