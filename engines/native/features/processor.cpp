// Texts, pictures and sounds to tensors.
#include "engines/native/features/processor.hpp"

#include <ATen/ops/from_blob.h>
#include <fmt/format.h>

#include "engines/native/inputs/audio/resample.hpp"
#include "engines/native/inputs/image/image.hpp"

namespace ridgeline::native {
namespace {

Result<TextTokenizer> open_tokenizer(const ProcessorSource& source) {
  if (source.reference.folder.empty()) {
    return bad_input(fmt::format("preset '{}' has no tokenizer", source.reference.reference),
                     "give a model folder or a downloaded model for real text");
  }
  return TextTokenizer::load(source.reference.folder);
}

Result<ImageProcessor> open_pictures(const ProcessorSource& source, const Workload& workload) {
  const std::string& folder = source.reference.folder;
  static const Json none = Json::object();
  RIDGELINE_TRY(ImageProcessor processor,
                folder.empty()
                    ? ImageProcessor::defaults(source.family, source.config ? *source.config : none)
                    : ImageProcessor::load(folder, source.family));
  if (!workload.image_size) return processor;
  return processor.with_size(*workload.image_size, *workload.image_size);
}

Result<WhisperFeatures> open_sounds(const ProcessorSource& source) {
  if (source.family != "whisper") {
    return unsupported(fmt::format("{} takes no sound", source.reference.reference),
                       "leave --audio out");
  }
  static const Json none = Json::object();
  const Json& config = source.config ? *source.config : none;
  const std::string& folder = source.reference.folder;
  return folder.empty() ? WhisperFeatures::from_model_config(config, "preset")
                        : WhisperFeatures::load(folder, config);
}

at::Tensor to_tensor(std::vector<std::int64_t>& values, std::int64_t rows, std::int64_t columns) {
  return at::from_blob(values.data(), {rows, columns}, at::kLong).clone();
}

}  // namespace

Result<Processor> Processor::open(const ProcessorSource& source, const Workload& workload,
                                  at::Device device) {
  Processor processor;
  if (!workload.text.empty()) {
    RIDGELINE_TRY(processor.tokenizer_, open_tokenizer(source));
    if (workload.chat) {
      RIDGELINE_TRY(processor.chat_, ChatTemplate::load(source.reference.folder));
    }
  }
  if (!workload.images.empty()) {
    RIDGELINE_TRY(processor.pictures_, open_pictures(source, workload));
  }
  if (!workload.audio.empty()) {
    RIDGELINE_TRY(processor.sounds_, open_sounds(source));
    processor.log_mel_ = std::make_unique<LogMel>(*processor.sounds_, device);
  }
  return processor;
}

Result<Processor::Outcome> Processor::operator()(const Workload& workload, SoundExtent extent) {
  Outcome outcome;
  if (tokenizer_) RIDGELINE_CHECK(add_text(workload, outcome));
  if (pictures_) RIDGELINE_CHECK(add_pictures(workload, outcome));
  if (sounds_) RIDGELINE_CHECK(add_sounds(workload, extent, outcome));
  return outcome;
}

Status Processor::add_text(const Workload& workload, Outcome& outcome) const {
  std::vector<std::string> rendered;
  if (chat_) {
    for (const std::string& text : workload.text) {
      const ChatMessage message{"user", text};
      RIDGELINE_TRY(rendered.emplace_back(), chat_->render({&message, 1}, ChatOptions{}));
    }
  }
  // A rendered conversation has its special tokens written out.
  RIDGELINE_TRY(TokenizedBatch batch,
                tokenizer_->encode(chat_ ? rendered : workload.text, {},
                                   {.add_special_tokens = !chat_, .pad_fallback = {}}));
  NamedTensors& tensors = outcome.tensors;
  tensors.emplace_back("input_ids", to_tensor(batch.input_ids, batch.batch, batch.sequence));
  if (batch.has_token_type_ids) {
    tensors.emplace_back("token_type_ids",
                         to_tensor(batch.token_type_ids, batch.batch, batch.sequence));
  }
  if (batch.has_attention_mask) {
    tensors.emplace_back("attention_mask",
                         to_tensor(batch.attention_mask, batch.batch, batch.sequence));
  }
  return {};
}

Status Processor::add_pictures(const Workload& workload, Outcome& outcome) const {
  std::vector<Image> pictures;
  for (const std::string& path : workload.images) {
    RIDGELINE_TRY(pictures.emplace_back(), load_image(path));
  }
  RIDGELINE_TRY(PixelBatch batch, pictures_->process(pictures));
  const at::Tensor pixels = at::from_blob(
      batch.values.data(), {batch.batch, batch.channels, batch.height, batch.width}, at::kFloat);
  outcome.tensors.emplace_back("pixel_values", pixels.clone());
  return {};
}

Status Processor::add_sounds(const Workload& workload, SoundExtent extent, Outcome& outcome) {
  std::vector<std::vector<float>> sounds;
  std::vector<std::span<const float>> rows;
  double seconds = 0;
  for (const std::string& path : workload.audio) {
    RIDGELINE_TRY(sounds.emplace_back(), load_mono(path, sounds_->sampling_rate()));
  }
  for (const std::vector<float>& sound : sounds) {
    std::vector<SoundWindow> windows;
    if (extent == SoundExtent::kAllWindows) windows = sounds_->windows(sound);
    if (windows.empty()) windows.push_back(sounds_->truncated(sound));
    for (const SoundWindow& window : windows) {
      rows.push_back(window.samples);
      seconds += window.seconds;
    }
  }
  outcome.tensors.emplace_back("input_features", log_mel_->compute(rows));
  if (sounds_->returns_mask()) {
    outcome.tensors.emplace_back("attention_mask", log_mel_->attention_mask(rows));
  }
  outcome.audio_seconds = seconds;
  return {};
}

}  // namespace ridgeline::native
