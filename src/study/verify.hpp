// `ridgeline verify`: does the native engine compute what transformers computes, on this machine?
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "base/interrupt.hpp"
#include "base/json.hpp"
#include "measure/configuration.hpp"
#include "study/token_check.hpp"

namespace ridgeline::study {

struct VerifyOptions {
  /// What is verified; its engine is the one to compare with ("transformers", or with a mode).
  measure::Configuration configuration;
  measure::Workload workload;
  std::int64_t new_tokens = 16;  ///< of greedy decoding, where the model decodes; 0: none
  const Interrupt* interrupt = nullptr;
  std::function<void(const std::string&)> on_stage = {};  ///< "native: forward", before each step
};

/// One output tensor.
struct OutputCheck {
  std::string name;
  std::vector<std::int64_t> shape;
  std::optional<double> max_error;
  std::optional<double> relative_error;  ///< over the largest value of the reference
  std::optional<double> cosine;
  std::optional<double> top1_agreement;  ///< of logits; nothing for other outputs
  std::optional<double> peer_error;      ///< the peer's own relative error; nothing in float32
  std::optional<double> bound;           ///< of relative_error
  std::string reason;                    ///< why it is not passed; empty when it is

  bool passed() const { return reason.empty(); }
};

struct Verification {
  std::string model;    ///< as the user wrote it
  std::string weights;  ///< "checkpoint" or "synthetic"
  std::string dtype;
  std::string device;
  std::string reference;  ///< dtype of the peer that outputs are compared with
  measure::Workload workload;
  std::shared_ptr<const Json> native;  ///< name, version and versions of its hello
  std::shared_ptr<const Json> peer;
  /// Optimizations of native as its replies state them: {"forward": [{"id", "requested", "applied",
  /// "value", …}, …], "generate": […]}, each with those of loading first; no "generate" for a model
  /// that does not decode.
  std::shared_ptr<const Json> optimizations;
  std::vector<OutputCheck> outputs;
  std::vector<std::string> only_native;  ///< outputs that the peer has not
  std::vector<std::string> only_peer;    ///< outputs that native has not
  std::optional<TokenCheck> tokens;      ///< nothing for a model that does not decode

  bool passed() const;
};

/// Runs both engines, one after the other and each in a process of its own, on the same inputs and
/// weights, and compares. Synthetic weights (of a preset, or asked for) are written to a temporary
/// folder as a checkpoint of the dtype that both load; so are inputs and outputs. The folder is
/// removed at the end; TMPDIR says where it is.
///
/// Bounds: verify_bounds.hpp. In a short dtype the peer runs twice: in that dtype, which shows its
/// own error, and in float32, which is the reference.
///
/// Errors: the worker's, an engine that is not there, and environment when the disk is too small.
Result<Verification> verify(const VerifyOptions& options);

/// {"schema":"ridgeline-verify/1", …, "passed"}.
Json to_json(const Verification& verification);

}  // namespace ridgeline::study
