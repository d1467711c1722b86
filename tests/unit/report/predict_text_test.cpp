// What `ridgeline predict` prints, also of a prediction that is damaged.
#include "report/predict_text.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace ridgeline::report {
namespace {

Json metric(double value, const char* unit) {
  return {{"value", value}, {"unit", unit}, {"source", "modelled"}};
}

Json prediction(std::size_t chips) {
  Json latency = metric(0.004, "s");
  latency["low"] = 0.003;
  latency["high"] = nullptr;
  const Json decode = {{"limit", {{"id", "mixed"}, {"among", {"memory", "kernels"}}}},
                       {"metrics",
                        {{"latency", latency},
                         {"throughput.token", metric(250, "token/s")},
                         {"energy.at_power_limit", metric(2.8, "J")}}}};
  const Json prefill = {
      {"limit", nullptr},
      {"metrics", {{"latency", {{"value", nullptr}, {"reason", "no rate of float64"}}}}}};
  Json all = {{"rank", "time"}, {"notes", {"a note\nin two lines"}}};
  all["cases"] = Json::array({{{"configuration", {{"model", "m"}, {"dtype", "bfloat16"}}},
                               {"workload", {{"batch", 1}, {"sequence", 512}, {"depth", 512}}},
                               {"cost", {{"decode", {{"parameters", 8e9}}}}}}});
  for (std::size_t i = 0; i < chips; ++i) {
    all["chips"].push_back({{"name", "Chip \x1b[31m"}, {"kind", "gpu"}});
    all["predictions"].push_back({{"chip", i},
                                  {"case", 0},
                                  {"fits", false},
                                  {"capacity", 24.0 * 1024 * 1024 * 1024},
                                  {"missing", 2.0 * 1024 * 1024 * 1024},
                                  {"largest_batch", {{"value", 7}, {"limited_by", "model"}}},
                                  {"phases", {{"prefill", prefill}, {"decode", decode}}}});
  }
  all["validation"] = {{"tpu", {{"rows", 0}}}};
  return all;
}

TEST(PredictText, shows_time_limit_fit_and_what_is_not_known) {
  const std::string text = predict_text(prediction(1));
  for (const char* part :
       {"m 1×512, 512 in the cache bfloat16", "8.000 G parameters", "no: 2 GiB short of 24 GiB",
        "7 (model)", "4.000 ms", "3.000 ms – –", "mixed (memory, kernels)", "250.0 token/s",
        "2.800 J", "no rate of float64", "no measured phase of this class", "modelled"}) {
    EXPECT_NE(text.find(part), std::string::npos) << part << "\n" << text;
  }
  EXPECT_EQ(text.find('\x1b'), std::string::npos);
  EXPECT_EQ(text.find("a note\n"), std::string::npos) << "a note is one line";
}

TEST(PredictText, has_one_phase_of_each_of_many_chips) {
  EXPECT_NE(predict_text(prediction(3)).find("prefill"), std::string::npos);
  EXPECT_EQ(predict_text(prediction(4)).find("prefill"), std::string::npos);
}

TEST(PredictText, survives_what_is_missing) {
  EXPECT_FALSE(predict_text(Json()).empty());
  EXPECT_FALSE(predict_text(Json::array({1, 2})).empty());
  for (const char* part : {"chips", "cases", "validation", "notes", "rank"}) {
    Json damaged = prediction(1);
    damaged[part] = 5;
    EXPECT_FALSE(predict_text(damaged).empty()) << part;
  }
  Json damaged = prediction(1);
  damaged["predictions"] = Json::array({nullptr, 3, {{"chip", 1e9}, {"phases", {{"x", 1}}}}});
  EXPECT_FALSE(predict_text(damaged).empty());
}

TEST(ValidationText, shows_rows_and_classes) {
  const Json row = {{"device", "H200 SXM"}, {"model", "m"},    {"phase", "decode"},
                    {"dtype", "bfloat16"},  {"batch", 1},      {"measured", 0.002},
                    {"predicted", 0.003},   {"recorded", true}};
  const std::string text = validation_text(
      {{"rows", Json::array({row})},
       {"classes",
        {{"gpu", {{"basis", "datasheet"}, {"compute", 0.5}, {"error", {{"median", 0.1}}}}}}}});
  EXPECT_NE(text.find("+50.0 %"), std::string::npos) << text;
  EXPECT_NE(text.find("50 %"), std::string::npos) << text;
  EXPECT_FALSE(validation_text(Json()).empty());
}

}  // namespace
}  // namespace ridgeline::report
