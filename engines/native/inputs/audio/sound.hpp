// Sound files: WAV, FLAC and Ogg (and MP3 where libsndfile has it) to float32 samples.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/error.hpp"

namespace ridgeline::native {

/// Most samples (frames x channels) of a sound, read or resampled: two hours of stereo at 48 kHz,
/// 2.8 GB as float32. A file may announce far more than it holds, so this is checked first.
inline constexpr std::int64_t kMaxSoundSamples = std::int64_t{2} * 3600 * 48'000 * 2;
/// Bounds of a sample rate in Hz: telephones use 8000, the fastest converters 768,000. A rate of
/// 1 Hz would grow 16,000-fold when resampled.
inline constexpr int kMinSampleRate = 1000;
inline constexpr int kMaxSampleRate = 768'000;
/// Most channels; 22.2 surround has 24.
inline constexpr int kMaxChannels = 128;

/// Decoded sound: `samples` is [frames, channels], interleaved, integer formats scaled to [-1, 1).
struct Sound {
  std::vector<float> samples;
  int channels = 1;
  int sample_rate = 0;  ///< Hz

  std::int64_t frames() const { return static_cast<std::int64_t>(samples.size()) / channels; }
  double seconds() const { return static_cast<double>(frames()) / sample_rate; }
};

/// The whole file, as soundfile.read(path, dtype="float32"). Unlike there, a file that ends before
/// the end its format announces is an error, and so is one without sound. Errors: kBadInput for a
/// file that cannot be used, kUnsupported for a kind that this libsndfile cannot read, kOomHost
/// when the samples do not fit into memory.
Result<Sound> load_sound(const std::string& path);

}  // namespace ridgeline::native
