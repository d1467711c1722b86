// PNG through libpng, converted to RGB as Pillow converts each of its modes.
#include <png.h>

#include <algorithm>
#include <array>
#include <csetjmp>
#include <cstdio>
#include <cstring>
#include <span>
#include <vector>

#include "engines/native/inputs/image/decoders.hpp"
#include "engines/native/inputs/image/png_chunks.hpp"

namespace ridgeline::native {
namespace {

constexpr std::string_view kFormat = "PNG";
constexpr std::size_t kSignatureBytes = 8;

// Deflate makes at most 1032 bytes of one, so a small file cannot have many pixels: it is refused
// before they are allocated.
constexpr std::uint64_t kMostInflated = 1032;

/// The bytes that libpng sees: the signature, then the chunks.
struct Source {
  std::string_view now;
  std::span<const std::string_view> next;
};

/// libpng leaves by longjmp to `escape`, with a text in `message`; nothing is ever printed.
struct ErrorTrap {
  std::jmp_buf escape;
  char message[120];
};

extern "C" {
[[noreturn]] static void leave(png_structp png, png_const_charp message) {
  auto* trap = static_cast<ErrorTrap*>(png_get_error_ptr(png));
  std::snprintf(trap->message, sizeof trap->message, "%s", message);
  std::longjmp(trap->escape, 1);
}
static void stay_silent(png_structp /*png*/, png_const_charp /*message*/) {}

static void read_bytes(png_structp png, png_bytep to, std::size_t count) {
  auto* source = static_cast<Source*>(png_get_io_ptr(png));
  while (count > 0) {
    if (source->now.empty()) {
      if (source->next.empty()) png_error(png, "it ends too early");
      source->now = source->next.front();
      source->next = source->next.subspan(1);
    }
    const std::size_t step = std::min(count, source->now.size());
    std::memcpy(to, source->now.data(), step);
    source->now.remove_prefix(step);
    to += step;
    count -= step;
  }
}
}

/// Owns the state of libpng. The steps catch its longjmp, so they hold no objects of their own;
/// false means that message() says why.
class PngReader {
 public:
  PngReader(std::string_view signature, std::span<const std::string_view> chunks)
      : source_{signature, chunks} {}
  PngReader(const PngReader&) = delete;
  PngReader& operator=(const PngReader&) = delete;
  ~PngReader() { png_destroy_read_struct(&png_, &info_, nullptr); }

  const char* message() const { return trap_.message; }
  std::uint32_t width() const { return png_get_image_width(png_, info_); }
  std::uint32_t height() const { return png_get_image_height(png_, info_); }
  bool indexed() const { return png_get_color_type(png_, info_) == PNG_COLOR_TYPE_PALETTE; }
  bool wide_grey() const {
    return png_get_color_type(png_, info_) == PNG_COLOR_TYPE_GRAY &&
           png_get_bit_depth(png_, info_) == 16;
  }
  /// Bytes of a row: in the file, and after start() in memory.
  std::size_t row_bytes() const { return png_get_rowbytes(png_, info_); }
  /// Over all rows, 7 of them when interlaced; known after start().
  int passes() const { return passes_; }
  int channels() const { return png_get_channels(png_, info_); }

  bool read_header() {
    if (setjmp(trap_.escape) != 0) return false;
    png_ = png_create_read_struct(PNG_LIBPNG_VER_STRING, &trap_, leave, stay_silent);
    if (png_ == nullptr) return false;
    info_ = png_create_info_struct(png_);
    if (info_ == nullptr) return false;
    png_set_read_fn(png_, &source_, read_bytes);
    // Files whose deflate header promises a smaller window than is used are read by Pillow too.
    png_set_option(png_, PNG_MAXIMUM_INFLATE_WINDOW, PNG_OPTION_ON);
    png_read_info(png_, info_);
    return true;
  }

  /// One byte a channel, but for 16-bit grey; indices stay indices.
  bool start() {
    if (setjmp(trap_.escape) != 0) return false;
    // Pillow does not look at the checksums of the pixels.
    png_set_crc_action(png_, PNG_CRC_QUIET_USE, PNG_CRC_QUIET_USE);
    if (indexed()) {
      png_set_packing(png_);
    } else if (!wide_grey()) {
      png_set_expand_gray_1_2_4_to_8(png_);
      png_set_strip_16(png_);
    }
    passes_ = png_set_interlace_handling(png_);
    png_read_update_info(png_, info_);
    return true;
  }

