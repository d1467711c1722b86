// A model in memory: resolved, built, its parameters materialised.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "base/error.hpp"
#include "base/json.hpp"
#include "catalog/families.hpp"
#include "catalog/model_reference.hpp"
#include "engines/native/features/processor.hpp"
#include "engines/native/models/model.hpp"
#include "engines/native/scope/scope.hpp"

namespace ridgeline::native {

/// What `load` (and every message that names a model) asks for.
struct LoadRequest {
  std::string model;
  std::string architecture;  ///< empty: the default of the model
  std::string weights;       ///< auto, checkpoint, synthetic or meta
  std::string dtype;
  std::string device;
  std::uint64_t seed = 0;

  static Result<LoadRequest> from(const Json& fields);
};

/// Config and identity of a model, before anything is allocated.
struct ResolvedModel {
  catalog::ModelReference reference;
  catalog::Architecture architecture;
  std::shared_ptr<const Json> config;
  std::string weights;  ///< checkpoint, synthetic or meta: never auto

  /// Where the parts of the model's processor are read from. Refers to this object.
  ProcessorSource processor_source() const {
    return {reference, architecture.family, config.get()};
  }
};

Result<ResolvedModel> resolve(const LoadRequest& request);

/// A model with declared parameters, not materialised yet.
struct BuiltModel {
  std::unique_ptr<Declarations> declarations;  ///< outlives nothing: the model holds its tensors
  std::unique_ptr<Model> model;
};

Result<BuiltModel> build(const ResolvedModel& resolved);

struct LoadedModel {
  ResolvedModel resolved;
  BuiltModel built;
  at::Device device = at::kCPU;
  at::ScalarType dtype = at::kFloat;
  Materialised materialised;
  std::int64_t context_ns = 0;  ///< reading the config and building the modules

  Model& model() const { return *built.model; }
  /// Bytes of weights that are kept in a second layout beside the plain one.
  std::int64_t second_layout_bytes() const;
  /// Whether weights of products are stored in 8 bits (knob `quantize`).
  bool has_int8_weights() const;
  /// "model" of the `loaded` reply.
  Json describe() const;
};

/// Resolves, builds, checks that the memory is there, and materialises.
Result<LoadedModel> load(const LoadRequest& request);

}  // namespace ridgeline::native
