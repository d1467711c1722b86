// Declarations of the smallest layers.
#include "engines/native/nn/layers.hpp"

#include <algorithm>
#include <numeric>

namespace ridgeline::native::nn {
namespace {

std::vector<std::string> with_suffix(const std::vector<std::string>& names, const char* suffix) {
  std::vector<std::string> full;
  for (const std::string& name : names) full.push_back(name + suffix);
  return full;
}

}  // namespace

Linear::Linear(Scope scope, std::int64_t in, std::int64_t out, bool bias) {
  scope.parameter(weight_, "weight", {out, in}, Init::kWeight);
  if (bias) scope.parameter(bias_, "bias", {out}, Init::kBias);
}

FusedLinear::FusedLinear(Scope scope, const std::vector<std::string>& names, std::int64_t in,
                         std::int64_t out, bool bias)
    : FusedLinear(scope, names, in, std::vector<std::int64_t>(names.size(), out),
                  std::vector<bool>(names.size(), bias)) {}

FusedLinear::FusedLinear(Scope scope, const std::vector<std::string>& names, std::int64_t in,
                         const std::vector<std::int64_t>& out, const std::vector<bool>& biased) {
  const std::int64_t rows = std::accumulate(out.begin(), out.end(), std::int64_t{0});
  std::string joined;
  std::vector<std::string> biases;
  for (std::size_t i = 0; i < names.size(); ++i) {
    joined += (joined.empty() ? "" : "+") + names[i];
    biases.push_back(biased[i] ? names[i] + ".bias" : "");
  }
  scope.parameter(weight_, joined + ".weight", {rows, in}, Init::kWeight)
      .stacked(with_suffix(names, ".weight"), out);
  if (std::find(biased.begin(), biased.end(), true) != biased.end()) {
    scope.parameter(bias_, joined + ".bias", {rows}, Init::kBias).stacked(biases, out);
  }
}

LayerNorm::LayerNorm(Scope scope, std::int64_t size, double eps) : eps_(eps) {
  scope.parameter(weight_, "weight", {size}, Init::kNormWeight).also("gamma");
  scope.parameter(bias_, "bias", {size}, Init::kBias).also("beta");
}

RmsNorm::RmsNorm(Scope scope, std::int64_t size, double eps) : eps_(eps) {
  scope.parameter(weight_, "weight", {size}, Init::kNormWeight);
}

Embedding::Embedding(Scope scope, std::int64_t count, std::int64_t size) {
  scope.parameter(weight_, "weight", {count, size}, Init::kEmbedding);
}

}  // namespace ridgeline::native::nn
