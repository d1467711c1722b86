// PBM, PGM and PPM (P1 to P6), plain and binary, as Pillow reads them.
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstring>
#include <string>
#include <vector>

#include "engines/native/inputs/image/decoders.hpp"

namespace ridgeline::native {
namespace {

constexpr std::string_view kFormat = "PNM";
constexpr std::size_t kMaxTokenBytes = 10;
constexpr std::int64_t kMaxValue = 65535;

bool is_space(char letter) {
  return letter == ' ' || (letter >= '\t' && letter <= '\r');
}

/// Takes numbers from the front of a file; a comment reaches from # to the end of its line and
/// does not end a number, as for Pillow.
class Scanner {
 public:
  Scanner(std::string_view file, const std::string& name) : rest_(file), name_(name) {}

  std::string_view rest() const { return rest_; }

  /// The next number, with the one white space after it.
  Result<std::int64_t> number() {
    std::string token;
    while (!rest_.empty()) {
      const char letter = take();
      if (letter == '#') {
        skip_comment();
      } else if (!is_space(letter)) {
        token.push_back(letter);
        if (token.size() > kMaxTokenBytes) return broken_image(name_, kFormat, "a number too long");
      } else if (!token.empty()) {
        break;
      }
    }
    if (token.empty()) return truncated_image(name_, kFormat);
    std::int64_t value = 0;
    const char* end = token.data() + token.size();
    const auto [stop, error] = std::from_chars(token.data(), end, value);
    if (error != std::errc() || stop != end || value < 0) {
      return broken_image(name_, kFormat, "something that is no number");
    }
    return value;
  }

  /// The next digit of a plain bitmap, where no space is needed between them.
  Result<bool> bit() {
    while (!rest_.empty()) {
      const char letter = take();
      if (letter == '0' || letter == '1') return letter == '1';
      if (letter == '#') {
        skip_comment();
      } else if (!is_space(letter)) {
        return broken_image(name_, kFormat, "something that is no bit");
      }
    }
    return truncated_image(name_, kFormat);
  }

 private:
  char take() {
    const char letter = rest_.front();
    rest_.remove_prefix(1);
    return letter;
  }
  void skip_comment() {
    while (!rest_.empty()) {
      const char letter = take();
      if (letter == '\n' || letter == '\r') return;
    }
  }

  std::string_view rest_;
  const std::string& name_;
};

/// What the digit after the P says, with the largest value.
struct Kind {
  int channels = 1;
  bool bits = false;
  bool plain = false;
  std::int64_t most = 1;
  std::size_t value_bytes() const { return most > 255 ? 2 : 1; }
};

/// Every value as 8 bits. Grey with more than 8 bits keeps 16 in Pillow and saturates when it
/// becomes RGB.
std::vector<std::uint8_t> scale_table(const Kind& kind) {
  const double top = kind.channels == 1 && kind.most > 255 ? 65535.0 : 255.0;
  std::vector<std::uint8_t> table(std::size_t{1} << 8 * kind.value_bytes());
  for (std::size_t value = 0; value < table.size(); ++value) {
    const double share = static_cast<double>(value) / static_cast<double>(kind.most);
    table[value] = static_cast<std::uint8_t>(std::min(std::nearbyint(share * top), 255.0));
  }
  return table;
}

Result<Kind> kind_of(std::string_view file, const std::string& name) {
  if (file.size() < 3 || !is_space(file[2])) return broken_image(name, kFormat, "no sound header");
  Kind kind;
  const int digit = file[1] - '0';
  kind.plain = digit <= 3;
  kind.bits = digit % 3 == 1;
  kind.channels = digit % 3 == 0 ? 3 : 1;
  return kind;
}

Status read_plain(Scanner& scanner, const Kind& kind, Image& image, const std::string& name) {
  const std::size_t step = kind.channels == 1 ? 3 : 1;
  const std::vector<std::uint8_t> table = scale_table(kind);
  for (std::size_t at = 0; at < image.pixels.size(); at += step) {
    std::uint8_t value = 0;
    if (kind.bits) {
      RIDGELINE_TRY(const bool black, scanner.bit());
      value = black ? 0 : 255;
    } else {
      RIDGELINE_TRY(const std::int64_t number, scanner.number());
      if (number > kind.most) return broken_image(name, kFormat, "a value above the largest");
      value = table[static_cast<std::size_t>(number)];
    }
    std::memset(&image.pixels[at], value, step);
  }
  return {};
}

/// Bytes of a row of a binary file.
std::size_t stride_of(const Kind& kind, std::int64_t width) {
  const auto pixels = static_cast<std::size_t>(width);
  if (kind.bits) return (pixels + 7) / 8;
  return pixels * static_cast<std::size_t>(kind.channels) * kind.value_bytes();
}

void read_bits(const std::uint8_t* row, Image& image) {
  std::uint8_t* rgb = image.pixels.data();
  for (int y = 0; y < image.height; ++y, row += (image.width + 7) / 8) {
    for (int x = 0; x < image.width; ++x, rgb += 3) {
      std::memset(rgb, (row[x / 8] >> (7 - x % 8) & 1) != 0 ? 0 : 255, 3);
    }
  }
}

void read_values(const std::uint8_t* from, const Kind& kind, Image& image) {
  const std::vector<std::uint8_t> table = scale_table(kind);
  const std::size_t bytes = kind.value_bytes();
  const std::size_t step = kind.channels == 1 ? 3 : 1;
  for (std::size_t at = 0; at < image.pixels.size(); at += step, from += bytes) {
    std::memset(&image.pixels[at], table[bytes == 2 ? big16(from) : *from], step);
  }
}

}  // namespace

Result<DecodedImage> decode_pnm(std::string_view file, const std::string& name) {
  RIDGELINE_TRY(Kind kind, kind_of(file, name));
  Scanner scanner(file.substr(3), name);
  RIDGELINE_TRY(const std::int64_t width, scanner.number());
  RIDGELINE_TRY(const std::int64_t height, scanner.number());
  if (!kind.bits) {
    RIDGELINE_TRY(kind.most, scanner.number());
    if (kind.most < 1 || kind.most > kMaxValue) {
      return broken_image(name, kFormat, fmt::format("a largest value of {}", kind.most));
    }
  }
  RIDGELINE_CHECK(check_image_size(width, height, name));
  // A pixel takes a byte at least in plain files too, but for bitmaps in binary ones.
  const std::string_view data = scanner.rest();
  if (data.size() / (kind.plain ? static_cast<std::size_t>(width) : stride_of(kind, width)) <
      static_cast<std::size_t>(height)) {
    return truncated_image(name, kFormat);
  }
  DecodedImage decoded;
  RIDGELINE_TRY(decoded.image, new_image(width, height, name));
  if (kind.plain) {
    RIDGELINE_CHECK(read_plain(scanner, kind, decoded.image, name));
  } else if (kind.bits) {
    read_bits(bytes_of(data), decoded.image);
  } else {
    read_values(bytes_of(data), kind, decoded.image);
  }
  return decoded;
}

}  // namespace ridgeline::native
