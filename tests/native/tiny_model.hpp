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

/// The tiny config of an architecture that the oracle tests use: the first of its family's variants
/// in tests/oracle/families.
inline Json tiny_config(const std::string& family, const std::string& architecture) {
  const auto table = read_json_file(std::string(RIDGELINE_SOURCE_DIR) + "/tests/oracle/families/" +
                                    family + ".json");
  EXPECT_TRUE(table.has_value()) << (table ? "" : table.error().line());
  for (const Json& variant : table->at("variants")) {
    if (variant.at("architecture") != architecture) continue;
    Json config = table->at("base");
    config.merge_patch(variant.at("config"));
    return config;
  }
  ADD_FAILURE() << family << " has no variant of " << architecture;
  return {};
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
