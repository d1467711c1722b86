// Finds the format of a picture, decodes it and turns it upright.
#include "engines/native/inputs/image/image.hpp"

#include <fmt/format.h>

#include <new>

#include "base/file.hpp"
#include "engines/native/inputs/image/decoders.hpp"
#include "engines/native/inputs/image/orientation.hpp"

namespace ridgeline::native {
namespace {

using std::string_view_literals::operator""sv;

struct Format {
  std::string_view name;
  std::size_t at;
  std::string_view signature;
  Result<DecodedImage> (*decode)(std::string_view file, const std::string& name);
};

// Null decoders: formats that Pillow reads and this does not, to be named in the error.
constexpr Format kFormats[] = {
    {"JPEG", 0, "\xff\xd8\xff"sv, decode_jpeg},
    {"PNG", 0, "\x89PNG\r\n\x1a\n"sv, decode_png},
    {"WebP", 8, "WEBPVP8"sv, decode_webp},
    {"BMP", 0, "BM"sv, decode_bmp},
    {"PNM", 0, "P1"sv, decode_pnm},
    {"PNM", 0, "P2"sv, decode_pnm},
    {"PNM", 0, "P3"sv, decode_pnm},
    {"PNM", 0, "P4"sv, decode_pnm},
    {"PNM", 0, "P5"sv, decode_pnm},
    {"PNM", 0, "P6"sv, decode_pnm},
    {"PFM", 0, "Pf\n"sv, nullptr},
    {"GIF", 0, "GIF87a"sv, nullptr},
    {"GIF", 0, "GIF89a"sv, nullptr},
    {"TIFF", 0, "II*\0"sv, nullptr},
    {"TIFF", 0, "MM\0*"sv, nullptr},
    {"AVIF", 4, "ftypavif"sv, nullptr},
    {"HEIC", 4, "ftypheic"sv, nullptr},
    {"HEIC", 4, "ftypmif1"sv, nullptr},
    {"JPEG 2000", 4, "jP  \r\n\x87\n"sv, nullptr},
    {"JPEG 2000", 0, "\xff\x4f\xff\x51"sv, nullptr},
    {"JPEG XL", 0, "\xff\x0a"sv, nullptr},
    {"JPEG XL", 4, "JXL \r\n\x87\n"sv, nullptr},
    {"ICO", 0, "\0\0\1\0"sv, nullptr},
    {"PSD", 0, "8BPS"sv, nullptr},
    {"SVG", 0, "<svg"sv, nullptr},
    {"PDF", 0, "%PDF-"sv, nullptr},
    {"QOI", 0, "qoif"sv, nullptr},
    {"DDS", 0, "DDS "sv, nullptr},
};

constexpr std::string_view kConvert = "convert it to PNG first";

Result<Image> decode_any(std::string_view file, const std::string& name) {
  if (file.empty()) return bad_input(fmt::format("{} is empty", name), "give a picture");
  for (const Format& format : kFormats) {
    if (file.size() < format.at + format.signature.size()) continue;
    if (file.substr(format.at, format.signature.size()) != format.signature) continue;
    if (format.decode == nullptr) {
      return unsupported(
          fmt::format("{} is in the format {}, which is not read", name, format.name),
          std::string(kConvert));
    }
    RIDGELINE_TRY(DecodedImage decoded, format.decode(file, name));
    return turn_upright(std::move(decoded.image), decoded.orientation);
  }
  return bad_input(fmt::format("{} is not a picture", name),
                   "give a JPEG, PNG, WebP, BMP or PNM file");
}

Error out_of_memory(const std::string& name) {
  return {ErrorClass::kOomHost, fmt::format("no memory for the picture {}", name)};
}

}  // namespace

Result<Image> decode_image(std::string_view file, const std::string& name) {
  try {
    return decode_any(file, name);
  } catch (const std::bad_alloc&) {
    return out_of_memory(name);
  }
}

Result<Image> load_image(const std::string& path) {
  try {
    RIDGELINE_TRY(const std::string file, read_text_file(path, kMaxImageFileBytes));
    return decode_image(file, path);
  } catch (const std::bad_alloc&) {
    return out_of_memory(path);
  }
}

Status check_image_size(std::int64_t width, std::int64_t height, const std::string& name) {
  if (width <= 0 || height <= 0) {
    return bad_input(fmt::format("{} has no pixels ({} x {})", name, width, height));
  }
  if (width > kMaxImageEdge || height > kMaxImageEdge || width * height > kMaxImagePixels) {
    return bad_input(
        fmt::format("{} says it has {} x {} pixels; the limits are {} pixels and an edge of {}",
                    name, width, height, kMaxImagePixels, kMaxImageEdge),
        "make it smaller first");
  }
  return {};
}

Result<Image> new_image(std::int64_t width, std::int64_t height, const std::string& name) {
  RIDGELINE_CHECK(check_image_size(width, height, name));
  Image image;
  image.width = static_cast<int>(width);
  image.height = static_cast<int>(height);
  image.pixels.resize(static_cast<std::size_t>(width * height) * 3);
  return image;
}

Error broken_image(const std::string& name, std::string_view format, std::string_view what) {
  return bad_input(fmt::format("{} is a broken {} file: {}", name, format, what));
}

Error truncated_image(const std::string& name, std::string_view format) {
  return broken_image(name, format, "it ends too early");
}

}  // namespace ridgeline::native
