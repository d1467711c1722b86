// Engines side by side, against an approved text.
#include "report/comparison_text.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "report/console.hpp"
#include "support/approved.hpp"
#include "unit/analysis/side_by_side_records.hpp"

namespace ridgeline::report {
namespace {

using test::engine_record;
using testing::HasSubstr;
using testing::Not;

const std::vector<std::string> kEngines = {"native", "transformers", "transformers:compile"};

std::string summary_of(const std::vector<Json>& records) {
  RunInfo info;
  info.command = "ridgeline run bert-base --engine native,transformers,transformers:compile";
  info.comparisons = analysis::compare_engines(records, kEngines, "transformers");
  return summary_text(records, info);
}

TEST(Report_Comparison, is_as_approved) {
  std::vector<Json> records = {
      engine_record("transformers:compile", {0.0050, 0.0060, 0.0056}, {0.35, 0.36, 0.34, 0.35}),
      engine_record("native", {0.0021, 0.0024, 0.0022}, {0.20, 0.21, 0.20, 0.19}),
      engine_record("transformers", {0.0102, 0.0120, 0.0110}, {0.9, 0.92, 0.91, 0.93})};
  for (const Json& record : std::vector<Json>(records)) {
    Json other = record;
    other["workload"]["batch"] = 8;
    records.push_back(other);
  }
  // One invocation a side; an engine that cannot; other work; no sensor.
  records[3] = engine_record("transformers:compile", {0.005});
  records[3]["workload"]["batch"] = 8;
  records[3]["outcome"] = {{"status", "failed"}, {"class", "unsupported"}, {"reason", "no graph"}};
  records[3]["phases"] = Json::array();
  records[4] = engine_record("native", {0.016});
  records[4]["workload"]["batch"] = 8;
  records[4]["optimizations"] =
      Json::array({{{"id", "int8"}, {"applied", true}, {"lossless", false}}});
  test::expect_approved("summary_engines.txt", summary_of(records));
}

TEST(Report_Comparison, is_left_out_for_one_engine) {
  const std::string text = summary_of({engine_record("native", {0.002})});
  EXPECT_THAT(text, Not(HasSubstr("side by side")));
  EXPECT_THAT(text, Not(HasSubstr("speed-up")));
}

TEST(Report_Comparison, has_no_energy_column_without_energy) {
  const std::string text = summary_of(
      {engine_record("native", {0.002, 0.002}), engine_record("transformers", {0.003, 0.003})});
  EXPECT_THAT(text, HasSubstr("1.500× [1.500, 1.500]"));
  EXPECT_THAT(text, Not(HasSubstr("energy ratio")));
}

}  // namespace
}  // namespace ridgeline::report
