// The weights of a model folder: one safetensors file, or several with an index.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "engines/native/checkpoint/safetensors.hpp"

namespace ridgeline::native {

/// All tensors of a checkpoint, mapped; nothing is read until it is touched. Views live as long as
/// this object, also when it is moved.
class Checkpoint {
 public:
  /// Opens `folder`/model.safetensors, else the shards of model.safetensors.index.json, else the
  /// only *.safetensors there. Errors: nothing there, another format only (unsupported), a shard
  /// that is missing, lacks a tensor of the index, is not a plain file name, or repeats a tensor.
  static Result<Checkpoint> open(const std::string& folder);

  const TensorMap& tensors() const { return tensors_; }
  /// The tensor of that name, or null.
  const TensorView* find(std::string_view name) const;
  /// Bytes of all tensors, headers left out.
  std::int64_t total_bytes() const { return total_bytes_; }
  /// Paths of the files, in the order of their names.
  const std::vector<std::string>& paths() const { return paths_; }
  /// Hint for all mapped files.
  void advise(MapAdvice advice) const;

 private:
  Status add_file(const std::string& path);

  std::vector<SafetensorsFile> files_;
  std::vector<std::string> paths_;
  TensorMap tensors_;
  std::int64_t total_bytes_ = 0;
};

}  // namespace ridgeline::native
