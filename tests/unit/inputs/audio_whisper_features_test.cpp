// Settings of Whisper's features and its mel filters; the features themselves are in
// tests/native/log_mel_test.cpp.
#include "engines/native/inputs/audio/whisper_features.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/json.hpp"
#include "engines/native/inputs/audio/mel_filters.hpp"
#include "support/temp_folder.hpp"

namespace ridgeline::native {
namespace {

using ::testing::HasSubstr;

std::string error_of(const char* extractor) {
  const auto made = WhisperFeatures::from_json(Json::parse(extractor), "preprocessor_config.json");
  return made ? "no error" : made.error().line();
}

TEST(Inputs_WhisperFeatures, missing_keys_have_the_published_values) {
  const auto made = WhisperFeatures::from_json(Json::object(), "x");
  ASSERT_TRUE(made.has_value()) << made.error().line();
  EXPECT_EQ(made->mel_bins(), 80);
  EXPECT_EQ(made->sampling_rate(), 16'000);
  EXPECT_EQ(made->window_samples(), 480'000);
  EXPECT_EQ(made->frames(), 3000);
  EXPECT_EQ(made->spectrum_bins(), 201);
  EXPECT_FALSE(made->pads_left());
  EXPECT_FALSE(made->returns_mask());
}

TEST(Inputs_WhisperFeatures, sizes_that_follow_from_others_are_not_read) {
  const auto made = WhisperFeatures::from_json(
      Json::parse(R"({"feature_size": 128, "chunk_length": 2, "nb_max_frames": 7, "n_samples": 9,
                      "do_normalize": true, "padding_side": "left",
                      "return_attention_mask": true})"),
      "x");
  ASSERT_TRUE(made.has_value()) << made.error().line();
  EXPECT_EQ(made->mel_bins(), 128);
  EXPECT_EQ(made->window_samples(), 32'000);
  EXPECT_EQ(made->frames(), 200);
  EXPECT_TRUE(made->pads_left());
  EXPECT_TRUE(made->returns_mask());
}

TEST(Inputs_WhisperFeatures, a_model_config_gives_the_window_its_encoder_takes) {
  const auto made = WhisperFeatures::from_model_config(
      Json::parse(R"({"num_mel_bins": 128, "max_source_positions": 50})"), "config.json");
  ASSERT_TRUE(made.has_value()) << made.error().line();
  EXPECT_EQ(made->mel_bins(), 128);
  EXPECT_EQ(made->frames(), 100);
}

TEST(Inputs_WhisperFeatures, files_are_looked_for_in_the_order_of_transformers) {
  const test::TempFolder folder;
  const Json config = Json::parse(R"({"num_mel_bins": 10})");
  const auto bins = [&] { return WhisperFeatures::load(folder.path(), config)->mel_bins(); };
  EXPECT_EQ(bins(), 10);
  folder.write("preprocessor_config.json", R"({"feature_size": 20})");
  EXPECT_EQ(bins(), 20);
  folder.write("processor_config.json", R"({"processor_class": "WhisperProcessor"})");
  EXPECT_EQ(bins(), 20);
  folder.write("processor_config.json", R"({"feature_extractor": {"feature_size": 30}})");
  EXPECT_EQ(bins(), 30);
}

TEST(Inputs_WhisperFeatures, refuses_files_it_cannot_use) {
  const test::TempFolder folder;
  folder.write("preprocessor_config.json", "[]");
  EXPECT_THAT(WhisperFeatures::load(folder.path(), Json::object()).error().line(),
              HasSubstr("is not a JSON object"));
  EXPECT_THAT(error_of("3"), HasSubstr("not an object"));
  EXPECT_THAT(error_of(R"({"feature_extractor_type": "ClapFeatureExtractor"})"),
              HasSubstr("ClapFeatureExtractor is not WhisperFeatureExtractor"));
  EXPECT_THAT(error_of(R"({"dither": 0.1})"), HasSubstr("random noise"));
  EXPECT_THAT(error_of(R"({"padding_side": "top"})"), HasSubstr("padding_side"));
  EXPECT_THAT(error_of(R"({"feature_size": 0})"), HasSubstr("feature_size is 0"));
  EXPECT_THAT(error_of(R"({"sampling_rate": 1e9})"), HasSubstr("sampling_rate"));
  EXPECT_THAT(error_of(R"({"chunk_length": 1, "n_fft": 40000})"), HasSubstr("too short"));
  EXPECT_THAT(error_of(R"({"chunk_length": 1, "hop_length": 20000})"), HasSubstr("too short"));
  EXPECT_THAT(error_of(R"({"chunk_length": 3600, "hop_length": 1})"), HasSubstr("exceed"));
}

TEST(Inputs_WhisperFeatures, windows_cover_the_sound_once_and_know_its_seconds) {
  const auto made = WhisperFeatures::from_json(Json::parse(R"({"chunk_length": 1})"), "x");
  ASSERT_TRUE(made.has_value()) << made.error().line();
  const std::vector<float> samples(40'000);
  const auto windows = made->windows(samples);
  ASSERT_EQ(windows.size(), 3u);
  EXPECT_EQ(windows[1].samples.data(), samples.data() + 16'000);
  EXPECT_DOUBLE_EQ(windows[1].seconds, 1.0);
  EXPECT_EQ(windows[2].samples.size(), 8000u);
  EXPECT_DOUBLE_EQ(windows[2].seconds, 0.5);
  EXPECT_EQ(made->truncated(samples).samples.size(), 16'000u);
  EXPECT_DOUBLE_EQ(made->truncated(std::span(samples).first(4000)).seconds, 0.25);
  EXPECT_TRUE(made->windows({}).empty());
}

TEST(Inputs_MelFilters, equal_transformers) {
  // mel_filter_bank(201, 80, 0.0, 8000.0, 16000, norm="slaney", mel_scale="slaney").T as float32.
  const std::vector<float> filters = mel_filter_bank(201, 80, 16'000);
  ASSERT_EQ(filters.size(), 80u * 201u);
  const auto at = [&](std::size_t mel, std::size_t bin) { return filters[mel * 201 + bin]; };
  EXPECT_FLOAT_EQ(at(0, 1), 0.0248625949f);
  EXPECT_FLOAT_EQ(at(1, 1), 0.00199082191f);
  EXPECT_FLOAT_EQ(at(20, 19), 0.0109722f);
  EXPECT_FLOAT_EQ(at(40, 42), 0.00541110523f);
  EXPECT_FLOAT_EQ(at(40, 44), 0.0065181898f);
  EXPECT_FLOAT_EQ(at(60, 90), 0.00143453432f);
  EXPECT_FLOAT_EQ(at(60, 96), 0.000797849149f);
  EXPECT_FLOAT_EQ(at(79, 186), 0.000366741675f);
  EXPECT_FLOAT_EQ(at(79, 199), 0.000448759034f);
  // Above its last corner a band is silent.
  EXPECT_EQ(at(0, 3), 0.0f);
  EXPECT_EQ(at(79, 200), 0.0f);
}

}  // namespace
}  // namespace ridgeline::native
