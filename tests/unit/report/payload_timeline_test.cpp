// Power over time: thinned without losing peaks, cut into phases, with its pauses.
#include "report/payload_timeline.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

#include "support/temp_folder.hpp"

namespace ridgeline::report {
namespace {

using ::testing::DoubleEq;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

PowerSeries noise(std::size_t count) {
  PowerSeries series;
  for (std::size_t i = 0; i < count; ++i) {
    series.seconds.push_back(static_cast<double>(i));
    series.watts.push_back(100 + static_cast<double>(i * 7919 % 13));
  }
  return series;
}

TEST(PowerTimeline_Thinned, keeps_peaks_ends_and_pauses) {
  PowerSeries series = noise(10'000);
  series.watts[5003] = 700;
  series.watts[7001] = 3;
  series.watts[9000] = kNan;
  for (const std::size_t most : {4u, 10u, 50u, 400u}) {
    const PowerSeries few = thinned(series, most);
    EXPECT_LE(few.seconds.size(), most);
    EXPECT_EQ(few.seconds.size(), few.watts.size());
    EXPECT_TRUE(std::is_sorted(few.seconds.begin(), few.seconds.end()));
    EXPECT_EQ(few.seconds.front(), 0);
    EXPECT_EQ(few.seconds.back(), 9999);
    if (most < 10) continue;
    EXPECT_TRUE(std::count(few.watts.begin(), few.watts.end(), 700) == 1);
    EXPECT_TRUE(std::count(few.watts.begin(), few.watts.end(), 3) == 1);
    EXPECT_TRUE(std::any_of(few.watts.begin(), few.watts.end(),
                            [](double watts) { return std::isnan(watts); }));
  }
}

TEST(PowerTimeline_Thinned, leaves_short_ones_alone) {
  EXPECT_EQ(thinned(noise(400), 400).seconds.size(), 400u);
  EXPECT_TRUE(thinned({}, 400).seconds.empty());
}

TEST(PowerTimeline_OfCounter, is_joules_over_seconds_between_its_ticks) {
  // Ticks at 1, 3 and 4 s; read more often than it moves.
  const PowerSeries series = power_of_counter({0, 1, 2, 3, 4}, {5, 10, 10, 30, 35});
  EXPECT_THAT(series.seconds, ElementsAre(3, 4));
  EXPECT_THAT(series.watts, ElementsAre(DoubleEq(10), DoubleEq(5)));
  const PowerSeries wrapped = power_of_counter({0, 1, 2, 3}, {5, 10, 1, 3});
  ASSERT_EQ(wrapped.watts.size(), 2u);
  EXPECT_TRUE(std::isnan(wrapped.watts[0]));
  EXPECT_THAT(wrapped.watts[1], DoubleEq(2));
}

Json record_with(const Json& energy) {
  return {{"phases", Json::array({{{"name", "forward"}, {"energy", energy}}})}};
}

const Json kMeter = {{"id", "package-0"}, {"power", "p"}, {"counter", "c"}, {"primary", true}};

Json timeline_file() {
  Json seconds = Json::array();
  Json watts = Json::array();
  for (int i = 0; i <= 200; ++i) {
    // A pause between two windows.
    if (i > 90 && i < 110) continue;
    seconds.push_back(0.1 * i);
    watts.push_back(i == 150 ? 900 : 120);
  }
  const auto mark = [](const char* name, double begin, double end) {
    return Json{{"name", name}, {"begin", begin}, {"end", end}};
  };
  return {{"schema", "ridgeline-timeline/1"},
          {"marks", Json::array({mark("calibration", 0, 2), mark("forward, trial 1", 3, 9),
                                 mark("forward, trial 2", 11, 17), mark("encode, trial 1", 18, 19),
                                 Json(7), mark("forward, trial 3", 5, 4)})},
          {"series", Json::array({{{"id", "p"}, {"seconds", seconds}, {"values", watts}}})}};
}

TEST(PowerTimeline, cuts_a_phase_out_of_the_file) {
  const test::TempFolder folder;
  folder.write("t.json", timeline_file().dump());
  const Json json =
      power_timelines(record_with({{"timeline", "t.json"}, {"meters", Json::array({kMeter})}}),
                      folder.path())
          .at("forward");
  ASSERT_EQ(json.at("marks").size(), 2u);
  EXPECT_EQ(json.at("marks").at(1).at("name"), "trial 2");
  EXPECT_NEAR(json.at("marks").at(0).at("begin").get<double>(), 0.7, 1e-9);
  const Json& series = json.at("series").at(0);
  EXPECT_EQ(series.at("how"), "read");
  EXPECT_EQ(series.at("primary"), true);
  // From 0.7 s before the first window to 0.7 s behind the last one.
  EXPECT_GE(series.at("seconds").front().get<double>(), 0);
  EXPECT_LE(series.at("seconds").back().get<double>(), 15.4);
  EXPECT_EQ(std::count(series.at("values").begin(), series.at("values").end(), Json()), 1);
  EXPECT_EQ(std::count(series.at("values").begin(), series.at("values").end(), Json(900.0)), 1);
}

TEST(PowerTimeline, falls_back_to_the_counter) {
  const test::TempFolder folder;
  Json file = timeline_file();
  file["series"][0]["id"] = "c";
  for (std::size_t i = 0; i < file["series"][0]["values"].size(); ++i) {
    file["series"][0]["values"][i] = 12.0 * static_cast<double>(i);
  }
  folder.write("t.json", file.dump());
  const Json json =
      power_timelines(record_with({{"timeline", "t.json"}, {"meters", Json::array({kMeter})}}),
                      folder.path())
          .at("forward");
  EXPECT_EQ(json.at("series").at(0).at("how"), "counter");
  EXPECT_NEAR(json.at("series").at(0).at("values").at(3).get<double>(), 120, 1e-6);
}

TEST(PowerTimeline, says_why_there_is_none) {
  const test::TempFolder folder;
  const auto reason = [&](const Json& energy) {
    const Json json = power_timelines(record_with(energy), folder.path());
    return json.is_null() ? "null" : json.at("forward").at("reason").get<std::string>();
  };
  EXPECT_EQ(reason(Json()), "null");
  EXPECT_THAT(reason({{"timeline", "none.json"}}), HasSubstr("No such file"));
  EXPECT_THAT(reason({{"timeline", "/etc/passwd"}}), HasSubstr("outside"));
  EXPECT_THAT(reason({{"reason", "no sensor"}}), HasSubstr("no sensor"));
  folder.write("t.json", R"({"marks":3,"series":{}})");
  EXPECT_THAT(reason({{"timeline", "t.json"}}), HasSubstr("no window"));
  folder.write("u.json",
               R"({"marks":[{"name":"forward, trial 1","begin":0,"end":1}],"series":[1]})");
  EXPECT_THAT(reason({{"timeline", "u.json"}, {"meters", Json::array({kMeter})}}),
              HasSubstr("no readings"));
}

}  // namespace
}  // namespace ridgeline::report
