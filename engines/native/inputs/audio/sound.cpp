// Decoding through libsndfile, with the limits that hostile files need.
#include "engines/native/inputs/audio/sound.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sndfile.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>
#include <utility>

#include "base/descriptor.hpp"
#include "base/host_memory.hpp"
#include "engines/native/inputs/audio/sound_container.hpp"

namespace ridgeline::native {
namespace {

/// SF_FORMAT_MPEG, which headers before libsndfile 1.1 lack.
constexpr int kFormatMpeg = 0x230000;
/// Samples that are read at once.
constexpr std::int64_t kBlock = 1 << 16;
/// Room that is made on the word of a header alone (256 MiB); beyond it, the file must have shown
/// that it holds as much.
constexpr std::int64_t kTrustedSamples = std::int64_t{64} << 20;

struct CloseSound {
  void operator()(SNDFILE* file) const { ::sf_close(file); }
};
using SoundFile = std::unique_ptr<SNDFILE, CloseSound>;

bool reads_mpeg() {
  int count = 0;
  ::sf_command(nullptr, SFC_GET_FORMAT_MAJOR_COUNT, &count, sizeof count);
  for (int i = 0; i < count; ++i) {
    SF_FORMAT_INFO format{};
    format.format = i;
    ::sf_command(nullptr, SFC_GET_FORMAT_MAJOR, &format, sizeof format);
    if ((format.format & SF_FORMAT_TYPEMASK) == kFormatMpeg) return true;
  }
  return false;
}

std::string library_version() {
  char text[128] = {};
  ::sf_command(nullptr, SFC_GET_LIB_VERSION, text, sizeof text);
  return text;
}

Error cannot_decode(const std::string& path, const std::string& why) {
  return bad_input(fmt::format("cannot decode {}: {}", path, why),
                   "convert it to a plain WAV or FLAC file");
}

Status check_kind(int format, const std::string& path) {
  switch (format & SF_FORMAT_TYPEMASK) {
    case SF_FORMAT_WAV:
    case SF_FORMAT_WAVEX:
    case SF_FORMAT_RF64:
    case SF_FORMAT_FLAC:
    case SF_FORMAT_OGG:
    case kFormatMpeg:
      return {};
    default:
      return cannot_decode(path, "another format stands behind its tag");
  }
}

Status check_sizes(const SF_INFO& info, const std::string& path) {
  if (info.channels < 1 || info.channels > kMaxChannels) {
    return bad_input(
        fmt::format("{} has {} channels, more than {}", path, info.channels, kMaxChannels),
        "mix it down first");
  }
  if (info.samplerate < kMinSampleRate || info.samplerate > kMaxSampleRate) {
    return bad_input(fmt::format("{} has a sample rate of {} Hz, outside {} to {}", path,
                                 info.samplerate, kMinSampleRate, kMaxSampleRate),
                     "resample it first");
  }
  return {};
}

Error too_long(const std::string& path) {
  return bad_input(fmt::format("{} holds more than {} samples (two hours of stereo at 48 kHz)",
                               path, kMaxSoundSamples),
                   "cut it into shorter files");
}

Status check_memory(std::int64_t samples, const std::string& path) {
  const auto needed = samples * static_cast<std::int64_t>(sizeof(float));
  const auto available = available_host_bytes();
  if (!available || needed <= *available) return {};
  return Error{ErrorClass::kOomHost,
               fmt::format("{} needs {} bytes once decoded, {} are free", path, needed, *available),
               "cut it into shorter files", needed};
}

Result<SoundFile> open_sound(int fd, SoundContainer container, const std::string& path,
                             SF_INFO& info) {
  if (container == SoundContainer::kMpeg && !reads_mpeg()) {
    return unsupported(
        fmt::format("{} is an MP3 file, which {} was built without", path, library_version()),
        "convert it to WAV or FLAC, or install libsndfile 1.1 or newer with MPEG support");
  }
  SoundFile file(::sf_open_fd(fd, SFM_READ, &info, SF_FALSE));
  if (!file) {
    // For MP3 it names a pipe or a missing file, whatever is wrong.
    const bool mpeg = container == SoundContainer::kMpeg;
    return cannot_decode(path, mpeg ? "no whole MPEG frame in it" : ::sf_strerror(nullptr));
  }
  RIDGELINE_CHECK(check_kind(info.format, path));
  RIDGELINE_CHECK(check_sizes(info, path));
  return file;
}

// Frames that the file must hold; 0 where the format leaves them open or libsndfile estimates them.
std::int64_t promised_frames(const SF_INFO& info) {
  const int kind = info.format & SF_FORMAT_TYPEMASK;
  const bool exact = kind != kFormatMpeg && kind != SF_FORMAT_OGG;
  return exact && info.frames != SF_COUNT_MAX ? info.frames : 0;
}

Result<std::vector<float>> read_samples(SNDFILE* file, const SF_INFO& info,
                                        const std::string& path) {
  const std::int64_t most = kMaxSoundSamples / info.channels;  // frames
  const bool known = info.frames > 0 && info.frames != SF_COUNT_MAX;
  if (known && info.frames > most) return too_long(path);
  const std::int64_t expected = known ? info.frames * info.channels : 0;
  RIDGELINE_CHECK(check_memory(expected, path));

  std::vector<float> samples;
  samples.reserve(static_cast<std::size_t>(std::min(expected, kTrustedSamples)));
  const std::int64_t block = std::max<std::int64_t>(1, kBlock / info.channels);
  std::int64_t frames = 0;
  for (;;) {
    const std::int64_t wanted = known ? std::min(block, info.frames - frames) : block;
    if (wanted == 0) break;
    if (frames + wanted > most) return too_long(path);
    const auto size = static_cast<std::size_t>((frames + wanted) * info.channels);
    if (size > samples.capacity()) {
      samples.reserve(std::max(static_cast<std::size_t>(expected), 2 * size));
    }
    samples.resize(size);
    const std::int64_t got =
        ::sf_readf_float(file, samples.data() + frames * info.channels, wanted);
    frames += std::max<std::int64_t>(0, got);
    if (got < wanted) break;
  }
  samples.resize(static_cast<std::size_t>(frames * info.channels));
  if (::sf_error(file) != SF_ERR_NO_ERROR) return cannot_decode(path, ::sf_strerror(file));
  if (frames < promised_frames(info)) {
    return bad_input(fmt::format("{} is cut short or damaged: {} frames announced, {} decoded",
                                 path, info.frames, frames),
                     "copy or record it again");
  }
  return samples;
}

}  // namespace

Result<Sound> load_sound(const std::string& path) {
  // Not to hang on a pipe; it makes no difference for regular files.
  const Descriptor fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  struct stat status{};
  if (!fd.is_open() || ::fstat(fd.get(), &status) != 0) {
    return bad_input(fmt::format("cannot read {}: {}", path, std::strerror(errno)),
                     "check the path");
  }
  if (!S_ISREG(status.st_mode)) {
    return bad_input(fmt::format("{} is not a regular file", path), "give a sound file");
  }
  RIDGELINE_TRY(const SoundContainer container, check_container(fd.get(), status.st_size, path));
  SF_INFO info{};
  RIDGELINE_TRY(const SoundFile file, open_sound(fd.get(), container, path, info));
  Sound sound;
  sound.channels = info.channels;
  sound.sample_rate = info.samplerate;
  RIDGELINE_TRY(sound.samples, read_samples(file.get(), info, path));
  if (sound.samples.empty()) {
    return bad_input(fmt::format("{} holds no sound", path), "give a file with samples");
  }
  return sound;
}

}  // namespace ridgeline::native
