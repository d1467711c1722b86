// load_sound(): samples of a WAV file, and files that must end in one clear error. Equality with
// soundfile over formats and rates is in tests/oracle/test_audio.py.
#include "engines/native/inputs/audio/sound.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sndfile.h>
#include <sys/stat.h>

#include <string>
#include <vector>

#include "base/file.hpp"
#include "support/temp_folder.hpp"
#include "support/wave_text.hpp"

namespace ridgeline::native {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::string error_of(const std::string& path) {
  const auto sound = load_sound(path);
  return sound ? "no error" : sound.error().line();
}

class Inputs_Sound : public ::testing::Test {
 protected:
  std::string write(const std::string& bytes) { return folder_.write("sound", bytes); }

  /// The bytes of a file of `samples` samples at 16 kHz, as libsndfile writes it.
  std::string encoded(int format, int samples) {
    SF_INFO info{};
    info.samplerate = 16'000;
    info.channels = 1;
    info.format = format;
    const std::string path = folder_.path("encoded");
    SNDFILE* file = ::sf_open(path.c_str(), SFM_WRITE, &info);
    if (file == nullptr) return "";
    std::vector<float> values(static_cast<std::size_t>(samples));
    for (std::size_t i = 0; i < values.size(); ++i) {
      values[i] = static_cast<float>(i * 7919 % 1000) / 4000;
    }
    ::sf_write_float(file, values.data(), samples);
    ::sf_close(file);
    return read_text_file(path).value();
  }

  test::TempFolder folder_;
};

TEST_F(Inputs_Sound, reads_interleaved_samples_scaled_to_one) {
  const std::string data("\x00\x40\x00\xC0\x00\x80\xFF\x7F", 8);
  const auto sound = load_sound(write(test::wave_bytes({1, 2, 44'100, 16}, data)));
  ASSERT_TRUE(sound.has_value()) << sound.error().line();
  EXPECT_EQ(sound->channels, 2);
  EXPECT_EQ(sound->sample_rate, 44'100);
  EXPECT_EQ(sound->frames(), 2);
  EXPECT_DOUBLE_EQ(sound->seconds(), 2 / 44'100.0);
  EXPECT_THAT(sound->samples, ElementsAre(0.5f, -0.5f, -1.0f, 32767 / 32768.0f));
}

TEST_F(Inputs_Sound, floats_come_as_they_are_beyond_one_too) {
  const auto data = test::float_data({0.1f, -3.5f});
  const auto sound = load_sound(write(test::wave_bytes({3, 1, 8000, 32}, data)));
  ASSERT_TRUE(sound.has_value()) << sound.error().line();
  EXPECT_THAT(sound->samples, ElementsAre(0.1f, -3.5f));
}

TEST_F(Inputs_Sound, a_stream_of_unknown_size_goes_to_the_end_of_the_file) {
  const std::string bytes = test::wave_bytes({1, 1, 16'000, 16}, std::string(20, 'x'), 0xFFFFFFFF);
  const auto sound = load_sound(write(bytes));
  ASSERT_TRUE(sound.has_value()) << sound.error().line();
  EXPECT_EQ(sound->frames(), 10);
}

TEST_F(Inputs_Sound, refuses_a_wave_that_is_cut_short) {
  const std::string bytes = test::wave_bytes({1, 1, 16'000, 16}, std::string(20, 'x'), 22);
  EXPECT_THAT(error_of(write(bytes)),
              HasSubstr("cut short: 22 bytes of sound announced, 20 there"));
}

TEST_F(Inputs_Sound, refuses_a_flac_that_is_cut_short) {
  const std::string whole = encoded(SF_FORMAT_FLAC | SF_FORMAT_PCM_16, 20'000);
  EXPECT_EQ(error_of(write(whole)), "no error");
  EXPECT_NE(error_of(write(whole.substr(0, whole.size() - 10))), "no error");
}

TEST_F(Inputs_Sound, refuses_an_ogg_that_is_cut_short) {
  const std::string whole = encoded(SF_FORMAT_OGG | SF_FORMAT_VORBIS, 200'000);
  EXPECT_EQ(error_of(write(whole)), "no error");
  EXPECT_THAT(error_of(write(whole.substr(0, whole.size() - 1))),
              HasSubstr("ends inside an Ogg page"));
  // Cut where a page ends: only the flag of the last page tells.
  EXPECT_THAT(error_of(write(whole.substr(0, whole.rfind("OggS")))),
              HasSubstr("its last Ogg page is missing"));
}

TEST_F(Inputs_Sound, refuses_more_than_it_may_hold_before_making_room) {
  // STREAMINFO of a FLAC file: 36 bits of total samples from the low half of byte 21 on.
  std::string bytes = encoded(SF_FORMAT_FLAC | SF_FORMAT_PCM_16, 1000);
  bytes[21] = static_cast<char>(bytes[21] | 0x0F);
  EXPECT_THAT(error_of(write(bytes)), HasSubstr("holds more than 691200000 samples"));
}

TEST_F(Inputs_Sound, believes_a_header_only_as_far_as_the_samples_go) {
  std::string bytes = encoded(SF_FORMAT_FLAC | SF_FORMAT_PCM_16, 1000);
  for (const std::size_t at : {22, 23, 24, 25}) bytes[at] = '\0';  // 0 samples: unknown
  const auto unknown = load_sound(write(bytes));
  ASSERT_TRUE(unknown.has_value()) << unknown.error().line();
  EXPECT_EQ(unknown->frames(), 1000);
  bytes[23] = 1;  // 65,536
  EXPECT_THAT(error_of(write(bytes)), HasSubstr("65536 frames announced, 1000 decoded"));
}

TEST_F(Inputs_Sound, refuses_rates_and_channels_out_of_bounds) {
  EXPECT_THAT(error_of(write(test::wave_bytes({1, 1, 999, 16}, "abcd"))),
              HasSubstr("sample rate of 999 Hz, outside 1000 to 768000"));
  EXPECT_THAT(error_of(write(test::wave_bytes({1, 129, 16'000, 8}, std::string(129, 'x')))),
              HasSubstr("129 channels"));
}

TEST_F(Inputs_Sound, refuses_what_is_not_a_sound_file) {
  EXPECT_THAT(error_of(folder_.path("missing")), HasSubstr("No such file or directory"));
  EXPECT_THAT(error_of(folder_.path()), HasSubstr("not a regular file"));
  EXPECT_THAT(error_of(write("")), HasSubstr("is empty"));
  EXPECT_THAT(error_of(write("R")), HasSubstr("is not a WAV, FLAC, Ogg or MP3 file"));
  EXPECT_THAT(error_of(write("FORM....AIFFCOMM")), HasSubstr("ffmpeg"));
  EXPECT_THAT(error_of(write("RIFF....WAVE")), HasSubstr("cannot decode"));
  EXPECT_THAT(error_of(write(test::wave_bytes({1, 1, 16'000, 16}, ""))), HasSubstr("no sound"));
}

TEST_F(Inputs_Sound, does_not_wait_for_a_pipe) {
  const std::string path = folder_.path("pipe");
  ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0);
  EXPECT_THAT(error_of(path), HasSubstr("not a regular file"));
}

}  // namespace
}  // namespace ridgeline::native
