// How a Whisper checkpoint wants its sound: WhisperFeatureExtractor of transformers, without torch.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "base/json.hpp"

namespace ridgeline::native {

/// A stretch of sound that fits one input of the encoder, and how long it really is.
struct SoundWindow {
  std::span<const float> samples;
  double seconds = 0;  ///< of sound; never counts padding
};

/// The settings, checked; mono samples of `sampling_rate` Hz go in, log-mel features of shape
/// [mel_bins, frames()] come out (engines/native/features/log_mel.hpp).
class WhisperFeatures {
 public:
  /// Whisper as published: 80 mel bands, 30 s at 16 kHz, 10 ms a frame.
  WhisperFeatures() = default;

  /// As AutoFeatureExtractor: "feature_extractor" (or "audio_processor") of
  /// processor_config.json, else preprocessor_config.json; where the folder has neither, from
  /// `model_config`. Errors: files that cannot be read, values out of bounds, settings that
  /// Ridgeline does not have.
  static Result<WhisperFeatures> load(const std::string& folder, const Json& model_config);

  /// From the object that WhisperFeatureExtractor saves; missing keys have its defaults. As there,
  /// `nb_max_frames` and `n_samples` follow from the others, and `do_normalize` has no effect (only
  /// as an argument of the call). `dither` other than 0 is refused: it adds random noise.
  static Result<WhisperFeatures> from_json(const Json& extractor, std::string_view what);

  /// From a config.json of model type whisper: `num_mel_bins`, and a window that fills
  /// `max_source_positions` (the encoder halves the frames).
  static Result<WhisperFeatures> from_model_config(const Json& config, std::string_view what);

  std::int64_t mel_bins() const { return mel_bins_; }
  int sampling_rate() const { return sampling_rate_; }     ///< Hz
  std::int64_t hop_length() const { return hop_length_; }  ///< samples from frame to frame
  std::int64_t fft_length() const { return fft_length_; }  ///< samples in a frame
  std::int64_t window_samples() const { return window_; }  ///< in one input: 480,000
  std::int64_t spectrum_bins() const { return fft_length_ / 2 + 1; }
  /// Frames of one input: those of a centred STFT without the last one.
  std::int64_t frames() const;
  double padding_value() const { return padding_value_; }
  bool pads_left() const { return pads_left_; }
  /// Whether the extractor also returns `attention_mask`.
  bool returns_mask() const { return returns_mask_; }

  /// What one call of the extractor keeps of a sound: its first window (truncation=True).
  SoundWindow truncated(std::span<const float> samples) const;

  /// All of a sound in windows that follow each other; the last may be shorter. Views of `samples`.
  std::vector<SoundWindow> windows(std::span<const float> samples) const;

 private:
  Status check(std::string_view what) const;
  SoundWindow window_of(std::span<const float> samples) const;

  std::int64_t mel_bins_ = 80;
  int sampling_rate_ = 16'000;
  std::int64_t hop_length_ = 160;
  std::int64_t fft_length_ = 400;
  std::int64_t window_ = 480'000;
  double padding_value_ = 0;
  bool pads_left_ = false;
  bool returns_mask_ = false;
};

}  // namespace ridgeline::native
