// Reads the settings with bounds, so that a hostile file cannot ask for unbounded memory.
#include "engines/native/inputs/audio/whisper_features.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <system_error>

#include "engines/native/inputs/audio/sound.hpp"

namespace ridgeline::native {
namespace {

constexpr std::uint64_t kMaxConfigBytes = 16ull << 20;
/// Published models have 80 and 128 bands, frames of 400 samples and 30 seconds.
constexpr std::int64_t kMaxMelBins = 1024;
constexpr std::int64_t kMaxFrameSamples = 1 << 16;
constexpr std::int64_t kMaxSeconds = 3600;
/// Most values in the frames of one window (1 GiB as float32); Whisper has 1.2 million.
constexpr std::int64_t kMaxFrameValues = std::int64_t{1} << 28;

constexpr const char* kRemedy = "compare with the file of openai/whisper-tiny";

Result<std::int64_t> bounded(const Json& object, std::string_view key, std::string_view what,
                             std::int64_t fallback, std::int64_t low, std::int64_t high) {
  RIDGELINE_TRY(const std::int64_t value, get_int(object, key, what, fallback));
  if (value >= low && value <= high) return value;
  return bad_input(fmt::format("{}: {} is {}, outside {} to {}", what, key, value, low, high),
                   kRemedy);
}

Status check_extractor_type(const Json& extractor, std::string_view what) {
  constexpr std::string_view kType = "WhisperFeatureExtractor";
  RIDGELINE_TRY(const std::string type,
                get_string(extractor, "feature_extractor_type", what, kType));
  if (type == kType) return {};
  return unsupported(fmt::format("{}: feature_extractor_type {} is not {}", what, type, kType),
                     "use the files that belong to the model");
}

Status check_dither(const Json& extractor, std::string_view what) {
  RIDGELINE_TRY(const double dither, get_number(extractor, "dither", what, 0.0));
  if (dither == 0) return {};
  return unsupported(fmt::format("{}: dither {} adds random noise to the sound", what, dither),
                     "set it to 0.0");
}

Result<bool> pads_on_the_left(const Json& extractor, std::string_view what) {
  RIDGELINE_TRY(const std::string side, get_string(extractor, "padding_side", what, "right"));
  if (side == "left" || side == "right") return side == "left";
  return bad_input(fmt::format("{}: padding_side is {}, not left or right", what, side), kRemedy);
}

// A file of the folder as a JSON object; nothing when there is none.
Result<std::optional<Json>> object_in(const std::string& path) {
  std::error_code ignored;
  if (!std::filesystem::exists(path, ignored)) return std::optional<Json>();
  RIDGELINE_TRY(Json json, read_json_file(path, kMaxConfigBytes));
  if (!json.is_object()) return bad_input(fmt::format("{} is not a JSON object", path), kRemedy);
  return std::optional<Json>(std::move(json));
}

}  // namespace

Result<WhisperFeatures> WhisperFeatures::load(const std::string& folder, const Json& model_config) {
  const std::string processor_path = folder + "/processor_config.json";
  RIDGELINE_TRY(const std::optional<Json> processor, object_in(processor_path));
  for (const char* key : {"feature_extractor", "audio_processor"}) {
    if (processor && processor->contains(key)) return from_json((*processor)[key], processor_path);
  }
  const std::string extractor_path = folder + "/preprocessor_config.json";
  RIDGELINE_TRY(const std::optional<Json> extractor, object_in(extractor_path));
  if (extractor) return from_json(*extractor, extractor_path);
  return from_model_config(model_config, folder + "/config.json");
}

Result<WhisperFeatures> WhisperFeatures::from_json(const Json& extractor, std::string_view what) {
  if (!extractor.is_object()) {
    return bad_input(fmt::format("{}: the feature extractor is not an object", what), kRemedy);
  }
  RIDGELINE_CHECK(check_extractor_type(extractor, what));
  RIDGELINE_CHECK(check_dither(extractor, what));
  WhisperFeatures made;
  RIDGELINE_TRY(made.mel_bins_, bounded(extractor, "feature_size", what, 80, 2, kMaxMelBins));
  RIDGELINE_TRY(const std::int64_t rate,
                bounded(extractor, "sampling_rate", what, 16'000, kMinSampleRate, kMaxSampleRate));
  made.sampling_rate_ = static_cast<int>(rate);
  RIDGELINE_TRY(made.hop_length_, bounded(extractor, "hop_length", what, 160, 1, kMaxFrameSamples));
  RIDGELINE_TRY(made.fft_length_, bounded(extractor, "n_fft", what, 400, 2, kMaxFrameSamples));
  RIDGELINE_TRY(const std::int64_t seconds,
                bounded(extractor, "chunk_length", what, 30, 1, kMaxSeconds));
  made.window_ = seconds * rate;
  RIDGELINE_TRY(made.padding_value_, get_number(extractor, "padding_value", what, 0.0));
  RIDGELINE_TRY(made.pads_left_, pads_on_the_left(extractor, what));
  RIDGELINE_TRY(made.returns_mask_, get_bool(extractor, "return_attention_mask", what, false));
  RIDGELINE_CHECK(made.check(what));
  return made;
}

Result<WhisperFeatures> WhisperFeatures::from_model_config(const Json& config,
                                                           std::string_view what) {
  WhisperFeatures made;
  RIDGELINE_TRY(made.mel_bins_, bounded(config, "num_mel_bins", what, 80, 2, kMaxMelBins));
  RIDGELINE_TRY(const std::int64_t positions,
                bounded(config, "max_source_positions", what, 1500, 1, std::int64_t{1} << 20));
  made.window_ = 2 * positions * made.hop_length_;
  RIDGELINE_CHECK(made.check(what));
  return made;
}

Status WhisperFeatures::check(std::string_view what) const {
  // The signal is mirrored at both ends by half a frame, which it must therefore exceed.
  if (window_ <= fft_length_ / 2 || frames() < 1) {
    return bad_input(
        fmt::format("{}: a window of {} samples is too short for frames of {} every {}", what,
                    window_, fft_length_, hop_length_),
        kRemedy);
  }
  if (frames() > kMaxFrameValues / fft_length_) {
    return bad_input(fmt::format("{}: {} frames of {} samples exceed {} values", what, frames(),
                                 fft_length_, kMaxFrameValues),
                     kRemedy);
  }
  return {};
}

std::int64_t WhisperFeatures::frames() const {
  return (window_ + 2 * (fft_length_ / 2) - fft_length_) / hop_length_;
}

SoundWindow WhisperFeatures::window_of(std::span<const float> samples) const {
  return {samples, static_cast<double>(samples.size()) / sampling_rate_};
}

SoundWindow WhisperFeatures::truncated(std::span<const float> samples) const {
  return window_of(samples.first(std::min(samples.size(), static_cast<std::size_t>(window_))));
}

std::vector<SoundWindow> WhisperFeatures::windows(std::span<const float> samples) const {
  std::vector<SoundWindow> made;
  while (!samples.empty()) {
    made.push_back(truncated(samples));
    samples = samples.subspan(made.back().samples.size());
  }
  return made;
}

}  // namespace ridgeline::native
