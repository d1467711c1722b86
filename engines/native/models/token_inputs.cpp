// Inputs that every model over tokens reads in the same way.
#include "engines/native/models/token_inputs.hpp"

#include <fmt/format.h>

namespace ridgeline::native {

at::Tensor tensor_or_none(const NamedTensors& inputs, std::string_view name) {
  const at::Tensor* tensor = find(inputs, name);
  return tensor == nullptr ? at::Tensor() : *tensor;
}

at::Tensor mask_if_padded(const NamedTensors& inputs, std::string_view name) {
  const at::Tensor mask = tensor_or_none(inputs, name);
  const bool padded = mask.defined() && !mask.is_meta() && !mask.all().item<bool>();
  return padded ? mask : at::Tensor();
}

Result<Workload> token_workload(const NamedTensors& inputs, std::string_view name) {
  const at::Tensor* ids = find(inputs, name);
  if (ids == nullptr) return bad_input(fmt::format("input '{}' is missing", name));
  if (ids->dim() != 2 || ids->numel() == 0) {
    return bad_input(fmt::format("input '{}' is {}, expected [batch, sequence]", name,
                                 to_string(ids->sizes().vec())));
  }
  Workload workload;
  workload.batch = ids->size(0);
  workload.sequence = ids->size(1);
  return workload;
}

std::vector<std::pair<std::string, double>> token_items(const at::Tensor& ids,
                                                        const at::Tensor& mask) {
  const double tokens =
      mask.defined() ? mask.ne(0).sum().item<double>() : static_cast<double>(ids.numel());
  return {{"sequence", static_cast<double>(ids.size(0))}, {"token", tokens}};
}

}  // namespace ridgeline::native
