// Inputs that every model over tokens reads in the same way.
#pragma once

#include <string_view>

#include "engines/native/models/model.hpp"

namespace ridgeline::native {

/// Positions that a rotary model takes at most: a bound on tables, far above any real context.
inline constexpr std::int64_t kLongestRotary = std::int64_t{1} << 24;

/// The tensor of that name, or an undefined one.
at::Tensor tensor_or_none(const NamedTensors& inputs, std::string_view name);

/// The mask of that name, or an undefined one when it masks nothing (or has no values, on meta):
/// attention is then free to choose its fastest kernel.
at::Tensor mask_if_padded(const NamedTensors& inputs, std::string_view name);

/// Batch and sequence of the ids [B, S] of that name; an error when they are missing or empty.
Result<Workload> token_workload(const NamedTensors& inputs, std::string_view name);

/// {"sequence": B, "token": tokens}: padding is not work that was asked for, so only real tokens
/// count. `mask` [B, S] or undefined.
std::vector<std::pair<std::string, double>> token_items(const at::Tensor& ids,
                                                        const at::Tensor& mask);

}  // namespace ridgeline::native
