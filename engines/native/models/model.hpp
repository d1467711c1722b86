// What every model offers: declared parameters, HF-named tensors in and out, phases to measure.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/error.hpp"
#include "base/json.hpp"
#include "engines/native/checkpoint/generation_config.hpp"
#include "engines/native/models/decoding.hpp"
#include "engines/native/ops/ops.hpp"
#include "engines/native/scope/scope.hpp"

namespace ridgeline::native {

/// Tensors under the names of HF's `forward` arguments or ModelOutput fields, in order.
using NamedTensors = std::vector<std::pair<std::string, at::Tensor>>;

/// The tensor of that name, or nullptr.
const at::Tensor* find(const NamedTensors& tensors, std::string_view name);

/// One input of a model: what tests, presets and synthetic runs alike need to make or check it.
struct InputSpec {
  enum class Kind { kIds, kMask, kFeatures, kFlag };

  std::string name;       ///< as in HF's forward
  Kind kind;              ///< features are of the model's own dtype, all others int64
  Shape shape;            ///< of the workload; -1 where forward takes any size; flags: []
  std::int64_t low = 0;   ///< ids: lowest value
  std::int64_t high = 0;  ///< ids: one above the highest value
  bool required = false;  ///< forward refuses to run without it
  bool synthetic = true;  ///< synthetic workloads carry it
};

/// What a workload asks for; models read what applies to them.
struct Workload {
  std::int64_t batch = 1;
  std::int64_t sequence = 128;
  std::optional<std::int64_t> depth;       ///< tokens in the cache of `decode`; else `sequence`
  std::int64_t new_tokens = 32;            ///< of `generate`, exact
  std::optional<std::int64_t> image_size;  ///< pixels of a side; else the model's own
  std::optional<double> audio_seconds;     ///< real sound in a window; else the whole window
  std::vector<std::string> text;
  std::vector<std::string> images;  ///< paths
  std::vector<std::string> audio;   ///< paths
  bool chat = false;                ///< texts are turns of a user, put into the chat template
  std::uint64_t seed = 0;

  /// Set with the inputs: real sound of all rows, without padding.
  std::optional<double> total_audio_seconds;

  /// Whether the inputs come from the user's own data.
  bool is_real() const { return !text.empty() || !images.empty() || !audio.empty(); }
};

/// When each token of the last call was there, in ns of the monotonic clock.
using TokenTimes = std::vector<std::int64_t>;

/// A named, repeatable piece of work on fixed inputs.
struct Phase {
  std::string name;                                   ///< "forward", "prefill", "decode", …
  std::string unit;                                   ///< what one item is: "sequence", "token", …
  std::vector<std::pair<std::string, double>> items;  ///< unit → items per call
  bool growing = false;                               ///< whether a call costs more each time
  /// The host takes part in a call (fetches tokens, reads data): it cannot be recorded.
  bool host_driven = false;
  std::function<NamedTensors()> call;
  std::function<void()> restore;            ///< untimed, before each call; may be empty
  std::int64_t cache_bytes = 0;             ///< preallocated caches that the phase works on
  std::shared_ptr<TokenTimes> token_times;  ///< of phases that emit token by token, else null
};

/// Choices of optimizations that reach into the forward pass.
struct RunOptions {
  ops::AttentionChoice attention;
  bool parallel_towers = false;  ///< encoders that do not depend on each other run side by side
  bool fused_decode = false;     ///< steps of decoding are fused, as try_fused() allowed
};

class Model {
 public:
  virtual ~Model() = default;

  /// Inputs of a workload. Fails when the model cannot take it (too long, empty, …).
  virtual Result<std::vector<InputSpec>> input_specs(const Workload& workload) const = 0;

  /// The workload that these inputs (of a user's file) make up.
  virtual Result<Workload> workload_of(const NamedTensors& inputs) const = 0;

  /// The whole forward pass with all outputs of HF's ModelOutput (caches left out), bound to these
  /// inputs: a call touches nothing else. `inputs` are on the model's device, in the dtypes that
  /// input_specs() names, checked by check_inputs().
  virtual Result<Phase> forward(const NamedTensors& inputs) = 0;

  /// What `ridgeline run` measures: the forward pass, or for models that have several parts
  /// (encode, prefill, decode, …) these. Allocates and fills the caches that phases work on.
  virtual Result<std::vector<Phase>> phases(const NamedTensors& inputs, const Workload& workload);

  /// Whether the model can produce tokens one after the other.
  virtual bool decodes() const { return false; }

  /// Inputs of decoding() from what a user gave to generate(), completed as transformers does it
  /// (masks, start tokens).
  virtual Result<NamedTensors> generation_inputs(const NamedTensors& given,
                                                 const GenerationConfig& generation) const;

  /// Decoding bound to these inputs, with room for `new_tokens` beyond the prompt. kUnsupported for
  /// models that do not decode.
  virtual Result<std::unique_ptr<Decoding>> decoding(const NamedTensors& inputs,
                                                     std::int64_t new_tokens);

  /// How the attention of these inputs will run, for attention_kernel_name(); nothing if the model
  /// has none. Query, key and value are empty tensors of the right shapes and dtype.
  struct AttentionProbe {
    Shape query;
    Shape key;
    bool mask = false;
    bool causal = false;
  };
  virtual std::vector<AttentionProbe> attention_probes(const NamedTensors& inputs) const = 0;

  /// One decoding step by fused kernels beside one by plain ops.
  struct FusedTrial {
    double error = 0;     ///< largest difference of logits over the largest logit
    double bound = 0;     ///< of that
    double fused_ns = 0;  ///< on the device, recorded as a graph where the device can
    double plain_ns = 0;
    double ratio = 0;  ///< median of fused over plain, of neighbouring steps
  };
  /// Builds the fused kernels for decoding these inputs, and tries them on a short prompt. An error
  /// says why there are none: for this model, device, dtype or batch.
  virtual Result<FusedTrial> try_fused(const NamedTensors& inputs);

  void set_options(const RunOptions& options) { options_ = options; }

 protected:
  const RunOptions& options() const { return options_; }

 private:
  RunOptions options_;
};

/// Checks names, dtypes, shapes and id ranges of tensors that a user gave, before any of them
/// reaches an op. Integers and booleans come out as int64, features as `dtype`; flags, scalars or
/// vectors of one, as scalars.
Result<NamedTensors> check_inputs(const std::vector<InputSpec>& specs, const NamedTensors& inputs,
                                  at::ScalarType dtype);

/// Random inputs of a synthetic workload: ids uniform over their range, masks all ones, features
/// normal, flags set. Seeded; CPU tensors, or meta ones when `meta`.
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
