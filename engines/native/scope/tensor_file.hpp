// Between safetensors files and tensors.
#pragma once

#include <ATen/core/Tensor.h>

#include <string>

#include "base/error.hpp"
#include "engines/native/checkpoint/safetensors.hpp"
#include "engines/native/models/model.hpp"

namespace ridgeline::native {

/// The torch dtype of a stored type, where torch has one.
Result<at::ScalarType> scalar_type_of(TensorType type);

/// A tensor of its own memory on `device` with the bytes of a view.
Result<at::Tensor> copy_of(const TensorView& view, at::Device device = at::kCPU);

/// The tensors of a file, in memory of their own.
Result<NamedTensors> read_tensors(const std::string& path);

/// Writes tensors as they are, except that floating-point ones become float32 when `widen` is set
/// (the form of model outputs). Whole or not at all.
Status write_tensors(const std::string& path, const NamedTensors& tensors, bool widen);

}  // namespace ridgeline::native
