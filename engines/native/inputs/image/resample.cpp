// Pillow's resampling: windows and weights of every filter, then two passes.
#include "engines/native/inputs/image/resample.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <limits>
#include <numbers>
#include <optional>
#include <vector>

#include "engines/native/inputs/image/resample_kernels.hpp"

namespace ridgeline::native {
namespace {

constexpr double kPi = std::numbers::pi;

double box(double x) {
  return x > -0.5 && x <= 0.5 ? 1.0 : 0.0;
}

double bilinear(double x) {
  return std::max(0.0, 1.0 - std::abs(x));
}

double hamming(double x) {
  x = std::abs(x);
  if (x == 0.0) return 1.0;
  if (x >= 1.0) return 0.0;
  x *= kPi;
  // Pillow has the two constants of the Hamming window in single precision.
  return std::sin(x) / x * (0.54F + 0.46F * std::cos(x));
}

/// Keys' cubic convolution with a = -0.5.
double bicubic(double x) {
  constexpr double kA = -0.5;
  x = std::abs(x);
  if (x < 1.0) return ((kA + 2.0) * x - (kA + 3.0)) * x * x + 1.0;
  if (x < 2.0) return (((x - 5.0) * x + 8.0) * x - 4.0) * kA;
  return 0.0;
}

double sinc(double x) {
  return x == 0.0 ? 1.0 : std::sin(x * kPi) / (x * kPi);
}

double lanczos(double x) {
  return x >= -3.0 && x < 3.0 ? sinc(x) * sinc(x / 3.0) : 0.0;
}

struct Filter {
  double (*weight)(double) = nullptr;
  double support = 0;  ///< how far it reaches to each side, in pixels of the smaller picture
};

Filter filter_of(Resample filter) {
  switch (filter) {
    case Resample::kBox:
      return {box, 0.5};
    case Resample::kBilinear:
      return {bilinear, 1.0};
    case Resample::kHamming:
      return {hamming, 1.0};
    case Resample::kBicubic:
      return {bicubic, 2.0};
    case Resample::kLanczos:
      return {lanczos, 3.0};
    case Resample::kNearest:
      break;
  }
  return {};
}

std::int32_t fixed_point(double weight) {
  const double scaled = weight * (1 << kWeightBits);
  return static_cast<std::int32_t>(weight < 0 ? scaled - 0.5 : scaled + 0.5);
}

/// Windows and weights of the pixels begin .. begin + count - 1 of `out` ones made from `in`.
/// `copies` of each weight stand side by side, and windows are padded to a multiple of `unit`.
Taps make_taps(int in, std::int64_t out, const Filter& filter, std::int64_t begin, int count,
               std::size_t copies, std::size_t unit) {
  const double scale = static_cast<double>(in) / static_cast<double>(out);
  const double filter_scale = std::max(scale, 1.0);
  const double support = filter.support * filter_scale;
  const double inverse = 1.0 / filter_scale;
  Taps taps;
  std::vector<double> window;
  for (std::int64_t x = begin; x < begin + count; ++x) {
    const double center = (static_cast<double>(x) + 0.5) * scale;
    const int first = std::max(0, static_cast<int>(center - support + 0.5));
    const int end = static_cast<int>(std::min(center + support + 0.5, static_cast<double>(in)));
    window.clear();
    double sum = 0;
    for (int i = 0; i < end - first; ++i) {
      window.push_back(filter.weight((i + first - center + 0.5) * inverse));
      sum += window.back();
    }
    taps.first.push_back(first);
    taps.count.push_back(end - first);
    taps.at.push_back(taps.weights.size());
    for (const double weight : window) {
      const std::int32_t fixed = fixed_point(sum != 0.0 ? weight / sum : weight);
      taps.weights.insert(taps.weights.end(), copies, fixed);
    }
    const std::size_t over = window.size() % unit;
    if (over != 0) taps.weights.insert(taps.weights.end(), (unit - over) * copies, 0);
  }
  taps.at.push_back(taps.weights.size());
  return taps;
}

/// What weigh_pixels() may read behind a row.
constexpr std::size_t kBytesReadBehind = 3 * kPixelsAtOnce;

std::size_t row_bytes(int width) {
  return static_cast<std::size_t>(width) * 3;
}

/// Rows of RGB, `stride` bytes apart; a whole picture or a part of one.
struct View {
  const std::uint8_t* rows = nullptr;
  std::size_t stride = 0;
  int height = 0;
  int width = 0;
  std::size_t behind = 0;  ///< bytes that may be read behind the last row
};

/// A picture between two passes; the loops may read and write a little more than it has.
class Rows {
 public:
  Rows(int height, int width)
      : height_(height), width_(width), stride_(std::max(row_bytes(width), kBytesAtOnce)) {
    bytes_.resize(stride_ * static_cast<std::size_t>(height) + kBytesReadBehind);
  }

