// Declarations of the smallest layers.
#include "engines/native/nn/layers.hpp"

namespace ridgeline::native::nn {
namespace {

std::vector<std::string> with_suffix(const std::vector<std::string>& names, const char* suffix) {
  std::vector<std::string> full;
  for (const std::string& name : names) full.push_back(name + suffix);
  return full;
}

}  // namespace

Linear::Linear(Scope scope, std::int64_t in, std::int64_t out, bool bias) {
  scope.parameter(weight_, "weight", {out, in}, Init::kWeight).product_weight();
  if (bias) scope.parameter(bias_, "bias", {out}, Init::kBias);
}

FusedLinear::FusedLinear(Scope scope, const std::vector<std::string>& names, std::int64_t in,
                         std::int64_t out, bool bias) {
  const std::int64_t rows = out * static_cast<std::int64_t>(names.size());
  std::string joined;
  for (const std::string& name : names) joined += (joined.empty() ? "" : "+") + name;
  scope.parameter(weight_, joined + ".weight", {rows, in}, Init::kWeight)
      .stacked(with_suffix(names, ".weight"))
      .product_weight();
  if (bias) {
    scope.parameter(bias_, joined + ".bias", {rows}, Init::kBias)
        .stacked(with_suffix(names, ".bias"));
  }
}

LayerNorm::LayerNorm(Scope scope, std::int64_t size, double eps) : eps_(eps) {
  scope.parameter(weight_, "weight", {size}, Init::kNormWeight).also("gamma");
  scope.parameter(bias_, "bias", {size}, Init::kBias).also("beta");
}

Embedding::Embedding(Scope scope, std::int64_t count, std::int64_t size) {
  scope.parameter(weight_, "weight", {count, size}, Init::kEmbedding);
}

}  // namespace ridgeline::native::nn
