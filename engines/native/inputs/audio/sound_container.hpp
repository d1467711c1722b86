// Tells the kind of a sound file by its first bytes, and whether all of it is there.
#pragma once

#include <cstdint>
#include <string>

#include "base/error.hpp"

namespace ridgeline::native {

enum class SoundContainer { kWave, kFlac, kOgg, kMpeg };

/// Looks at the bytes of an open regular file of `size` bytes; `path` names it in errors. Only
/// files that pass reach libsndfile, which keeps its parsers of rare formats out of reach. Errors:
/// empty; of another kind; WAV or Ogg cut short (libsndfile would return what is left without a
/// word). Whether a FLAC file is whole shows when it is decoded; an MP3 does not tell.
Result<SoundContainer> check_container(int fd, std::int64_t size, const std::string& path);

}  // namespace ridgeline::native
