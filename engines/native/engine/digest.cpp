// Digest of named tensors.
#include "engines/native/engine/digest.hpp"

#include <c10/core/ScalarType.h>
#include <fmt/format.h>

#include "base/hash.hpp"

namespace ridgeline::native {

std::string digest_of(const NamedTensors& tensors) {
  Hash64 hash;
  for (const auto& [name, tensor] : tensors) {
    if (tensor.is_meta()) return "";
    const at::Tensor bytes = tensor.cpu().contiguous();
    hash.update(fmt::format("{} {} {};", name, c10::toString(bytes.scalar_type()),
                            to_string(bytes.sizes().vec())));
    hash.update(std::span(static_cast<const std::byte*>(bytes.const_data_ptr()), bytes.nbytes()));
  }
  return hash.hex();
}

}  // namespace ridgeline::native
