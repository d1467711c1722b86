// Mixing to mono and changing the sample rate, as load_audio of transformers does (and librosa).
#pragma once

#include <span>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "engines/native/inputs/audio/sound.hpp"

namespace ridgeline::native {

/// The mean over the channels, [frames]; float32 sums in numpy's order, so that
/// samples.reshape(frames, channels).T.mean(axis=0) gives the same bits.
std::vector<float> to_mono(Sound sound);

/// soxr.resample(samples, from_hz, to_hz, quality="HQ"), cut or filled with zeros to
/// ceil(size * to_hz / from_hz) samples. A copy where the rates are equal. Errors: a rate outside
/// kMinSampleRate to kMaxSampleRate; a result above kMaxSoundSamples.
Result<std::vector<float>> resample(std::span<const float> samples, int from_hz, int to_hz);

/// transformers.audio_utils.load_audio(path, sample_rate, backend="soundfile"): decode, mix to
/// mono, then resample (in this order: one channel to resample instead of several).
Result<std::vector<float>> load_mono(const std::string& path, int sample_rate);

}  // namespace ridgeline::native
