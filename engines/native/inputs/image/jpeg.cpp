// JPEG through libjpeg-turbo, with the settings of Pillow's decoder: the library's defaults.
#include <algorithm>
#include <csetjmp>
#include <cstddef>
#include <cstdio>
#include <string>
#include <utility>
#include <vector>

#include "engines/native/inputs/image/decoders.hpp"
#include "engines/native/inputs/image/orientation.hpp"
// It needs stdio.h before it.
#include <jpeglib.h>

#include <jerror.h>

namespace ridgeline::native {
namespace {

using std::string_view_literals::operator""sv;

constexpr std::string_view kFormat = "JPEG";

// A file of a few kilobytes can ask for thousands of passes over a large picture; real progressive
// files have about ten. (The same limit as libjpeg-turbo's own fuzzers.)
constexpr int kMaxScans = 500;

// With Huffman codes each group of at most 32 x 32 pixels takes a bit at least, so a small file
// cannot have many pixels: it is refused before they are allocated.
constexpr std::uint64_t kMostPixelsPerByte = 8 * 32 * 32;

/// libjpeg leaves by longjmp to `escape`, with a text in `message`; nothing is ever printed.
struct ErrorTrap {
  jpeg_error_mgr base;
  std::jmp_buf escape;
  char message[JMSG_LENGTH_MAX];
};

extern "C" {
[[noreturn]] static void leave(j_common_ptr state) {
  auto* trap = reinterpret_cast<ErrorTrap*>(state->err);
  (*state->err->format_message)(state, trap->message);
  std::longjmp(trap->escape, 1);
}
static void stay_silent(j_common_ptr /*state*/) {}
static void nothing_to_do(j_decompress_ptr /*state*/) {}
// All bytes are there from the start, so a wish for more means that the file is cut short.
static boolean no_more_bytes(j_decompress_ptr /*state*/) {
  return FALSE;
}
static void skip_bytes(j_decompress_ptr state, long count) {
  jpeg_source_mgr& source = *state->src;
  const std::size_t step =
      std::min(source.bytes_in_buffer, static_cast<std::size_t>(count > 0 ? count : 0));
  source.next_input_byte += step;
  source.bytes_in_buffer -= step;
}
static void count_scans(j_common_ptr state) {
  if (reinterpret_cast<j_decompress_ptr>(state)->input_scan_number <= kMaxScans) return;
  std::snprintf(reinterpret_cast<ErrorTrap*>(state->err)->message, JMSG_LENGTH_MAX,
                "more than %d scans", kMaxScans);
  std::longjmp(reinterpret_cast<ErrorTrap*>(state->err)->escape, 1);
}
}

enum class Step { kDone, kCutShort, kBroken };

/// Owns the state of libjpeg. The steps catch its longjmp, so they hold no objects of their own.
class JpegReader {
 public:
  explicit JpegReader(std::string_view file) {
    state_.err = jpeg_std_error(&trap_.base);
    trap_.base.error_exit = leave;
    trap_.base.output_message = stay_silent;
    source_.init_source = nothing_to_do;
    source_.fill_input_buffer = no_more_bytes;
    source_.skip_input_data = skip_bytes;
    source_.resync_to_restart = jpeg_resync_to_restart;
    source_.term_source = nothing_to_do;
    source_.next_input_byte = bytes_of(file);
    source_.bytes_in_buffer = file.size();
    progress_.progress_monitor = count_scans;
  }
  JpegReader(const JpegReader&) = delete;
  JpegReader& operator=(const JpegReader&) = delete;
  ~JpegReader() { jpeg_destroy_decompress(&state_); }

  const jpeg_decompress_struct& state() const { return state_; }
  const char* message() const { return trap_.message; }

  Step read_header() {
    if (setjmp(trap_.escape) != 0) return Step::kBroken;
    jpeg_create_decompress(&state_);
    state_.src = &source_;
    state_.progress = &progress_;
    jpeg_save_markers(&state_, JPEG_APP0 + 1, 0xFFFF);
    int found = 0;
    do {
      found = jpeg_read_header(&state_, FALSE);
    } while (found == JPEG_HEADER_TABLES_ONLY);
    return found == JPEG_SUSPENDED ? Step::kCutShort : Step::kDone;
  }

