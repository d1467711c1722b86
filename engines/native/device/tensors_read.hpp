// Which memory a piece of work reads that it did not make itself.
#pragma once

#include <c10/core/Storage.h>

#include <functional>
#include <vector>

namespace ridgeline::native {

/// Runs `work` and gives the memory of every tensor that torch's calls in it took from outside:
/// weights, inputs, caches, whatever earlier work left. A recording of the work reads that memory
/// again and again, so it must not be freed while the recording lives. What the engine's own
/// kernels read without a call of torch is not seen. Passes exceptions of `work` on.
std::vector<c10::Storage> tensors_read(const std::function<void()>& work);

}  // namespace ridgeline::native
