// Reads orientation tags and turns pictures.
#include "engines/native/inputs/image/orientation.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include "engines/native/inputs/image/decoders.hpp"

namespace ridgeline::native {
namespace {

using std::string_view_literals::operator""sv;

constexpr std::uint32_t kOrientationTag = 274;

// Bytes of one value of each TIFF type, 0 for types that do not exist (TIFF 6.0, section 2; 13 and
// 16 are later additions).
constexpr std::array<std::uint8_t, 17> kTypeBytes = {0, 1, 1, 2, 4, 8, 1, 1, 2,
                                                     4, 8, 4, 8, 4, 0, 0, 8};

class TiffReader {
 public:
  TiffReader(std::string_view stream, bool little) : stream_(stream), little_(little) {}

  std::uint32_t u16(std::size_t at) const {
    return little_ ? little16(bytes_of(stream_) + at) : big16(bytes_of(stream_) + at);
  }
  std::uint32_t u32(std::size_t at) const {
    return little_ ? little32(bytes_of(stream_) + at) : big32(bytes_of(stream_) + at);
  }

  /// The first of the whole numbers at `at`; none for types that hold something else.
  std::optional<std::int64_t> integer(std::uint32_t type, std::size_t at) const {
    switch (type) {
      case 3:
        return u16(at);
      case 8:
        return static_cast<std::int16_t>(u16(at));
      case 4:
      case 13:
        return u32(at);
      case 9:
        return static_cast<std::int32_t>(u32(at));
      case 6:
        return static_cast<std::int8_t>(stream_[at]);
      case 16: {
        const std::uint64_t halves[] = {u32(at), u32(at + 4)};
        return static_cast<std::int64_t>(halves[little_ ? 0 : 1] | halves[little_ ? 1 : 0] << 32);
      }
      default:
        return std::nullopt;
    }
  }

 private:
  std::string_view stream_;
  bool little_;
};

/// The tag in the first directory, read as far as it is sound: as Pillow, a value that lies beyond
/// the end ends the reading, and one larger than the whole stream is passed over.
std::optional<std::int64_t> tag_of_tiff(std::string_view stream) {
  if (stream.size() < 8) return std::nullopt;
  const std::string_view mark = stream.substr(0, 4);
  const bool little = mark == "II*\0"sv || mark == "II\0*"sv;
  if (!little && mark != "MM\0*"sv && mark != "MM*\0"sv) return std::nullopt;
  const TiffReader reader(stream, little);
  std::size_t at = reader.u32(4);
  if (at > stream.size() || stream.size() - at < 2) return std::nullopt;
  const std::uint32_t entries = reader.u16(at);
  at += 2;
  std::uint64_t values_bytes = 0;
  for (std::uint32_t i = 0; i < entries && stream.size() - at >= 12; ++i, at += 12) {
    const std::uint32_t type = reader.u16(at + 2);
    if (type >= kTypeBytes.size() || kTypeBytes[type] == 0) continue;
    const std::uint64_t bytes = std::uint64_t{reader.u32(at + 4)} * kTypeBytes[type];
    std::size_t value_at = at + 8;
    if (bytes > 4) {
      values_bytes += bytes;
      if (values_bytes > stream.size()) continue;
      value_at = reader.u32(at + 8);
      if (value_at > stream.size() || stream.size() - value_at < bytes) return std::nullopt;
    }
    if (bytes == 0 || reader.u16(at) != kOrientationTag) continue;
    // A value that is no whole number is still a value: it hides the XMP tag and turns nothing.
    return reader.integer(type, value_at).value_or(0);
  }
  return std::nullopt;
}

std::optional<std::int64_t> tag_of_xmp(std::string_view xmp) {
  constexpr std::string_view kName = "tiff:Orientation";
  for (std::size_t at = xmp.find(kName); at != std::string_view::npos; at = xmp.find(kName, at)) {
    at += kName.size();
    std::string_view rest = xmp.substr(at);
    if (rest.starts_with("=\"")) {
      rest.remove_prefix(2);
    } else if (rest.starts_with(">")) {
      rest.remove_prefix(1);
    } else {
      continue;
    }
    if (!rest.empty() && rest[0] >= '0' && rest[0] <= '9') return rest[0] - '0';
  }
  return std::nullopt;
}

/// A picture whose pixel (y, x) is the one that stands at from(y, x) = (row, column) now.
template <typename Place>
Image moved(const Image& image, int height, int width, const Place& from) {
  Image out{height, width, std::vector<std::uint8_t>(image.pixels.size())};
  std::uint8_t* to = out.pixels.data();
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x, to += 3) {
      const auto [row, column] = from(y, x);
      const std::size_t place = static_cast<std::size_t>(row) * image.width + column;
      std::memcpy(to, image.pixels.data() + 3 * place, 3);
    }
  }
  return out;
}

}  // namespace

int orientation_of(std::string_view exif, std::string_view xmp) {
  for (int i = 0; i < 2 && exif.starts_with("Exif\0\0"sv); ++i) exif.remove_prefix(6);
  std::optional<std::int64_t> tag = tag_of_tiff(exif);
  if (!tag) tag = tag_of_xmp(xmp);
  return tag && *tag >= 2 && *tag <= 8 ? static_cast<int>(*tag) : 1;
}

Image turn_upright(Image image, int orientation) {
  using Place = std::pair<int, int>;
  const int last_row = image.height - 1;
  const int last_column = image.width - 1;
  const int height = image.height;
  const int width = image.width;
  switch (orientation) {
    case 2:  // mirrored
      return moved(image, height, width, [&](int y, int x) { return Place(y, last_column - x); });
    case 3:  // upside down
      return moved(image, height, width,
                   [&](int y, int x) { return Place(last_row - y, last_column - x); });
    case 4:  // upside down and mirrored
      return moved(image, height, width, [&](int y, int x) { return Place(last_row - y, x); });
    case 5:  // rows are columns
      return moved(image, width, height, [&](int y, int x) { return Place(x, y); });
    case 6:  // a quarter turn clockwise is needed
      return moved(image, width, height, [&](int y, int x) { return Place(last_row - x, y); });
    case 7:  // rows are columns, both from the end
      return moved(image, width, height,
                   [&](int y, int x) { return Place(last_row - x, last_column - y); });
    case 8:  // a quarter turn the other way
      return moved(image, width, height, [&](int y, int x) { return Place(x, last_column - y); });
    default:
      return image;
  }
}

}  // namespace ridgeline::native
