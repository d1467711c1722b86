// The triangular filters that turn a power spectrum into mel bands.
#pragma once

#include <cstdint>
#include <vector>

namespace ridgeline::native {

/// transformers.audio_utils.mel_filter_bank with scale and norm "slaney", 0 to 8000 Hz, transposed:
/// [mels, bins] row-major, computed in double and rounded to float32 at the end. `bins` (at least
/// 2) are spread evenly over 0 to sample_rate / 2 (in whole Hz).
std::vector<float> mel_filter_bank(std::int64_t bins, std::int64_t mels, std::int64_t sample_rate);

}  // namespace ridgeline::native
