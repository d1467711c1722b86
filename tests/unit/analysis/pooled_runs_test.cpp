// Runs that were measured in turns, as one.
#include "analysis/pooled_runs.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "analysis/record_figures.hpp"

namespace ridgeline::analysis {
namespace {

Json record(const char* id, double median, const char* flag = "busy") {
  return {
      {"id", id},
      {"outcome", {{"status", "ok"}}},
      {"invocations", Json::array({{{"index", 0},
                                    {"outcome", {{"status", "ok"}}},
                                    {"phases", {{"forward", {{"median", median}}}}}}})},
      {"phases", Json::array({{{"name", "forward"},
                               {"metrics",
                                {{"latency",
                                  {{"value", median},
                                   {"ci95", {median, median}},
                                   {"interval", "between_invocations"}}}}},
                               {"energy", {{"trials", Json::array({{{"joules", median}}})}}}}})},
      {"validity", {{"flags", Json::array({{{"id", flag}, {"severity", "warn"}}})}}}};
}

TEST(Analysis_PooledRuns, put_invocations_and_trials_of_one_case_together) {
  const auto cases = pool_runs({{record("a", 1), record("b", 10)},
                                {record("a", 2)},
                                {record("a", 3, "drift"), record("c", 5)}});
  ASSERT_EQ(cases.size(), 3u);
  EXPECT_EQ(values_of(medians_of(cases[0], "forward")), (std::vector<double>{1, 2, 3}));
  EXPECT_EQ(joules_of(cases[0].at("phases")[0]), (std::vector<double>{1, 2, 3}));
  EXPECT_EQ(cases[0].at("validity").at("flags").size(), 2u);
  EXPECT_FALSE(cases[0].at("phases")[0].at("metrics").at("latency").contains("ci95"));
  EXPECT_EQ(values_of(medians_of(cases[1], "forward")), (std::vector<double>{10}));
  EXPECT_TRUE(cases[1].at("phases")[0].at("metrics").at("latency").contains("ci95"));
}

TEST(Analysis_PooledRuns, keep_the_outcome_of_the_run_that_failed) {
  Json failed = record("a", 1);
  failed["outcome"] = {{"status", "failed"}, {"class", "crash"}};
  const auto cases = pool_runs({{failed}, {record("a", 2)}});
  ASSERT_EQ(cases.size(), 1u);
  EXPECT_EQ(cases[0].at("outcome").at("status"), "failed");
}

TEST(Analysis_PooledRuns, survive_records_of_the_wrong_form) {
  const Json odd = {{"id", "a"}, {"invocations", 3}, {"phases", {{"x", 1}}}, {"validity", "no"}};
  const auto cases = pool_runs({{odd}, {record("a", 2)}, {odd}});
  ASSERT_EQ(cases.size(), 1u);
  EXPECT_EQ(values_of(medians_of(cases[0], "forward")), (std::vector<double>{2}));
}

}  // namespace
}  // namespace ridgeline::analysis
