// Quantiles and histograms of samples, and what is said where there are none.
#include "report/distribution.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <numeric>

#include "support/report_fixture.hpp"
#include "support/temp_folder.hpp"

namespace ridgeline::report {
namespace {

using ::testing::DoubleNear;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::vector<double> steps(std::size_t count) {
  std::vector<double> values(count);
  std::iota(values.begin(), values.end(), 0.0);
  return values;
}

long total(const Histogram& histogram) {
  return std::accumulate(histogram.counts.begin(), histogram.counts.end(), 0L);
}

TEST(Distribution_Quantiles, go_from_the_least_to_the_greatest) {
  const std::vector<double> quantiles = quantiles_of(steps(201));
  ASSERT_EQ(quantiles.size(), kQuantiles);
  EXPECT_EQ(quantiles.front(), 0);
  EXPECT_EQ(quantiles[50], 100);
  EXPECT_EQ(quantiles.back(), 200);
  EXPECT_EQ(quantiles_of(std::vector{7.0}).at(33), 7);
}

TEST(Distribution_Histogram, counts_every_value_once) {
  for (const std::size_t count : {1u, 2u, 5u, 199u, 200u, 5000u}) {
    const Histogram histogram = histogram_of(steps(count));
    EXPECT_EQ(total(histogram), static_cast<long>(count));
    EXPECT_EQ(histogram.edges.size(), histogram.counts.size() + 1);
    EXPECT_LE(histogram.counts.size(), kMostBins);
  }
}

TEST(Distribution_Histogram, puts_what_lies_far_out_into_its_ends) {
  std::vector<double> values = steps(1000);
  values.back() = 1e9;
  values.front() = -1e9;
  const Histogram histogram = histogram_of(values);
  EXPECT_EQ(total(histogram), 1000);
  EXPECT_GT(histogram.edges.front(), -1);
  EXPECT_LT(histogram.edges.back(), 1001);
}

TEST(Distribution_Histogram, of_equal_values_is_one_bar_around_them) {
  const Histogram histogram = histogram_of(std::vector<double>(300, 2.0));
  EXPECT_THAT(histogram.counts, ElementsAre(300));
  EXPECT_LT(histogram.edges[0], 2.0);
  EXPECT_GT(histogram.edges[1], 2.0);
}

Json record_of(const std::string& samples, const Json& rows) {
  const Json part = {{"n", 3}, {"samples", samples}, {"rows", rows}};
  return {{"phases", Json::array({{{"name", "forward"}}})},
          {"invocations", Json::array({{{"index", 4}, {"phases", {{"forward", part}}}}})}};
}

TEST(Distribution, reads_the_rows_of_the_record) {
  const test::TempFolder folder;
  folder.write("samples/x", "");
  test::write_samples(folder.path("samples/0.bin"), {9000, 9000, 1000, 3000, 2000});
  const Json json =
      distributions(record_of("samples/0.bin", Json::array({2, 5})), folder.path()).at("forward");
  EXPECT_EQ(json.at("n"), 3);
  const Json& invocation = json.at("invocations").at(0);
  EXPECT_EQ(invocation.at("index"), 4);
  EXPECT_EQ(invocation.at("quantiles").size(), 101u);
  EXPECT_THAT(invocation.at("quantiles").at(50).get<double>(), DoubleNear(2e-6, 1e-12));
  EXPECT_FALSE(json.at("histogram").is_null());
}

TEST(Distribution, of_a_file_that_was_cut_is_absent_with_the_reason) {
  const test::TempFolder folder;
  test::write_samples(folder.path("0.bin"), {1000, 2000, 3000});
  std::filesystem::resize_file(folder.path("0.bin"), 100);
  const Json json =
      distributions(record_of("0.bin", Json::array({0, 3})), folder.path()).at("forward");
  EXPECT_EQ(json.at("n"), 0);
  EXPECT_TRUE(json.at("histogram").is_null());
  EXPECT_THAT(json.at("reason").get<std::string>(), HasSubstr("cut short"));
  EXPECT_THAT(json.at("invocations").at(0).at("reason").get<std::string>(), HasSubstr("cut short"));
}

TEST(Distribution, of_damaged_records_says_why) {
  const auto reason = [](const Json& record) {
    return distributions(record, "/nowhere").at("forward").at("reason").get<std::string>();
  };
  EXPECT_THAT(reason(record_of("../../etc/passwd", Json::array({0, 1}))), HasSubstr("outside"));
  EXPECT_THAT(reason(record_of("x.bin", Json::array({0, 1}))), HasSubstr("No such file"));
  EXPECT_THAT(reason(record_of("x.bin", Json())), HasSubstr("which rows"));
  EXPECT_THAT(reason(record_of("", Json::array({0, 1}))), HasSubstr("no samples"));
  EXPECT_THAT(reason({{"phases", Json::array({{{"name", "forward"}}})}}),
              HasSubstr("no invocation"));
  EXPECT_TRUE(distributions(Json(3), "").empty());
}

}  // namespace
}  // namespace ridgeline::report