  Step start(J_COLOR_SPACE colours) {
    if (setjmp(trap_.escape) != 0) return Step::kBroken;
    state_.out_color_space = colours;
    return jpeg_start_decompress(&state_) != 0 ? Step::kDone : Step::kCutShort;
  }

  Step read_row(std::uint8_t* row) {
    if (setjmp(trap_.escape) != 0) return Step::kBroken;
    return jpeg_read_scanlines(&state_, &row, 1) == 1 ? Step::kDone : Step::kCutShort;
  }

 private:
  jpeg_decompress_struct state_ = {};
  ErrorTrap trap_ = {};
  jpeg_source_mgr source_ = {};
  jpeg_progress_mgr progress_ = {};
};

/// Where EXIF and XMP lie: parts of EXIF are joined, of several XMP packets the last counts.
int orientation_in(const jpeg_decompress_struct& state) {
  constexpr std::string_view kExif = "Exif\0\0"sv;
  constexpr std::string_view kXmp = "http://ns.adobe.com/xap/1.0/\0"sv;
  std::string exif;
  std::string_view xmp;
  for (const jpeg_marker_struct* marker = state.marker_list; marker != nullptr;
       marker = marker->next) {
    const std::string_view data(reinterpret_cast<const char*>(marker->data), marker->data_length);
    if (data.starts_with(kExif)) exif.append(data.substr(kExif.size()));
    if (data.starts_with(kXmp)) xmp = data.substr(kXmp.size());
  }
  return orientation_of(exif, xmp);
}

/// a * b / 255, rounded, as Pillow's MULDIV255.
int multiply_shares(int a, int b) {
  const int product = a * b + 128;
  return ((product >> 8) + product) >> 8;
}

/// Pillow takes every four-colour JPEG for an inverted one, as Adobe writes them (no ink is 255),
/// and lets black dim the other colours.
void inks_to_rgb(const std::uint8_t* inks, int count, std::uint8_t* rgb) {
  for (int x = 0; x < count; ++x, inks += 4, rgb += 3) {
    for (int c = 0; c < 3; ++c) {
      rgb[c] = static_cast<std::uint8_t>(multiply_shares(inks[c], inks[3]));
    }
  }
}

Status read_rows(JpegReader& reader, Image& image, const std::string& name) {
  const bool inks = reader.state().num_components == 4;
  const auto failure = [&](Step step) {
    return step == Step::kCutShort ? truncated_image(name, kFormat)
                                   : broken_image(name, kFormat, reader.message());
  };
  const Step started = reader.start(inks ? JCS_CMYK : JCS_RGB);
  if (started != Step::kDone) return failure(started);
  const std::size_t stride = static_cast<std::size_t>(image.width) * 3;
  std::vector<std::uint8_t> line(inks ? static_cast<std::size_t>(image.width) * 4 : 0);
  std::uint8_t* row = image.pixels.data();
  for (int y = 0; y < image.height; ++y, row += stride) {
    const Step step = reader.read_row(inks ? line.data() : row);
    if (step != Step::kDone) return failure(step);
    if (inks) inks_to_rgb(line.data(), image.width, row);
  }
  return {};
}

}  // namespace

Result<DecodedImage> decode_jpeg(std::string_view file, const std::string& name) {
  JpegReader reader(file);
  const Step header = reader.read_header();
  if (header == Step::kCutShort) return truncated_image(name, kFormat);
  if (header == Step::kBroken) return broken_image(name, kFormat, reader.message());
  const int colours = reader.state().num_components;
  if (colours != 1 && colours != 3 && colours != 4) {
    return broken_image(name, kFormat, "it has neither one, three nor four colours");
  }
  const std::uint64_t pixels =
      std::uint64_t{reader.state().image_width} * reader.state().image_height;
  if (reader.state().arith_code == FALSE && pixels / kMostPixelsPerByte > file.size()) {
    return truncated_image(name, kFormat);
  }
  DecodedImage decoded;
  decoded.orientation = orientation_in(reader.state());
  RIDGELINE_TRY(decoded.image,
                new_image(reader.state().image_width, reader.state().image_height, name));
  RIDGELINE_CHECK(read_rows(reader, decoded.image, name));
  return decoded;
}

}  // namespace ridgeline::native
