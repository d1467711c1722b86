// Llama: the gated decoder as it is.
#include "engines/native/models/causal_lm.hpp"

namespace ridgeline::native {

Result<std::unique_ptr<Model>> make_llama(Scope scope, const ModelRequest& request) {
  RIDGELINE_TRY(CausalLmConfig config, read_causal_lm_config(request, "Llama"));
  return make_causal_lm(scope, std::move(config));
}

}  // namespace ridgeline::native
