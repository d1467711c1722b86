// model.safetensors.index.json: which file of a sharded checkpoint holds which tensor.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "base/error.hpp"

namespace ridgeline::native {

/// Tensor name → file name.
using WeightMap = std::map<std::string, std::string, std::less<>>;

/// Parses the index. Refuses an empty or missing `weight_map`, a tensor listed twice, and a shard
/// that is not a plain file name (it could lead out of the folder). `what` names it in errors.
Result<WeightMap> parse_shard_index(std::string_view text, std::string_view what);

/// The same from a file of at most 256 MiB.
Result<WeightMap> read_shard_index(const std::string& path);

}  // namespace ridgeline::native
