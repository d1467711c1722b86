// The tables of `ridgeline peaks`.
#include "report/peaks_text.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "support/approved.hpp"

namespace ridgeline::report {
namespace {

using testing::HasSubstr;

Json ceiling(const char* id, const char* kind, const char* unit, const Json& value) {
  return {{"id", id},
          {"kind", kind},
          {"unit", unit},
          {"value", value},
          {"median", value},
          {"dtype", nullptr},
          {"level", nullptr},
          {"node", nullptr},
          {"bytes", nullptr},
          {"size", nullptr},
          {"reason", nullptr},
          {"enable", nullptr},
          {"datasheet", nullptr},
          {"share", nullptr}};
}

Json peaks() {
  Json read = ceiling("read", "read", "B/s", 23.4e9);
  read.update({{"level", "memory"}, {"bytes", 134217728}});
  read["datasheet"] = {{"value", nullptr}, {"reason", "2 of 96 cores"}};
  Json l2 = ceiling("copy.l2", "copy", "B/s", 88.5e9);
  l2.update({{"level", "l2"}, {"bytes", 1048576}});
  Json node = ceiling("read.node1", "read", "B/s", 11e9);
  node.update({{"level", "memory"}, {"node", 1}});
  Json one = ceiling("read.one_thread", "read", "B/s", 9e9);
  one["level"] = "memory";
  Json gemm = ceiling("gemm.float32", "gemm", "FLOP/s", 150.2e9);
  gemm.update({{"dtype", "float32"}, {"size", 2048}, {"share", 0.978}});
  gemm["datasheet"] = {{"value", 153.6e9}};
  Json bytes = ceiling("gemm.int8", "gemm", "OP/s", 612e9);
  bytes["dtype"] = "int8";
  Json half = ceiling("gemm.float16", "gemm", "FLOP/s", nullptr);
  half.update({{"dtype", "float16"}, {"reason", "too slow to measure"}});
  Json launch = ceiling("launch", "launch", "s", 2.4e-6);
  launch["round_trip"] = 9.1e-6;
  Json copy = ceiling("h2d.pageable", "h2d", "B/s", 12e9);
  const Json cpu = {
      {"device", "cpu"},
      {"device_name", "AMD EPYC"},
      {"engine", "native"},
      {"engine_version", "0.1.0 (torch 2.13.0)"},
      {"threads", 2},
      {"cores", "0-1"},
      {"measured_at", "2026-01-31T12:00:00Z"},
      {"note", "other processes were running"},
      {"cached", true},
      {"age_seconds", 7300},
      {"ceilings", {read, l2, node, one, gemm, bytes, half}},
      {"idle_power", {{"value", nullptr}, {"reason", "no sensor"}, {"enable", "x"}}},
      {"datasheet", {{"name", "AMD EPYC 9654"}, {"evidence", "D"}, {"notes", {"a share of it"}}}},
      {"flags", Json::array()}};
  const Json gpu = {{"device", "cuda:0"},
                    {"device_name", "NVIDIA L4"},
                    {"engine", "native"},
                    {"threads", 0},
                    {"cached", false},
                    {"ceilings", {launch, copy}},
                    {"idle_power", {{"value", 16.25}, {"source", "counter"}}},
                    {"datasheet", {{"name", nullptr}, {"bandwidth", {{"reason", "no row"}}}}},
                    {"flags", {"read is 107 % of the datasheet value"}}};
  return {{"schema", "ridgeline-peaks/1"}, {"sets", {cpu, gpu}}};
}

TEST(PeaksText_Tables, show_best_median_datasheet_and_share) {
  test::expect_approved("peaks.txt", peaks_text(peaks()));
}

TEST(PeaksText_Tables, show_what_is_missing_as_such) {
  EXPECT_EQ(peaks_text(Json::object()), "");
  EXPECT_EQ(peaks_text(nullptr), "");
  const std::string bare = peaks_text({{"sets", {Json::object(), 7}}});
  EXPECT_THAT(bare, HasSubstr("datasheet: none"));
  EXPECT_THAT(bare, HasSubstr("idle power: – (not known"));
}

TEST(PeaksText_Tables, print_nothing_that_moves_the_cursor) {
  Json hostile = peaks();
  hostile["sets"][0]["device_name"] = "a\x1b[2Jb\nc";
  hostile["sets"][0]["ceilings"][0]["reason"] = std::string(100'000, 'x') + "\n";
  const std::string text = peaks_text(hostile);
  EXPECT_EQ(text.find('\x1b'), std::string::npos);
  EXPECT_LT(text.size(), 10'000u);
}

}  // namespace
}  // namespace ridgeline::report
