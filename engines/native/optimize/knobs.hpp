// The optimizations of this engine as declared knobs: a table row each.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "base/json.hpp"
#include "engines/native/models/model.hpp"

namespace ridgeline::native {

/// When a knob takes effect: before anything runs in the process, with the weights, or with the
/// workload.
enum class KnobStage { kProcess, kLoad, kPlan };

/// Choices about how phases run, not about what they compute.
struct ExecutionOptions {
  bool record = false;  ///< as graphs, where the device can
};

/// What a knob may look at to say whether it applies, and change to apply itself.
struct KnobContext {
  std::string value;  ///< as requested
  at::Device device;
  at::ScalarType dtype;
  Declarations* declarations = nullptr;  ///< load stage only
  std::int64_t* weight_bytes = nullptr;  ///< load stage only: what the weights take, to be updated
  Model* model = nullptr;                ///< load and plan stage
  const NamedTensors* inputs = nullptr;  ///< plan stage only
  RunOptions* run_options = nullptr;     ///< plan stage only
  /// Plan stage, for phases that are called again and again; null for a single call.
  ExecutionOptions* execution = nullptr;
};

/// What came of it. `value` is what is in force now, whether or not the request was applied.
struct KnobOutcome {
  bool applied = false;
  std::string value;
  std::string reason;
};

struct Knob {
  std::string_view id;
  std::string_view values;  ///< "auto|flash|math", or a description of what it takes
  std::string_view default_value;
  KnobStage stage;
  bool lossless;
  std::string_view description;
  Result<KnobOutcome> (*apply)(KnobContext& context);
};

/// The weights of all products in 8 bits; gives the bytes by which the weights grew (less than 0).
std::int64_t quantize_product_weights(Declarations& declarations);

/// Every knob, in the order in which they are applied.
const std::vector<Knob>& knobs();

/// For `hello`: the table as JSON.
Json knobs_json();

/// Checks ids of a request list ([{"id", "value"}]): unknown ones are errors that list the known.
Status check_knob_ids(const Json& requested);

/// Applies every knob of `stage`, requested or by default; gives one entry each for the record:
/// id, requested (null by default), applied, value, lossless, reason.
Result<Json> apply_knobs(KnobStage stage, const Json& requested, KnobContext context);

}  // namespace ridgeline::native
