// RIFF chunks (WAVE, RF64: EBU Tech 3306), Ogg pages (RFC 3533), MPEG frame headers.
#include "engines/native/inputs/audio/sound_container.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <optional>
#include <string_view>

namespace ridgeline::native {
namespace {

/// Writers that cannot seek back leave a size from here on; the data then goes to the end.
constexpr std::uint64_t kStreamedSize = 0x7FFF'0000;
/// Chunks before "data" that are looked at; real files have fewer than ten.
constexpr int kMaxChunks = 1024;
/// Largest Ogg page: a header of 27 bytes, 255 lacing values, 255 segments of 255 bytes.
constexpr std::int64_t kMaxOggPage = 27 + 255 + 255 * 255;
constexpr std::size_t kOggHeader = 27;
constexpr unsigned kLastOggPage = 4;  // flag of the header type

class Bytes {
 public:
  Bytes(int fd, std::int64_t size) : fd_(fd), size_(size) {}

  std::int64_t size() const { return size_; }

  /// What the file holds of `count` bytes at `offset`.
  std::string at(std::int64_t offset, std::size_t count) const {
    std::string bytes(count, '\0');
    std::size_t got = 0;
    while (got < count) {
      const ssize_t n = ::pread(fd_, bytes.data() + got, count - got,
                                static_cast<off_t>(offset + static_cast<std::int64_t>(got)));
      if (n < 0 && errno == EINTR) continue;
      if (n <= 0) break;
      got += static_cast<std::size_t>(n);
    }
    bytes.resize(got);
    return bytes;
  }

 private:
  int fd_;
  std::int64_t size_;
};

std::uint64_t unsigned_at(std::string_view bytes, std::size_t offset, std::size_t width, bool big) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < width; ++i) {
    const std::size_t at = offset + (big ? i : width - 1 - i);
    value = value << 8 | static_cast<unsigned char>(bytes[at]);
  }
  return value;
}

std::optional<SoundContainer> kind_of(std::string_view head) {
  const auto begins = [&](std::string_view magic) { return head.substr(0, magic.size()) == magic; };
  if ((begins("RIFF") || begins("RIFX") || begins("RF64")) && head.size() >= 12 &&
      head.substr(8, 4) == "WAVE") {
    return SoundContainer::kWave;
  }
  if (begins("fLaC")) return SoundContainer::kFlac;
  if (begins("OggS")) return SoundContainer::kOgg;
  if (begins("ID3")) return SoundContainer::kMpeg;
  if (head.size() < 2) return std::nullopt;
  // Eleven bits of synchronisation, then a layer other than 0 (which AAC has there).
  const auto second = static_cast<unsigned char>(head[1]);
  const bool frame = head[0] == '\xFF' && (second & 0xE0) == 0xE0 && (second & 0x06) != 0;
  return frame ? std::optional(SoundContainer::kMpeg) : std::nullopt;
}

Error cut_short(const std::string& path, const std::string& how) {
  return bad_input(fmt::format("{} is cut short: {}", path, how), "copy or record it again");
}

Status check_wave(const Bytes& file, const std::string& path) {
  const std::string form = file.at(0, 4);
  const bool big = form == "RIFX";
  std::uint64_t long_size = 0;  // RF64 keeps the size of its data in the chunk ds64
  std::int64_t offset = 12;
  for (int chunk = 0; chunk < kMaxChunks; ++chunk) {
    const std::string head = file.at(offset, 8);
    if (head.size() < 8) return {};  // no data: libsndfile says what is wrong
    const std::string_view id = std::string_view(head).substr(0, 4);
    std::uint64_t size = unsigned_at(head, 4, 4, big);
    offset += 8;
    if (id == "ds64" && form == "RF64") {
      const std::string sizes = file.at(offset, 16);
      if (sizes.size() == 16) long_size = unsigned_at(sizes, 8, 8, big);
    }
    if (id == "data") {
      if (size >= kStreamedSize) size = long_size;
      const auto held = static_cast<std::uint64_t>(file.size() - offset);
      if (size <= held) return {};
      return cut_short(path, fmt::format("{} bytes of sound announced, {} there", size, held));
    }
    offset += static_cast<std::int64_t>(size + size % 2);
  }
  return bad_input(fmt::format("{} has no sound within {} chunks", path, kMaxChunks),
                   "convert it to a plain WAV or FLAC file");
}

Status check_ogg(const Bytes& file, const std::string& path) {
  const std::int64_t start = std::max<std::int64_t>(0, file.size() - 2 * kMaxOggPage);
  const std::string tail = file.at(start, static_cast<std::size_t>(file.size() - start));
  const std::size_t page = tail.rfind("OggS");
  if (page == std::string::npos) return cut_short(path, "no Ogg page near its end");
  const std::string_view last = std::string_view(tail).substr(page);
  const auto byte = [&](std::size_t at) { return static_cast<unsigned char>(last[at]); };
  if (last.size() < kOggHeader || last.size() < kOggHeader + byte(26)) {
    return cut_short(path, "it ends inside the header of an Ogg page");
  }
  std::size_t length = kOggHeader + byte(26);
  for (std::size_t i = 0; i < byte(26); ++i) length += byte(kOggHeader + i);
  if (last.size() < length) return cut_short(path, "it ends inside an Ogg page");
  if ((byte(5) & kLastOggPage) == 0) return cut_short(path, "its last Ogg page is missing");
  return {};
}

}  // namespace

Result<SoundContainer> check_container(int fd, std::int64_t size, const std::string& path) {
  const Bytes file(fd, size);
  if (size == 0) return bad_input(fmt::format("{} is empty", path), "give a sound file");
  const auto kind = kind_of(file.at(0, 12));
  if (!kind) {
    return bad_input(fmt::format("{} is not a WAV, FLAC, Ogg or MP3 file", path),
                     "convert it, as with: ffmpeg -i FILE sound.wav");
  }
  if (*kind == SoundContainer::kWave) RIDGELINE_CHECK(check_wave(file, path));
  if (*kind == SoundContainer::kOgg) RIDGELINE_CHECK(check_ogg(file, path));
  return *kind;
}

}  // namespace ridgeline::native