  std::uint8_t* row(int y) { return bytes_.data() + stride_ * static_cast<std::size_t>(y); }
  View view() const { return {bytes_.data(), stride_, height_, width_, kBytesReadBehind}; }

 private:
  int height_;
  int width_;
  std::size_t stride_;
  std::vector<std::uint8_t> bytes_;
};

Rows copied(const View& view) {
  Rows rows(view.height, view.width);
  const std::uint8_t* from = view.rows;
  for (int y = 0; y < view.height; ++y, from += view.stride) {
    std::memcpy(rows.row(y), from, row_bytes(view.width));
  }
  return rows;
}

Rows horizontal_pass(const View& view, const Taps& taps) {
  Rows out(view.height, static_cast<int>(taps.first.size()));
  // Where too little may be read behind the last rows, they are read from a copy.
  const std::size_t bytes = row_bytes(view.width);
  std::vector<std::uint8_t> copy(bytes + kBytesReadBehind);
  const std::uint8_t* from = view.rows;
  for (int y = 0; y < view.height; ++y, from += view.stride) {
    const std::size_t behind =
        static_cast<std::size_t>(view.height - 1 - y) * view.stride + view.behind;
    if (behind < kBytesReadBehind) {
      std::memcpy(copy.data(), from, bytes);
      weigh_pixels(copy.data(), taps, out.row(y));
    } else {
      weigh_pixels(from, taps, out.row(y));
    }
  }
  return out;
}

Rows vertical_pass(const View& view, const Taps& taps) {
  // A loop takes kBytesAtOnce at least, which a narrow part of a picture does not have.
  if (row_bytes(view.width) < kBytesAtOnce && view.behind == 0) {
    return vertical_pass(copied(view).view(), taps);
  }
  Rows out(static_cast<int>(taps.first.size()), view.width);
  const std::size_t bytes = std::max(row_bytes(view.width), kBytesAtOnce);
  for (std::size_t y = 0; y < taps.first.size(); ++y) {
    weigh_rows(view.rows + static_cast<std::size_t>(taps.first[y]) * view.stride, view.stride,
               taps.weights.data() + taps.at[y], static_cast<std::size_t>(taps.count[y]), bytes,
               out.row(static_cast<int>(y)));
  }
  return out;
}

/// What a pass along one edge needs: the places it reads, and its taps counted from there.
struct Pass {
  bool needed = false;
  int first = 0;
  int end = 0;
  Taps taps;
};

Pass make_pass(int in, std::int64_t out, const Filter& filter, std::int64_t begin, int count,
               std::size_t copies, std::size_t unit) {
  Pass pass;
  pass.needed = in != out;
  pass.first = static_cast<int>(begin);
  pass.end = pass.first + count;
  if (!pass.needed) return pass;
  pass.taps = make_taps(in, out, filter, begin, count, copies, unit);
  pass.first = pass.taps.first.front();
  pass.end = pass.taps.first.back() + pass.taps.count.back();
  for (std::int32_t& first : pass.taps.first) first -= pass.first;
  return pass;
}

/// Pillow 13 does the vertical pass first where it takes away far more; releases before 12 never
/// do. The order shows, by a level as a rule, because the first pass rounds to 8 bits.
bool vertical_goes_first(const Image& image, std::int64_t height, std::int64_t width) {
  return height < image.height && image.height - height > 2 * (image.width - width);
}

Image filtered(const Image& image, std::int64_t height, std::int64_t width, const Filter& filter,
               const Region& region) {
  const Pass across =
      make_pass(image.width, width, filter, region.left, region.width, 3, kPixelsAtOnce);
  const Pass down = make_pass(image.height, height, filter, region.top, region.height, 1, 1);
  const std::size_t stride = row_bytes(image.width);
  View view;
  view.rows = image.pixels.data() + stride * static_cast<std::size_t>(down.first) +
              3 * static_cast<std::size_t>(across.first);
  view.stride = stride;
  view.height = down.end - down.first;
  view.width = across.end - across.first;
  std::optional<Rows> rows;
  const auto do_across = [&] {
    if (across.needed) view = rows.emplace(horizontal_pass(view, across.taps)).view();
  };
  const auto do_down = [&] {
    if (down.needed) view = rows.emplace(vertical_pass(view, down.taps)).view();
  };
  if (vertical_goes_first(image, height, width)) {
    do_down();
    do_across();
  } else {
    do_across();
    do_down();
  }
  Image out{region.height, region.width, {}};
  const std::size_t bytes = row_bytes(region.width);
  out.pixels.resize(bytes * static_cast<std::size_t>(region.height));
  for (int y = 0; y < region.height; ++y) {
    const auto row = static_cast<std::size_t>(y);
    std::memcpy(out.pixels.data() + row * bytes, view.rows + row * view.stride, bytes);
  }
  return out;
}

/// Pillow goes through an affine map whose position is added up, so that is done here too.
std::vector<std::size_t> nearest_places(int in, std::int64_t out, std::int64_t begin, int count) {
  const double step = static_cast<double>(in) / static_cast<double>(out);
  std::vector<std::size_t> places;
  double position = step * 0.5;
  for (std::int64_t x = 0; x < begin + count; ++x, position += step) {
    if (x < begin) continue;
    places.push_back(static_cast<std::size_t>(std::min(static_cast<int>(position), in - 1)));
  }
  return places;
}

Image nearest(const Image& image, std::int64_t height, std::int64_t width, const Region& region) {
  const auto rows = nearest_places(image.height, height, region.top, region.height);
  const auto columns = nearest_places(image.width, width, region.left, region.width);
  Image out{region.height, region.width, {}};
  out.pixels.resize(row_bytes(region.width) * static_cast<std::size_t>(region.height));
  std::uint8_t* to = out.pixels.data();
  for (const std::size_t row : rows) {
    const std::uint8_t* from = image.pixels.data() + row * row_bytes(image.width);
    for (const std::size_t column : columns) {
      std::memcpy(to, from + 3 * column, 3);
      to += 3;
    }
  }
  return out;
}

}  // namespace

Result<Image> resize(const Image& image, std::int64_t height, std::int64_t width, Resample filter) {
  if (height < 1 || width < 1 || height > kMaxImagePixels / width) {
    return bad_input(fmt::format("cannot resize a picture to {} x {} pixels", width, height));
  }
  return resize_region(image, height, width, filter,
                       {0, 0, static_cast<int>(height), static_cast<int>(width)});
}

Result<Image> resize_region(const Image& image, std::int64_t height, std::int64_t width,
                            Resample filter, const Region& region) {
  if (image.height < 1 || image.width < 1) return bad_input("cannot resize an empty picture");
  constexpr std::int64_t kMost = std::numeric_limits<std::int32_t>::max();
  const bool inside = region.height >= 1 && region.width >= 1 && region.top >= 0 &&
                      region.left >= 0 && region.top + region.height <= height &&
                      region.left + region.width <= width;
  if (height > kMost || width > kMost || !inside ||
      std::int64_t{region.height} * region.width > kMaxImagePixels) {
    return bad_input(fmt::format("cannot take {} x {} of a picture resized to {} x {} pixels",
                                 region.width, region.height, width, height));
  }
  const bool same_size = height == image.height && width == image.width;
  if (filter == Resample::kNearest || same_size) return nearest(image, height, width, region);
  return filtered(image, height, width, filter_of(filter), region);
}

}  // namespace ridgeline::native
