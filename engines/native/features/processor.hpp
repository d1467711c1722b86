// From the user's texts, pictures and sounds to the tensors that a model's HF processor would give.
#pragma once

#include <memory>
#include <optional>
#include <string_view>

#include "base/error.hpp"
#include "base/json.hpp"
#include "catalog/model_reference.hpp"
#include "engines/native/features/log_mel.hpp"
#include "engines/native/inputs/audio/whisper_features.hpp"
#include "engines/native/inputs/chat/chat.hpp"
#include "engines/native/inputs/image/image_processor.hpp"
#include "engines/native/inputs/text/text_tokenizer.hpp"
#include "engines/native/models/model.hpp"

namespace ridgeline::native {

/// What the parts of a processor are read from.
struct ProcessorSource {
  const catalog::ModelReference& reference;
  std::string_view family;  ///< row of families.def
  const Json* config;       ///< config.json; null where the folder has none
};

/// How much of a long sound is used.
enum class SoundExtent {
  kFirstWindow,  ///< as the processor does
  kAllWindows,   ///< one row a window
};

/// Holds what the inputs of one workload need: tokenizer, chat template, picture processor, sound
/// features. Presets have settings for pictures and sounds of their own, but no tokenizer.
class Processor {
 public:
  /// Opens the parts that `workload` has data for. Errors name what the model lacks.
  static Result<Processor> open(const ProcessorSource& source, const Workload& workload,
                                at::Device device);

  struct Outcome {
    NamedTensors tensors;                 ///< as the processor names them: ids int64, features f32
    std::optional<double> audio_seconds;  ///< real sound of all rows
  };

  /// Reads the files and makes the tensors of `workload`: one row a text, picture or sound.
  Result<Outcome> operator()(const Workload& workload, SoundExtent extent);

 private:
  Processor() = default;

  Status add_text(const Workload& workload, Outcome& outcome) const;
  Status add_pictures(const Workload& workload, Outcome& outcome) const;
  Status add_sounds(const Workload& workload, SoundExtent extent, Outcome& outcome);

  std::optional<TextTokenizer> tokenizer_;
  std::optional<ChatTemplate> chat_;
  std::optional<ImageProcessor> pictures_;
  std::optional<WhisperFeatures> sounds_;
  std::unique_ptr<LogMel> log_mel_;
};

}  // namespace ridgeline::native
