// Digests of tensors: what went in and what came out, for the record.
#pragma once

#include <string>

#include "engines/native/models/model.hpp"

namespace ridgeline::native {

/// Names, dtypes, shapes and bytes, as 16 hexadecimal digits; "" for meta tensors.
std::string digest_of(const NamedTensors& tensors);

}  // namespace ridgeline::native
