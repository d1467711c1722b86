// Test-only: ridgeline-audio-driver IN OUT.f32 RATE writes what load_mono() makes of a sound file;
// with RATE 0, the decoded samples as they are. Prints their rate, channels and frames.
#include <fmt/format.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>
#include <utility>

#include "engines/native/inputs/audio/resample.hpp"

namespace {

using ridgeline::Result;
using ridgeline::native::Sound;

Result<Sound> load(const std::string& path, int rate) {
  if (rate == 0) return ridgeline::native::load_sound(path);
  Sound sound;
  sound.sample_rate = rate;
  RIDGELINE_TRY(sound.samples, ridgeline::native::load_mono(path, rate));
  return sound;
}

}  // namespace

int main(int count, char** arguments) {
  if (count != 4) {
    std::fputs("usage: ridgeline-audio-driver IN OUT.f32 RATE\n", stderr);
    return 2;
  }
  const auto sound = load(arguments[1], std::atoi(arguments[3]));
  if (!sound) {
    fmt::print(stderr, "ridgeline: {}\n", sound.error().line());
    return 1;
  }
  std::ofstream out(arguments[2], std::ios::binary);
  out.write(reinterpret_cast<const char*>(sound->samples.data()),
            static_cast<std::streamsize>(sound->samples.size() * sizeof(float)));
  fmt::print("{} {} {}\n", sound->sample_rate, sound->channels, sound->frames());
  return out.flush().good() ? 0 : 1;
}
