// Whisper's log-mel features on any device: what WhisperFeatureExtractor of transformers returns.
#pragma once

#include <ATen/core/Tensor.h>
#include <c10/core/Device.h>

#include <span>

#include "engines/native/inputs/audio/whisper_features.hpp"

namespace ridgeline::native {

/// Holds the window, the filters and the working memory of one device, so that a call allocates
/// little else than what it returns. Not for several threads at once.
class LogMel {
 public:
  LogMel(const WhisperFeatures& settings, c10::Device device);

  /// float32 [sounds, mel_bins, frames] on the device. Each sound is mono at the settings' rate; it
  /// is cut to one window or padded to it. Equal to the extractor's torch path, which is the one
  /// that runs where torch is installed; a NaN sample makes its whole row NaN, as there.
  at::Tensor compute(std::span<const std::span<const float>> sounds);

  /// int64 [sounds, window_samples] on the CPU: 1 where there is sound. In samples, not frames:
  /// so does the extractor when its file, not the call, asks for the mask.
  at::Tensor attention_mask(std::span<const std::span<const float>> sounds) const;

 private:
  void fill(std::span<const float> sound, float* row) const;
  void transform(const at::Tensor& signal, at::Tensor features);

  WhisperFeatures settings_;
  c10::Device device_;
  at::Tensor window_;    // [fft]
  at::Tensor filters_;   // [1, mel, bins]
  at::Tensor host_;      // [rows, padded samples], on the CPU
  at::Tensor signal_;    // the same on the device; host_ itself there
  at::Tensor windowed_;  // [rows, frames, fft]
  at::Tensor power_;     // [rows, frames, bins]
};

}  // namespace ridgeline::native
