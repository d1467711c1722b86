// Short stable identifiers: the hash of a canonical form of JSON.
#pragma once

#include <string>

#include "base/json.hpp"

namespace ridgeline {

/// One line without spaces, keys sorted at every level: equal values give equal text.
std::string canonical_json(const Json& json);

/// 16 hexadecimal digits of canonical_json(json): the id of a configuration or a case.
std::string fingerprint(const Json& json);

}  // namespace ridgeline
