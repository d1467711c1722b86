// Frames are a strided view of the padded signal: cutting and windowing is one multiplication, and
// the power goes into the filters' product without being transposed in memory.
#include "engines/native/features/log_mel.hpp"

#include <ATen/Context.h>
#include <ATen/ops/bmm.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/fft_rfft.h>
#include <ATen/ops/hann_window.h>
#include <ATen/ops/maximum.h>
#include <ATen/ops/mul.h>
#include <ATen/ops/view_as_real.h>
#include <ATen/ops/zeros.h>
#include <c10/core/InferenceMode.h>

#include <algorithm>
#include <cstdint>
#include <vector>

#include "engines/native/inputs/audio/mel_filters.hpp"

namespace ridgeline::native {
namespace {

/// Windows that are worked on at a time: on the CPU one, whose frames (12 MB for 30 s) then stay
/// near the caches; elsewhere as many as keep the device busy.
constexpr std::int64_t kRowsOnCpu = 1;
constexpr std::int64_t kRowsOnDevice = 8;
constexpr double kLeastPower = 1e-10;  // what the logarithm starts from
constexpr double kRange = 8.0;         // decades below the loudest value that are kept

at::Tensor filters_of(const WhisperFeatures& settings, c10::Device device) {
  const std::vector<float> values =
      mel_filter_bank(settings.spectrum_bins(), settings.mel_bins(), settings.sampling_rate());
  const at::Tensor filters =
      at::empty({1, settings.mel_bins(), settings.spectrum_bins()}, at::kFloat);
  std::copy(values.begin(), values.end(), filters.mutable_data_ptr<float>());
  return filters.to(device);
}

}  // namespace

LogMel::LogMel(const WhisperFeatures& settings, c10::Device device)
    : settings_(settings), device_(device) {
  const c10::InferenceMode inference;
  const auto options = at::TensorOptions(at::kFloat).device(device);
  const std::int64_t rows = device.is_cpu() ? kRowsOnCpu : kRowsOnDevice;
  const std::int64_t padded = settings.window_samples() + 2 * (settings.fft_length() / 2);
  window_ = at::hann_window(settings.fft_length(), options);
  filters_ = filters_of(settings, device);
  host_ = at::empty({rows, padded}, at::kFloat);
  signal_ = device.is_cpu() ? host_ : at::empty({rows, padded}, options);
  windowed_ = at::empty({rows, settings.frames(), settings.fft_length()}, options);
  power_ = at::empty({rows, settings.frames(), settings.spectrum_bins()}, options);
}

at::Tensor LogMel::compute(std::span<const std::span<const float>> sounds) {
  const c10::InferenceMode inference;
  // The filters' product is small; TF32 would round its factors to 10 bits for little gain.
  const at::NoTF32Guard full_precision;
  const auto count = static_cast<std::int64_t>(sounds.size());
  at::Tensor features = at::empty({count, settings_.mel_bins(), settings_.frames()},
                                  at::TensorOptions(at::kFloat).device(device_));
  for (std::int64_t start = 0; start < count; start += host_.size(0)) {
    const std::int64_t rows = std::min(host_.size(0), count - start);
    for (std::int64_t row = 0; row < rows; ++row) {
      fill(sounds[static_cast<std::size_t>(start + row)],
           host_.mutable_data_ptr<float>() + row * host_.size(1));
    }
    const at::Tensor signal = signal_.narrow(0, 0, rows);
    if (!device_.is_cpu()) signal.copy_(host_.narrow(0, 0, rows));
    transform(signal, features.narrow(0, start, rows));
  }
  return features;
}

// One padded row: mirrored half frame, the window of sound and padding, mirrored half frame.
void LogMel::fill(std::span<const float> sound, float* row) const {
  const std::int64_t edge = settings_.fft_length() / 2;
  const std::int64_t size = settings_.window_samples();
  const std::span<const float> kept = settings_.truncated(sound).samples;
  const std::int64_t padding = size - static_cast<std::int64_t>(kept.size());
  float* window = row + edge;
  float* begin = window + (settings_.pads_left() ? padding : 0);
  float* end = std::copy(kept.begin(), kept.end(), begin);
  const auto silence = static_cast<float>(settings_.padding_value());
  std::fill(window, begin, silence);
  std::fill(end, window + size, silence);
  // The outermost samples are not doubled: window[-1] is window[1].
  std::reverse_copy(window + 1, window + 1 + edge, row);
  std::reverse_copy(window + size - 1 - edge, window + size - 1, window + size);
}

void LogMel::transform(const at::Tensor& signal, at::Tensor features) {
  const std::int64_t rows = signal.size(0);
  const at::Tensor frames = signal.as_strided({rows, settings_.frames(), settings_.fft_length()},
                                              {signal.stride(0), settings_.hop_length(), 1});
  at::Tensor windowed = windowed_.narrow(0, 0, rows);
  at::mul_out(windowed, frames, window_);
  const at::Tensor spectrum = at::view_as_real(at::fft_rfft(windowed));
  const at::Tensor real = spectrum.select(-1, 0);
  const at::Tensor imaginary = spectrum.select(-1, 1);
  at::Tensor power = power_.narrow(0, 0, rows);
  at::mul_out(power, real, real).addcmul_(imaginary, imaginary);

  at::bmm_out(features, filters_.expand({rows, -1, -1}), power.transpose(1, 2));
  features.clamp_min_(kLeastPower).log10_();
  const at::Tensor loudest = features.amax({1, 2}, /*keepdim=*/true);
  at::maximum_out(features, features, loudest.sub_(kRange)).add_(4.0).div_(4.0);
}

at::Tensor LogMel::attention_mask(std::span<const std::span<const float>> sounds) const {
  const std::int64_t size = settings_.window_samples();
  at::Tensor mask = at::zeros({static_cast<std::int64_t>(sounds.size()), size}, at::kLong);
  auto* row = mask.mutable_data_ptr<std::int64_t>();
  for (const std::span<const float> sound : sounds) {
    const auto length = static_cast<std::int64_t>(settings_.truncated(sound).samples.size());
    std::fill_n(row + (settings_.pads_left() ? size - length : 0), length, 1);
    row += size;
  }
  return mask;
}

}  // namespace ridgeline::native
