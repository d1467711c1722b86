// Numpy's order of summation, and libsoxr's 20-bit recipe.
#include "engines/native/inputs/audio/resample.hpp"

#include <fmt/format.h>
#include <soxr.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <memory>
#include <utility>

namespace ridgeline::native {
namespace {

/// Output samples made at a time: libsoxr slows down when it is given a long input at once.
constexpr double kBlock = 48'000;

// numpy adds fewer than eight values in order, and up to 128 in eight lanes that it adds in pairs
// (pairwise_sum of loops_utils.h.src).
float sum(const float* values, int count) {
  static_assert(kMaxChannels <= 128, "numpy splits longer sums once more");
  float total = 0;
  int done = 0;
  if (count >= 8) {
    float lane[8];
    std::copy_n(values, 8, lane);
    for (done = 8; done + 8 <= count; done += 8) {
      for (int i = 0; i < 8; ++i) lane[i] += values[done + i];
    }
    total =
        ((lane[0] + lane[1]) + (lane[2] + lane[3])) + ((lane[4] + lane[5]) + (lane[6] + lane[7]));
  }
  for (; done < count; ++done) total += values[done];
  return total;
}

struct DeleteResampler {
  void operator()(soxr* resampler) const { ::soxr_delete(resampler); }
};
using Resampler = std::unique_ptr<soxr, DeleteResampler>;

Error cannot_resample(int from_hz, int to_hz, const char* why) {
  return bad_input(fmt::format("cannot resample from {} to {} Hz: {}", from_hz, to_hz, why),
                   "give a sound of a usual rate, such as 16000 or 44100 Hz");
}

Status check_rates(std::size_t samples, int from_hz, int to_hz) {
  for (const int rate : {from_hz, to_hz}) {
    if (rate < kMinSampleRate || rate > kMaxSampleRate) {
      return cannot_resample(from_hz, to_hz, "a rate is out of bounds");
    }
  }
  const double length = static_cast<double>(samples) * to_hz / from_hz;
  if (length > static_cast<double>(kMaxSoundSamples)) {
    return bad_input(fmt::format("a sound of {} samples at {} Hz is too long at {} Hz (above {})",
                                 samples, from_hz, to_hz, kMaxSoundSamples),
                     "cut it into shorter files");
  }
  return {};
}

}  // namespace

std::vector<float> to_mono(Sound sound) {
  if (sound.channels == 1) return std::move(sound.samples);
  const auto channels = static_cast<float>(sound.channels);
  std::vector<float> mono(static_cast<std::size_t>(sound.frames()));
  const float* frame = sound.samples.data();
  for (float& value : mono) {
    value = sum(frame, sound.channels) / channels;
    frame += sound.channels;
  }
  return mono;
}

Result<std::vector<float>> resample(std::span<const float> samples, int from_hz, int to_hz) {
  if (from_hz == to_hz) return std::vector<float>(samples.begin(), samples.end());
  RIDGELINE_CHECK(check_rates(samples.size(), from_hz, to_hz));
  soxr_error_t failure = nullptr;
  const soxr_io_spec_t format = ::soxr_io_spec(SOXR_FLOAT32_I, SOXR_FLOAT32_I);
  const soxr_quality_spec_t quality = ::soxr_quality_spec(SOXR_HQ, 0);
  const Resampler resampler(::soxr_create(from_hz, to_hz, 1, &failure, &format, &quality, nullptr));
  if (failure != nullptr) return cannot_resample(from_hz, to_hz, failure);

  const double length = static_cast<double>(samples.size()) * to_hz / from_hz;
  std::vector<float> resampled(static_cast<std::size_t>(std::ceil(length)));
  const auto block = static_cast<std::size_t>(std::max(1.0, kBlock * from_hz / to_hz));
  std::size_t made = 0;
  // The last call, without input, hands out what the filter still holds.
  for (std::size_t at = 0; failure == nullptr; at += block) {
    const bool flush = at >= samples.size();
    const std::size_t count = flush ? 0 : std::min(block, samples.size() - at);
    std::size_t got = 0;
    failure = ::soxr_process(resampler.get(), flush ? nullptr : samples.data() + at, count, nullptr,
                             resampled.data() + made, resampled.size() - made, &got);
    made += got;
    if (flush) break;
  }
  if (failure != nullptr) return cannot_resample(from_hz, to_hz, failure);
  return resampled;
}

Result<std::vector<float>> load_mono(const std::string& path, int sample_rate) {
  RIDGELINE_TRY(Sound sound, load_sound(path));
  const int from_hz = sound.sample_rate;
  std::vector<float> mono = to_mono(std::move(sound));
  if (from_hz == sample_rate) return mono;
  return resample(mono, from_hz, sample_rate);
}

}  // namespace ridgeline::native
