// The lines that say what limits the phases of a run.
#include "report/limits_text.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "unit/analysis/scripted_case.hpp"

namespace ridgeline::report {
namespace {

using testing::HasSubstr;
using testing::Not;

std::string text_of(const std::vector<Json>& records) {
  std::vector<CaseView> views;
  for (const Json& record : records) views.push_back(case_view(record));
  return limits_text(records, views);
}

Json decoding(double latency) {
  Json record = test::cpu_case();
  test::add_phase(record, "decode", latency, test::cost_of(1e9, 0.8e9, "float32"));
  return record;
}

TEST(Limits_Text, has_limit_evidence_and_the_best_advice_on_a_line) {
  EXPECT_EQ(text_of({decoding(10e-3)}),
            "- decode: memory bandwidth. A call moves 800 MB from memory at 80 GB/s, 80 % of the "
            "100 GB/s that were measured; matrix products take 10 %. Next: Use --dtype bfloat16: "
            "half the bytes (at most 1.67x).\n");
}

TEST(Limits_Text, names_the_cases_that_share_a_line) {
  Json other = decoding(10e-3);
  other["workload"]["sequence"] = 256;
  const std::string text = text_of({decoding(10e-3), other});
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 1);
  EXPECT_THAT(text, HasSubstr("1×128 float32 decode, – 1×256 float32 decode:"));
}

TEST(Limits_Text, leaves_out_what_takes_no_time) {
  Json record = decoding(10e-3);
  test::add_phase(record, "preprocess", 0.5e-3);
  test::add_phase(record, "postprocess", 5e-3);
  EXPECT_EQ(text_of({record}), text_of({decoding(10e-3)}));
  Json slow = decoding(10e-3);
  test::add_phase(slow, "preprocess", 2e-3);
  EXPECT_THAT(text_of({slow}), HasSubstr("- preprocess: input preparation."));
}

TEST(Limits_Text, is_cut_after_twenty_lines) {
  std::vector<Json> records;
  for (int i = 0; i < 25; ++i) records.push_back(decoding(10e-3 + 1e-4 * i));
  const std::string text = text_of(records);
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 21);
  EXPECT_THAT(text, HasSubstr("- … 5 more in the report\n"));
}

TEST(Limits_Text, of_nothing_is_empty_and_of_hostile_text_printable) {
  EXPECT_EQ(text_of({}), "");
  EXPECT_EQ(text_of({Json(), Json(3)}), "");
  Json record = decoding(10e-3);
  record["phases"][0]["name"] = "a\x1b[2J\nb";
  record["cost"].clear();
  const std::string text = text_of({record});
  EXPECT_THAT(text, Not(HasSubstr("\x1b")));
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 1);
}

}  // namespace
}  // namespace ridgeline::report
