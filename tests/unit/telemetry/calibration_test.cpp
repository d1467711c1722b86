// Finding update periods, and remembering them.
#include "telemetry/calibration.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "base/file.hpp"
#include "base/json.hpp"
#include "support/temp_folder.hpp"
#include "telemetry/scripted_source.hpp"

namespace ridgeline::telemetry {
namespace {

Calibration calibrated(const char* domain, double seconds) {
  std::int64_t ns = 0;
  auto source = open_scripted(std::string(R"({"domains":[)") + domain + "]}", [&] { return ns; });
  EXPECT_TRUE(source) << source.error().line();
  Recorder recorder({{source->get(), 0, kCalibrationInterval, {}, 0}});
  for (; ns < static_cast<std::int64_t>(1e9 * seconds); ns += kCalibrationInterval) {
    recorder.poll(ns);
  }
  return calibrate(recorder.series()[0], 2e-5);
}

TEST(Telemetry_Calibration, finds_the_period_of_a_counter_and_of_power) {
  const Calibration counter =
      calibrated(R"({"id":"a","kind":"energy","power":300,"period":0.02})", 2);
  ASSERT_TRUE(counter.update_period);
  EXPECT_NEAR(*counter.update_period, 0.02, 0.001);
  EXPECT_NEAR(static_cast<double>(counter.changes), 99, 2);
  EXPECT_EQ(counter.read_seconds, 2e-5);
  const Calibration power = calibrated(
      R"({"id":"b","kind":"power","period":0.1,"power":{"shape":"ramp","from":1,"to":9,"seconds":9}})",
      2);
  ASSERT_TRUE(power.update_period);
  EXPECT_NEAR(*power.update_period, 0.1, 0.001);
}

TEST(Telemetry_Calibration, power_that_never_changes_tells_no_period) {
  const Calibration power = calibrated(R"({"id":"b","kind":"power","power":5,"period":0.1})", 1);
  EXPECT_FALSE(power.update_period);
  EXPECT_EQ(power.changes, 0);
}

TEST(Telemetry_Calibration, a_counter_far_from_integrated_power_is_not_valid) {
  Calibration calibration;
  EXPECT_TRUE(calibration.is_valid());
  calibration.cross_check = 1.04;
  EXPECT_TRUE(calibration.is_valid());
  calibration.cross_check = 0.88;
  EXPECT_FALSE(calibration.is_valid());
  calibration.cross_check = 15.3;
  EXPECT_FALSE(calibration.is_valid());
}

TEST(Telemetry_CalibrationCache, keeps_what_was_learned_for_this_machine_alone) {
  const test::TempFolder folder;
  CalibrationCache cache(folder.path(), "0123456789abcdef");
  Calibration one = calibrated(R"({"id":"a","kind":"energy","power":300,"period":0.02})", 1);
  cache.put(one);
  one.cross_check = 1.01;
  cache.put(one);
  EXPECT_EQ(cache.all().size(), 1u);
  ASSERT_TRUE(cache.save());
  const CalibrationCache again(folder.path(), "0123456789abcdef");
  const Calibration* found = again.find("scripted", "a");
  ASSERT_NE(found, nullptr);
  EXPECT_EQ(found->update_period, one.update_period);
  EXPECT_EQ(found->cross_check, 1.01);
  EXPECT_EQ(CalibrationCache(folder.path(), "fedcba9876543210").find("scripted", "a"), nullptr);
}

TEST(Telemetry_CalibrationCache, a_damaged_or_foreign_file_counts_as_empty) {
  const test::TempFolder folder;
  const std::string path = folder.path() + "/sensors-0123456789abcdef.json";
  for (const char* text : {"", "{", "[]", R"({"schema":"other"})",
                           R"({"schema":"ridgeline-sensors/1","fingerprint":"x","sensors":[]})",
                           R"({"schema":"ridgeline-sensors/1","fingerprint":"0123456789abcdef",
                               "sensors":[{"source":3}]})"}) {
    ASSERT_TRUE(write_text_file(path, text));
    EXPECT_TRUE(CalibrationCache(folder.path(), "0123456789abcdef").all().empty()) << text;
  }
  EXPECT_TRUE(CalibrationCache("", "x").save());
}

}  // namespace
}  // namespace ridgeline::telemetry
