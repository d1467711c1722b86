// Log-mel features against WhisperFeatureExtractor of transformers, whose output is in a file that
// tests/oracle/log_mel_data.py writes.
#include "engines/native/features/log_mel.hpp"

#include <ATen/ops/empty.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/isnan.h>
#include <ATen/ops/item.h>
#include <gtest/gtest.h>

#include <cstring>
#include <limits>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/json.hpp"
#include "engines/native/checkpoint/safetensors.hpp"
#include "engines/native/device/device.hpp"

namespace ridgeline::native {
namespace {

using Samples = std::vector<float>;

// The bound for float32 against transformers; features lie between -1.5 and 2.
constexpr double kBound = 1e-4;

// The sound of log_mel_data.py, from the same integers.
Samples sound(std::uint32_t seed, std::int64_t size) {
  Samples samples;
  for (std::int64_t i = 0; i < size; ++i) {
    std::uint32_t mixed = (static_cast<std::uint32_t>(i) + 1000 * seed) * 2654435761u;
    mixed ^= mixed >> 15;
    mixed *= 2246822519u;
    const std::int64_t noise = (static_cast<std::int64_t>(mixed >> 16) - 32768) >> (i / 1600 % 8);
    const std::int64_t phase = i * 41 * seed % 8192;
    const std::int64_t wave = phase < 4096 ? phase - 2048 : 6144 - phase;
    samples.push_back(seed == 4 ? 0.0f : static_cast<float>(noise + wave) / 65536.0f);
  }
  return samples;
}

std::vector<std::span<const float>> spans(const std::vector<Samples>& sounds) {
  return {sounds.begin(), sounds.end()};
}

at::Tensor compute(LogMel& log_mel, const std::vector<Samples>& sounds) {
  return log_mel.compute(spans(sounds));
}

at::Tensor tensor_of(const TensorView& view) {
  const auto dtype = view.type == TensorType::kF32 ? at::kFloat : at::kLong;
  at::Tensor tensor = at::empty(view.shape, dtype);
  std::memcpy(tensor.mutable_data_ptr(), view.bytes.data(), view.bytes.size());
  return tensor;
}

const SafetensorsFile& data() {
  static const SafetensorsFile file = SafetensorsFile::open(std::string(RIDGELINE_SOURCE_DIR) +
                                                            "/tests/data/audio/log_mel.safetensors")
                                          .value();
  return file;
}

at::Tensor expected(const std::string& name) {
  return tensor_of(data().tensors().at(name));
}

struct Case {
  WhisperFeatures settings;
  std::vector<Samples> sounds;
  std::int64_t stride = 1;
};

Case read_case(const std::string& name) {
  const Json cases = parse_json(data().metadata().at("cases"), "cases").value();
  const Json& json = cases.at(name);
  Case made;
  made.settings = WhisperFeatures::from_json(json.at("extractor"), name).value();
  for (const Json& row : json.at("sounds")) made.sounds.push_back(sound(row.at(0), row.at(1)));
  made.stride = json.at("stride");
  return made;
}

class Features_LogMelCase : public ::testing::TestWithParam<const char*> {};

TEST_P(Features_LogMelCase, equals_transformers) {
  const Case given = read_case(GetParam());
  LogMel log_mel(given.settings, at::kCPU);
  const at::Tensor ours = compute(log_mel, given.sounds);
  EXPECT_EQ(ours.sizes().vec(),
            (std::vector<std::int64_t>{static_cast<std::int64_t>(given.sounds.size()),
                                       given.settings.mel_bins(), given.settings.frames()}));
  const at::Tensor kept = ours.slice(2, 0, std::nullopt, given.stride);
  const at::Tensor wanted = expected(GetParam());
  ASSERT_EQ(kept.sizes(), wanted.sizes());
  EXPECT_LE(kept.sub(wanted).abs().max().item<double>(), kBound);
}

INSTANTIATE_TEST_SUITE_P(All, Features_LogMelCase,
                         ::testing::Values("second", "published", "large_v3", "padded_left",
                                           "other_frames"),
                         [](const auto& given) { return std::string(given.param); });

TEST(Features_LogMel, mask_marks_the_samples_and_not_the_padding) {
  const Case given = read_case("padded_left");
  ASSERT_TRUE(given.settings.returns_mask());
  LogMel log_mel(given.settings, at::kCPU);
  const at::Tensor mask = log_mel.attention_mask(spans(given.sounds));
  EXPECT_EQ(mask.sizes().vec(), (std::vector<std::int64_t>{2, given.settings.window_samples()}));
  EXPECT_TRUE(mask.sum(-1).equal(expected("padded_left.mask_sum")));
  EXPECT_TRUE(mask.argmax(-1).equal(expected("padded_left.mask_first")));
}

TEST(Features_LogMel, a_row_of_a_batch_equals_the_sound_alone) {
  const Case given = read_case("second");
  LogMel log_mel(given.settings, at::kCPU);
  const at::Tensor batch = compute(log_mel, given.sounds);
  for (std::size_t i = 0; i < given.sounds.size(); ++i) {
    // The memory still holds the sound before, which may be longer.
    const at::Tensor alone = compute(log_mel, {given.sounds[i]});
    EXPECT_TRUE(at::equal(alone[0], batch[static_cast<std::int64_t>(i)])) << i;
  }
}

TEST(Features_LogMel, a_nan_spoils_its_own_row_only) {
  const Case given = read_case("second");
  std::vector<Samples> sounds = given.sounds;
  sounds[1][8000] = std::numeric_limits<float>::quiet_NaN();
  LogMel log_mel(given.settings, at::kCPU);
  const at::Tensor spoiled = compute(log_mel, sounds);
  EXPECT_TRUE(spoiled[1].isnan().all().item<bool>());
  EXPECT_TRUE(at::equal(spoiled[2], compute(log_mel, given.sounds)[2]));
}

TEST(Features_LogMel, an_accelerator_gives_what_the_cpu_gives) {
  const auto device = open_device("cuda:0");
  if (!device) GTEST_SKIP() << device.error().line();
  const Case given = read_case("second");
  std::vector<Samples> sounds;  // more than are worked on at a time
  for (int i = 0; i < 4; ++i) sounds.insert(sounds.end(), given.sounds.begin(), given.sounds.end());
  LogMel here(given.settings, at::kCPU);
  LogMel there(given.settings, *device);
  const at::Tensor features = compute(there, sounds).cpu();
  EXPECT_LE(features.sub(compute(here, sounds)).abs().max().item<double>(), kBound);
}

TEST(Features_LogMel, no_sounds_give_no_rows) {
  LogMel log_mel(read_case("second").settings, at::kCPU);
  EXPECT_EQ(log_mel.compute({}).sizes().vec(), (std::vector<std::int64_t>{0, 80, 100}));
}

}  // namespace
}  // namespace ridgeline::native
