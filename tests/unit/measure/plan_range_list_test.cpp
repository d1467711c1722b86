// Lists, ranges and durations, good and hostile.
#include <gtest/gtest.h>

#include "measure/range_list.hpp"

namespace ridgeline::measure {
namespace {

using Numbers = std::vector<std::int64_t>;

TEST(Measure_IntList, expands_lists_and_ranges) {
  const std::pair<const char*, Numbers> cases[] = {
      {"4", {4}},
      {"1,2,8", {1, 2, 8}},
      {" 1 , 2 ", {1, 2}},
      {"128-4096*2", {128, 256, 512, 1024, 2048, 4096}},
      {"128-512+128", {128, 256, 384, 512}},
      {"128-500+128", {128, 256, 384}},
      {"1-10*3", {1, 3, 9}},
      {"1-4", {1, 2, 3, 4}},
      {"7-7+1", {7}},
      {"7-7*2", {7}},
      {"1,8-16*2,3", {1, 8, 16, 3}},
      {"9223372036854775807", {INT64_MAX}},
      {"9223372036854775806-9223372036854775807+1", {INT64_MAX - 1, INT64_MAX}},
      {"4611686018427387904-9223372036854775807*2", {4611686018427387904}},
  };
  for (const auto& [text, wanted] : cases) {
    const auto values = parse_int_list(text, "--batch");
    ASSERT_TRUE(values) << text << ": " << values.error().line();
    EXPECT_EQ(*values, wanted) << text;
  }
}

TEST(Measure_IntList, refuses_hostile_text_in_one_line) {
  for (const char* text : {"",
                           " ",
                           ",",
                           "1,",
                           ",1",
                           "1,,2",
                           "abc",
                           "1.5",
                           "-1",
                           "0",
                           "1-",
                           "-",
                           "1-2-3",
                           "*1",
                           "+1",
                           "1*2",
                           "1-8*",
                           "1-8+",
                           "1-8*1",
                           "1-8*0",
                           "1-8+0",
                           "1-8+-1",
                           "1-8*-2",
                           "8-1+1",
                           "0-8*2",
                           "1-1000000000+1",
                           "1-9223372036854775807+1",
                           "99999999999999999999",
                           "1-8**2",
                           "1-8+99999999999999999999",
                           "0x10",
                           "1e3",
                           "-5--3",
                           "1;2",
                           "1 2"}) {
    const auto values = parse_int_list(text, "--batch");
    ASSERT_FALSE(values) << text;
    EXPECT_EQ(values.error().error_class, ErrorClass::kBadInput);
    const std::string line = values.error().line();
    EXPECT_NE(line.find("--batch"), std::string::npos) << line;
    EXPECT_NE(line.find("128-512+128"), std::string::npos) << line;
  }
}

TEST(Measure_IntList, names_the_item_that_is_wrong) {
  const auto values = parse_int_list("1,2,x8", "--batch");
  ASSERT_FALSE(values);
  EXPECT_NE(values.error().message.find("'x8'"), std::string::npos);
}

TEST(Measure_IntList, has_a_cap_on_the_count) {
  EXPECT_TRUE(parse_int_list("1-4096", "x"));
  EXPECT_FALSE(parse_int_list("1-4097", "x"));
  EXPECT_FALSE(parse_int_list("1-4096,1", "x"));
  std::string many = "1";
  for (int i = 0; i < 5000; ++i) many += ",1";
  const auto values = parse_int_list(many, "x");
  ASSERT_FALSE(values);
  EXPECT_LT(values.error().line().size(), 300u);
}

TEST(Measure_IntList, keeps_control_characters_out_of_messages) {
  const auto values = parse_int_list("1\x1b[2J", "x");
  ASSERT_FALSE(values);
  EXPECT_EQ(values.error().message.find('\x1b'), std::string::npos);
}

TEST(Measure_NameList, splits_and_trims) {
  const auto names = parse_name_list("float32, bfloat16", "--dtype");
  ASSERT_TRUE(names);
  EXPECT_EQ(*names, (std::vector<std::string>{"float32", "bfloat16"}));
  for (const char* text : {"", ",", "a,", " , "}) {
    const auto bad = parse_name_list(text, "--dtype");
    ASSERT_FALSE(bad) << text;
    EXPECT_NE(bad.error().line().find("float32,bfloat16"), std::string::npos);
  }
}

TEST(Measure_Duration, reads_units) {
  const std::pair<const char*, std::int64_t> cases[] = {
      {"500ms", 500'000'000},       {"60s", 60'000'000'000}, {"2m", 120'000'000'000},
      {"1h", 3'600'000'000'000},    {"1.5s", 1'500'000'000}, {"0.25 s", 250'000'000},
      {"168h", 604'800'000'000'000}};
  for (const auto& [text, ns] : cases) {
    const auto value = parse_duration(text, "--budget");
    ASSERT_TRUE(value) << text;
    EXPECT_EQ(*value, ns) << text;
  }
}

TEST(Measure_Duration, refuses_what_is_no_time) {
  for (const char* text : {"", "60", "s", "-1s", "0s", "1d", "1ss", "1.2.3s", "nan s", "inf s",
                           "169h", "1e300h", "1s2", ".", ".s", "60 m s"}) {
    const auto value = parse_duration(text, "--budget");
    ASSERT_FALSE(value) << text;
    EXPECT_NE(value.error().line().find("60s"), std::string::npos) << value.error().line();
  }
}

TEST(Measure_Share, reads_shares_and_percent) {
  EXPECT_DOUBLE_EQ(*parse_share("0.02", "x"), 0.02);
  EXPECT_DOUBLE_EQ(*parse_share("2%", "x"), 0.02);
  EXPECT_DOUBLE_EQ(*parse_share("0.5", "x"), 0.5);
  for (const char* text : {"", "0", "0%", "-1%", "51%", "2", "nan", "inf", "two", "%", "1%%"}) {
    EXPECT_FALSE(parse_share(text, "x")) << text;
  }
}

TEST(Measure_InQuotes, shortens_between_characters) {
  std::string text(59, 'a');
  text += "\u00e9zzz";  // two bytes across the limit of 60
  EXPECT_EQ(in_quotes(text), "'" + std::string(59, 'a') + "...'");
  EXPECT_EQ(in_quotes("a\nb"), "'a?b'");
}

}  // namespace
}  // namespace ridgeline::measure
