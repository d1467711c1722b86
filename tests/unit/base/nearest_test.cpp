// "Did you mean".
#include "base/nearest.hpp"

#include <gtest/gtest.h>

#include <array>

namespace ridgeline {
namespace {

constexpr std::array<std::string_view, 3> kNames = {"bert-base", "bert-large", "minilm-l6"};

TEST(Nearest_Name, finds_the_closest_and_ignores_case) {
  EXPECT_EQ(nearest_name("bert-bas", kNames), "bert-base");
  EXPECT_EQ(nearest_name("BERT-LARGE", kNames), "bert-large");
  EXPECT_EQ(nearest_name("minlim-l6", kNames), "minilm-l6");
}

TEST(Nearest_Name, is_empty_when_nothing_is_close) {
  EXPECT_EQ(nearest_name("whisper-large-v3", kNames), "");
  EXPECT_EQ(nearest_name("", kNames), "");
  EXPECT_EQ(nearest_name(std::string(1 << 20, 'b'), kNames), "");
}

TEST(Nearest_Suggestion, asks_only_when_there_is_a_nearest) {
  EXPECT_EQ(suggestion("bert-bas", kNames),
            "did you mean bert-base? known: bert-base, bert-large, minilm-l6");
  EXPECT_EQ(suggestion("zzzzzzzz", kNames), "known: bert-base, bert-large, minilm-l6");
}

}  // namespace
}  // namespace ridgeline
