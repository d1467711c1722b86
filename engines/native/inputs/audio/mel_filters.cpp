// Slaney's mel scale (Auditory Toolbox, 1998): linear below 1000 Hz, logarithmic above.
#include "engines/native/inputs/audio/mel_filters.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>

namespace ridgeline::native {
namespace {

constexpr double kHighestHertz = 8000.0;
constexpr double kBendHertz = 1000.0;
constexpr double kBendMel = 15.0;  // 3 mel each 200 Hz below the bend

double mel_of(double hertz) {
  if (hertz < kBendHertz) return 3.0 * hertz / 200.0;
  return kBendMel + std::log(hertz / kBendHertz) * (27.0 / std::log(6.4));
}

double hertz_of(double mel) {
  if (mel < kBendMel) return 200.0 * mel / 3.0;
  return kBendHertz * std::exp(std::log(6.4) / 27.0 * (mel - kBendMel));
}

// numpy.linspace(0, last, count): the last point is exact.
double point(std::int64_t index, std::int64_t count, double last) {
  if (index == count - 1) return last;
  return static_cast<double>(index) * (last / static_cast<double>(count - 1));
}

}  // namespace

std::vector<float> mel_filter_bank(std::int64_t bins, std::int64_t mels, std::int64_t sample_rate) {
  std::vector<double> corner(static_cast<std::size_t>(mels + 2));
  for (std::int64_t i = 0; i < mels + 2; ++i) {
    corner[static_cast<std::size_t>(i)] = hertz_of(point(i, mels + 2, mel_of(kHighestHertz)));
  }
  const auto nyquist = static_cast<double>(sample_rate / 2);
  std::vector<float> filters;
  filters.reserve(static_cast<std::size_t>(mels * bins));
  for (std::int64_t mel = 0; mel < mels; ++mel) {
    const double* at = corner.data() + mel;  // where the triangle begins, peaks and ends
    const double equal_area = 2.0 / (at[2] - at[0]);
    for (std::int64_t bin = 0; bin < bins; ++bin) {
      const double hertz = point(bin, bins, nyquist);
      const double rising = (hertz - at[0]) / (at[1] - at[0]);
      const double falling = (at[2] - hertz) / (at[2] - at[1]);
      const double height = std::max(0.0, std::min(rising, falling));
      filters.push_back(static_cast<float>(height * equal_area));
    }
  }
  return filters;
}

}  // namespace ridgeline::native
