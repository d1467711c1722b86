// Tiny models for tests of the native engine: built from a config, with synthetic weights.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>

#include "base/json.hpp"
#include "engines/native/models/model.hpp"
#include "engines/native/scope/scope.hpp"

namespace ridgeline::native::testing {

inline Json tiny_bert_config() {
  return {{"model_type", "bert"},          {"vocab_size", 120},        {"hidden_size", 32},
          {"num_hidden_layers", 2},        {"num_attention_heads", 4}, {"intermediate_size", 64},
          {"max_position_embeddings", 64}, {"type_vocab_size", 2}};
}

struct TinyModel {
  std::unique_ptr<Declarations> declarations = std::make_unique<Declarations>();
  std::unique_ptr<Model> model;
  Materialised materialised;
};

inline TinyModel make_tiny(const std::string& family, const std::string& architecture,
                           const Json& config, Source& source, at::Device device = at::kCPU) {
  TinyModel tiny;
  const auto factory = find_factory(family);
  EXPECT_TRUE(factory.has_value());
  auto model = (*factory)(Scope(*tiny.declarations), {config, architecture});
  EXPECT_TRUE(model.has_value()) << (model ? "" : model.error().line());
  tiny.model = std::move(*model);
  auto done = tiny.declarations->materialise(source, at::kFloat, device);
  EXPECT_TRUE(done.has_value()) << (done ? "" : done.error().line());
  if (done) tiny.materialised = *done;
  return tiny;
}

}  // namespace ridgeline::native::testing
