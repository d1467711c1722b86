// Damaged files of records: what can be read is there, the rest is named.
#include "results/lenient_records.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "support/temp_folder.hpp"

namespace ridgeline::results {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::string line_of(const std::string& id, int value) {
  return Json{{"schema", "ridgeline/1"}, {"id", id}, {"value", value}}.dump() + "\n";
}

LenientRecords read(const std::string& text) {
  const test::TempFolder folder;
  auto records = read_records_leniently(folder.write("records.jsonl", text));
  EXPECT_TRUE(records);
  return records ? *std::move(records) : LenientRecords();
}

TEST(LenientRecords, keep_the_last_line_of_a_case_in_its_first_place) {
  const LenientRecords read_back = read(line_of("a", 1) + line_of("b", 2) + line_of("a", 3));
  ASSERT_EQ(read_back.records.size(), 2u);
  EXPECT_EQ(read_back.records[0].at("value"), 3);
  EXPECT_EQ(read_back.records[1].at("value"), 2);
  EXPECT_THAT(read_back.problems, IsEmpty());
}

TEST(LenientRecords, name_what_they_skip_and_go_on) {
  const LenientRecords read_back =
      read("{broken\n\n[1]\n" + line_of("a", 1) + R"({"schema":"other/1","id":"x"})" + "\n" +
           R"({"schema":"ridgeline/1"})" + "\n" + line_of("b", 2) + R"({"schema":"ridge)");
  EXPECT_EQ(read_back.records.size(), 2u);
  EXPECT_EQ(read_back.skipped, 5u);
  EXPECT_THAT(read_back.problems,
              ElementsAre(HasSubstr("records.jsonl:1"), HasSubstr("records.jsonl:3: not a record"),
                          HasSubstr("records.jsonl:5: not a record"),
                          HasSubstr("records.jsonl:6: 'id' is missing"),
                          HasSubstr("records.jsonl:8: the last line was cut short")));
}

TEST(LenientRecords, take_a_whole_last_line_without_its_end) {
  std::string text = line_of("a", 1);
  text.pop_back();
  EXPECT_EQ(read(text).records.size(), 1u);
}

TEST(LenientRecords, skip_a_line_without_end_and_keep_little_of_it) {
  const LenientRecords read_back =
      read(std::string((64u << 20) + 10, ' ') + "\n" + line_of("a", 1));
  EXPECT_EQ(read_back.records.size(), 1u);
  EXPECT_THAT(read_back.problems, ElementsAre(HasSubstr("longer than")));
}

TEST(LenientRecords, name_only_some_of_many_problems) {
  std::string text;
  for (int i = 0; i < 100; ++i) text += "nonsense\n";
  const LenientRecords read_back = read(text);
  EXPECT_EQ(read_back.problems.size(), kMostProblems);
  EXPECT_EQ(read_back.skipped, 100u);
}

TEST(LenientRecords, need_a_file) {
  const test::TempFolder folder;
  EXPECT_FALSE(read_records_leniently(folder.path("none.jsonl")));
  EXPECT_FALSE(read_records_leniently(folder.path()));
}

}  // namespace
}  // namespace ridgeline::results
