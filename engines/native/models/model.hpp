// What every model offers: declared parameters, HF-named tensors in and out, phases to measure.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/error.hpp"
#include "base/json.hpp"
#include "engines/native/ops/ops.hpp"
#include "engines/native/scope/scope.hpp"

namespace ridgeline::native {

/// Tensors under the names of HF's `forward` arguments or ModelOutput fields, in order.
using NamedTensors = std::vector<std::pair<std::string, at::Tensor>>;

/// The tensor of that name, or nullptr.
const at::Tensor* find(const NamedTensors& tensors, std::string_view name);

/// One input of a model: what tests, presets and synthetic runs alike need to make or check it.
struct InputSpec {
  enum class Kind { kIds, kMask, kFeatures };

  std::string name;       ///< as in HF's forward
  Kind kind;              ///< ids and masks are int64, features the model's own dtype
  Shape shape;            ///< of the workload; -1 where forward takes any size
  std::int64_t low = 0;   ///< ids: lowest value
  std::int64_t high = 0;  ///< ids: one above the highest value
  bool required = false;  ///< forward refuses to run without it
  bool synthetic = true;  ///< synthetic workloads carry it
};

/// What a workload asks for; models read what applies to them.
struct Workload {
  std::int64_t batch = 1;
  std::int64_t sequence = 128;
  std::vector<std::string> text;
  std::uint64_t seed = 0;
};

/// A named, repeatable piece of work on fixed inputs.
struct Phase {
  std::string name;                                   ///< "forward", "prefill", "decode", …
  std::string unit;                                   ///< what one item is: "sequence", "token", …
  std::vector<std::pair<std::string, double>> items;  ///< unit → items per call
  bool growing = false;                               ///< whether a call costs more each time
  std::function<NamedTensors()> call;
  std::function<void()> restore;  ///< untimed, before each call; may be empty
};

/// Choices of optimizations that reach into the forward pass.
struct RunOptions {
  ops::AttentionKernel attention = ops::AttentionKernel::kAuto;
};

class Model {
 public:
  virtual ~Model() = default;

  /// Inputs of a workload. Fails when the model cannot take it (too long, empty, …).
  virtual Result<std::vector<InputSpec>> input_specs(const Workload& workload) const = 0;

  /// The workload that these inputs (of a user's file) make up.
  virtual Result<Workload> workload_of(const NamedTensors& inputs) const = 0;

  /// The phases of these inputs, bound to them: a call touches nothing else. `inputs` are on the
  /// model's device, in the dtypes that input_specs() names, checked by check_inputs().
  virtual Result<std::vector<Phase>> phases(const NamedTensors& inputs) = 0;

  /// How the attention of these inputs will run, for attention_kernel_name(); nothing if the model
  /// has none. Query, key and value are empty tensors of the right shapes and dtype.
  struct AttentionProbe {
    Shape query;
    Shape key;
    bool mask = false;
    bool causal = false;
  };
  virtual std::vector<AttentionProbe> attention_probes(const NamedTensors& inputs) const = 0;

  void set_options(const RunOptions& options) { options_ = options; }

 protected:
  const RunOptions& options() const { return options_; }

 private:
  RunOptions options_;
};

/// Checks names, dtypes, shapes and id ranges of tensors that a user gave, before any of them
/// reaches an op. Integers and booleans come out as int64, features as `dtype`.
Result<NamedTensors> check_inputs(const std::vector<InputSpec>& specs, const NamedTensors& inputs,
                                  at::ScalarType dtype);

/// Random inputs of a synthetic workload: ids uniform over their range, masks all ones, features
/// normal. Seeded; CPU tensors, or meta ones when `meta`.
NamedTensors synthetic_inputs(const std::vector<InputSpec>& specs, std::uint64_t seed,
                              at::ScalarType dtype, bool meta);

/// What a family needs to build itself.
struct ModelRequest {
  const Json& config;        ///< config.json, whole
  std::string architecture;  ///< one of the family's rows in families.def
};

/// Builds a model of one family in `scope`; reads the config with clear errors.
using ModelFactory = Result<std::unique_ptr<Model>> (*)(Scope scope, const ModelRequest& request);

/// The factory of a family of families.def.
Result<ModelFactory> find_factory(std::string_view family);

}  // namespace ridgeline::native
