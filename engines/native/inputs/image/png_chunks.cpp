// Walks over the chunks of PNG files.
#include "engines/native/inputs/image/png_chunks.hpp"

#include <fmt/format.h>
#include <zlib.h>

#include <algorithm>
#include <cctype>
#include <optional>

#include "engines/native/inputs/image/decoders.hpp"
#include "engines/native/inputs/image/orientation.hpp"

namespace ridgeline::native {
namespace {

using std::string_view_literals::operator""sv;

constexpr std::string_view kFormat = "PNG";
constexpr std::size_t kSignatureBytes = 8;
constexpr std::size_t kFrameBytes = 12;  // length, type and checksum of a chunk
constexpr std::size_t kHeaderBytes = 13;
constexpr std::size_t kColourTypeAt = 9;
constexpr char kIndexed = 3;

/// Text that is unpacked from one chunk; Pillow has the same limit.
constexpr std::size_t kMaxTextBytes = 1 << 20;

/// What orientation_of() wants, gathered while walking.
struct Metadata {
  std::optional<std::string> exif;
  std::string exif_as_text;  // ImageMagick's way: hexadecimal lines after a heading of three
  std::string xmp;
};

std::string inflated(std::string_view packed) {
  std::string text(kMaxTextBytes, '\0');
  uLongf bytes = kMaxTextBytes;
  const int result = uncompress(reinterpret_cast<Bytef*>(text.data()), &bytes, bytes_of(packed),
                                static_cast<uLong>(packed.size()));
  text.resize(result == Z_OK ? bytes : 0);
  return text;
}

/// What stands before the next NUL, which is taken away with it; everything when there is none.
std::string_view cut_word(std::string_view& data) {
  const std::size_t end = std::min(data.find('\0'), data.size());
  const std::string_view word = data.substr(0, end);
  data.remove_prefix(std::min(end + 1, data.size()));
  return word;
}

void keep_text(std::string_view type, std::string_view data, Metadata& metadata) {
  const std::string_view key = cut_word(data);
  const bool is_xmp = key == "XML:com.adobe.xmp" || key == "xmp";
  const bool is_exif = key == "Raw profile type exif";
  if (!is_xmp && !is_exif) return;
  std::string text;
  if (type == "tEXt") {
    text = data;
  } else if (type == "zTXt") {
    if (data.empty() || data[0] != 0) return;
    text = inflated(data.substr(1));
  } else {
    if (data.size() < 2) return;
    const bool packed = data[0] != 0;
    if (packed && data[1] != 0) return;
    data.remove_prefix(2);
    cut_word(data);  // the language
    cut_word(data);  // the key in that language
    text = packed ? inflated(data) : std::string(data);
  }
  (is_xmp ? metadata.xmp : metadata.exif_as_text) = std::move(text);
}

/// The bytes that hexadecimal digits stand for, from the fourth line on; nothing when they are not
/// well-formed.
std::string bytes_of_profile(std::string_view text) {
  for (int i = 0; i < 3; ++i) {
    const std::size_t end = text.find('\n');
    if (end == std::string_view::npos) return {};
    text.remove_prefix(end + 1);
  }
  std::string bytes;
  int high = -1;
  for (const char letter : text) {
    const auto sign = static_cast<unsigned char>(letter);
    if (std::isspace(sign) != 0) continue;
    if (std::isxdigit(sign) == 0) return {};
    const int digit = std::isdigit(sign) != 0 ? sign - '0' : std::tolower(sign) - 'a' + 10;
    if (high >= 0) bytes.push_back(static_cast<char>(high * 16 + digit));
    high = high >= 0 ? -1 : digit;
  }
  return high >= 0 ? std::string() : bytes;
}

bool is_type(std::string_view type) {
  return std::all_of(type.begin(), type.end(), [](char letter) {
    return std::isalnum(static_cast<unsigned char>(letter)) != 0 || letter == '_';
  });
}

class Walk {
 public:
  Walk(std::string_view file, const std::string& name) : file_(file), name_(name) {}

  Result<PngChunks> run() {
    std::size_t at = kSignatureBytes;
    while (at + 8 <= file_.size()) {
      const std::uint64_t length = big32(bytes_of(file_) + at);
      const std::string_view type = file_.substr(at + 4, 4);
      if (!is_type(type)) {
        if (state_ == State::kAfterPixels) break;
        return broken_image(name_, kFormat, "a chunk without a name");
      }
      if (type == "IEND") break;
      if (length + kFrameBytes > file_.size() - at) return truncated_image(name_, kFormat);
      RIDGELINE_CHECK(take(type, file_.substr(at, length + kFrameBytes)));
      at += length + kFrameBytes;
    }
    if (state_ == State::kBeforePixels) return truncated_image(name_, kFormat);
    const std::string exif =
        metadata_.exif ? *metadata_.exif : bytes_of_profile(metadata_.exif_as_text);
    chunks_.orientation = orientation_of(exif, metadata_.xmp);
    return chunks_;
  }

 private:
  enum class State { kBeforePixels, kPixels, kAfterPixels };

  /// `chunk` with its frame.
  Status take(std::string_view type, std::string_view chunk) {
    const std::string_view data = chunk.substr(8, chunk.size() - kFrameBytes);
    if (type == "IDAT") {
      // Only those that follow each other are one stream.
      if (state_ == State::kAfterPixels) return {};
      state_ = State::kPixels;
      chunks_.pixel_bytes += data.size();
      chunks_.picture.push_back(chunk);
      return {};
    }
    if (state_ != State::kBeforePixels) {
      state_ = State::kAfterPixels;
    } else {
      RIDGELINE_CHECK(check_sum(chunk));
    }
    if (type == "IHDR" && state_ == State::kBeforePixels) {
      if (data.size() >= 8) {
        RIDGELINE_CHECK(check_image_size(big32(bytes_of(data)), big32(bytes_of(data) + 4), name_));
      }
      chunks_.picture.push_back(chunk);
      indexed_ = data.size() == kHeaderBytes && data[kColourTypeAt] == kIndexed;
    } else if (type == "PLTE" && state_ == State::kBeforePixels && indexed_) {
      // In pictures that are not indexed it is only a proposal.
      chunks_.picture.push_back(chunk);
      chunks_.palette = data;
    } else if (type == "eXIf") {
      metadata_.exif = data;
    } else if (type == "tEXt" || type == "zTXt" || type == "iTXt") {
      keep_text(type, data, metadata_);
    }
    return {};
  }

  Status check_sum(std::string_view chunk) const {
    const std::string_view summed = chunk.substr(4, chunk.size() - 8);
    const auto sum = crc32(0, bytes_of(summed), static_cast<uInt>(summed.size()));
    if (sum == big32(bytes_of(chunk) + chunk.size() - 4)) return {};
    return broken_image(name_, kFormat,
                        fmt::format("the checksum of {} is wrong", chunk.substr(4, 4)));
  }

  std::string_view file_;
  const std::string& name_;
  State state_ = State::kBeforePixels;
  bool indexed_ = false;
  PngChunks chunks_;
  Metadata metadata_;
};

}  // namespace

Result<PngChunks> read_png_chunks(std::string_view file, const std::string& name) {
  return Walk(file, name).run();
}

}  // namespace ridgeline::native