  bool read_row(std::uint8_t* row) {
    if (setjmp(trap_.escape) != 0) return false;
    png_read_row(png_, row, nullptr);
    return true;
  }

 private:
  png_structp png_ = nullptr;
  png_infop info_ = nullptr;
  Source source_;
  ErrorTrap trap_ = {};
  int passes_ = 1;
};

/// Turns rows as libpng gives them into RGB.
class RowConverter {
 public:
  RowConverter(const PngReader& reader, std::string_view palette, int width)
      : width_(width), channels_(reader.channels()) {
    if (reader.indexed()) {
      kind_ = Kind::kIndexed;
      const std::size_t known = std::min(palette.size() / 3 * 3, palette_.size());
      std::memcpy(palette_.data(), palette.data(), known);  // indices beyond it are black
    } else if (reader.wide_grey()) {
      kind_ = Kind::kWideGrey;
    }
  }

  void convert(const std::uint8_t* row, std::uint8_t* rgb) const {
    switch (kind_) {
      case Kind::kIndexed:
        for (int x = 0; x < width_; ++x) std::memcpy(rgb + 3 * x, &palette_[3 * row[x]], 3);
        return;
      case Kind::kWideGrey:  // values are taken as they are and saturate
        for (int x = 0; x < width_; ++x) {
          std::memset(rgb + 3 * x, row[2 * x] != 0 ? 255 : row[2 * x + 1], 3);
        }
        return;
      case Kind::kPlain:
        break;
    }
    const int green = channels_ >= 3 ? 1 : 0;  // grey stands for all three
    for (int x = 0; x < width_; ++x, row += channels_, rgb += 3) {
      rgb[0] = row[0];
      rgb[1] = row[green];
      rgb[2] = row[2 * green];
    }
  }

 private:
  enum class Kind { kPlain, kIndexed, kWideGrey };

  int width_;
  int channels_;
  Kind kind_ = Kind::kPlain;
  std::array<std::uint8_t, 768> palette_ = {};
};

Status read_rows(PngReader& reader, std::string_view palette, Image& image,
                 const std::string& name) {
  const auto failure = [&] { return broken_image(name, kFormat, reader.message()); };
  if (!reader.start()) return failure();
  const RowConverter converter(reader, palette, image.width);
  // An interlaced picture is filled in by every pass, so all of its rows are kept.
  const std::size_t bytes = reader.row_bytes();
  const std::size_t step = reader.passes() > 1 ? bytes : 0;
  std::vector<std::uint8_t> rows(reader.passes() > 1 ? bytes * image.height : bytes);
  std::uint8_t* rgb = image.pixels.data();
  for (int pass = 1; pass <= reader.passes(); ++pass) {
    std::uint8_t* row = rows.data();
    for (int y = 0; y < image.height; ++y, row += step) {
      if (!reader.read_row(row)) return failure();
      if (pass < reader.passes()) continue;
      converter.convert(row, rgb);
      rgb += static_cast<std::size_t>(image.width) * 3;
    }
  }
  return {};
}

}  // namespace

Result<DecodedImage> decode_png(std::string_view file, const std::string& name) {
  RIDGELINE_TRY(const PngChunks chunks, read_png_chunks(file, name));
  PngReader reader(file.substr(0, kSignatureBytes), chunks.picture);
  if (!reader.read_header()) return broken_image(name, kFormat, reader.message());
  RIDGELINE_CHECK(check_image_size(reader.width(), reader.height(), name));
  if (chunks.pixel_bytes * kMostInflated < std::uint64_t{reader.row_bytes()} * reader.height()) {
    return truncated_image(name, kFormat);
  }
  DecodedImage decoded;
  decoded.orientation = chunks.orientation;
  RIDGELINE_TRY(decoded.image, new_image(reader.width(), reader.height(), name));
  RIDGELINE_CHECK(read_rows(reader, chunks.palette, decoded.image, name));
  return decoded;
}

}  // namespace ridgeline::native
