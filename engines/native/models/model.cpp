// What models that do nothing special share.
#include "engines/native/models/model.hpp"

namespace ridgeline::native {

Result<std::vector<Phase>> Model::phases(const NamedTensors& inputs, const Workload&) {
  RIDGELINE_TRY(Phase whole, forward(inputs));
  std::vector<Phase> all;
  all.push_back(std::move(whole));
  return all;
}

Result<NamedTensors> Model::generation_inputs(const NamedTensors& given,
                                              const GenerationConfig&) const {
  return given;
}

Result<std::unique_ptr<Decoding>> Model::decoding(const NamedTensors&, std::int64_t) {
  return unsupported("this architecture does not generate tokens",
                     "use an architecture with a language-model head");
}

Result<Model::FusedTrial> Model::try_fused(const NamedTensors&) {
  return unsupported("this architecture has no fused kernels");
}

}  // namespace ridgeline::native
