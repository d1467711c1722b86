// Lists of CPU numbers.
#include "base/cpu_list.hpp"

#include <gtest/gtest.h>

namespace ridgeline {
namespace {

using List = std::vector<int>;

TEST(CpuList_Parse, expands_ranges_and_strides) {
  EXPECT_EQ(*parse_cpu_list("0-3,8"), (List{0, 1, 2, 3, 8}));
  EXPECT_EQ(*parse_cpu_list(" 0-6:2 \n"), (List{0, 2, 4, 6}));
  EXPECT_EQ(*parse_cpu_list("5"), (List{5}));
}

TEST(CpuList_Parse, sorts_and_drops_repeats) {
  EXPECT_EQ(*parse_cpu_list("8,0-2,1"), (List{0, 1, 2, 8}));
}

TEST(CpuList_Parse, empty_text_is_an_empty_list) {
  EXPECT_TRUE(parse_cpu_list("\n")->empty());
}

TEST(CpuList_Parse, refuses_what_is_no_list) {
  for (const char* text : {"a", "1-", "-1", "3-1", "1,,2", "1,", ",1", "0-4000000000", "1:2:3",
                           "0-8:0", "1.5", "0x3"}) {
    EXPECT_FALSE(parse_cpu_list(text).has_value()) << text;
  }
}

TEST(CpuList_Parse, bounds_the_memory_of_hostile_text) {
  std::string text = "0-65535";
  for (int i = 0; i < 1000; ++i) text += ",0-65535";
  EXPECT_FALSE(parse_cpu_list(text).has_value());
}

TEST(CpuList_Write, is_the_shortest_spelling) {
  EXPECT_EQ(to_cpu_list({0, 1, 2, 3, 8}), "0-3,8");
  EXPECT_EQ(to_cpu_list({4}), "4");
  EXPECT_EQ(to_cpu_list({}), "");
}

}  // namespace
}  // namespace ridgeline
