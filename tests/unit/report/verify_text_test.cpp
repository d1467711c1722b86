// What `ridgeline verify` prints, against approved texts.
#include "report/verify_text.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "support/approved.hpp"

namespace ridgeline::report {
namespace {

Json passed() {
  return {
      {"schema", "ridgeline-verify/1"},
      {"model", "bert-base"},
      {"weights", "synthetic"},
      {"dtype", "float32"},
      {"device", "cpu"},
      {"workload", {{"batch", 1}, {"sequence", 128}}},
      {"native", {{"name", "native"}, {"version", "0.1.0"}, {"versions", {{"torch", "2.13.0"}}}}},
      {"peer",
       {{"name", "transformers"}, {"version", "5.23.0"}, {"versions", {{"torch", "2.13.0"}}}}},
      {"optimizations",
       {{"forward", Json::array({{{"id", "prepack"}, {"applied", true}, {"value", "on"}},
                                 {{"id", "numa"}, {"applied", true}, {"value", "off"}}})},
        {"generate", Json::array({{{"id", "fused"}, {"applied", true}, {"value", "on"}}})}}},
      {"reference", "float32"},
      {"outputs", Json::array({{{"name", "logits"},
                                {"shape", {1, 128, 30522}},
                                {"max_error", 3.1e-6},
                                {"relative_error", 8.0e-7},
                                {"cosine", 0.99999999},
                                {"top1_agreement", 1.0},
                                {"peer_error", nullptr},
                                {"bound", 1e-4},
                                {"passed", true},
                                {"reason", nullptr}}})},
      {"only_peer", Json::array()},
      {"only_native", Json::array()},
      {"tokens",
       {{"tokens", 16},
        {"equal", 14},
        {"divergences", Json::array({{{"row", 0},
                                      {"token", 15},
                                      {"ours", 7},
                                      {"theirs", 9},
                                      {"gap", 3e-6},
                                      {"is_rounding", true}}})},
        {"passed", true},
        {"reason", nullptr}}},
      {"passed", true}};
}

TEST(Report_Verify, of_a_pass_is_as_approved) {
  test::expect_approved("verify_pass.txt", verify_text(passed()));
}

TEST(Report_Verify, of_a_failure_in_a_short_dtype_is_as_approved) {
  Json json = passed();
  json["dtype"] = "bfloat16";
  json["passed"] = false;
  json["weights"] = "checkpoint";
  json["workload"] = {{"batch", 2}, {"sequence", nullptr}, {"text", {"a", "b"}}};
  json["only_peer"] = {"past"};
  json["only_native"] = {"pooler_output"};
  Json& output = json["outputs"][0];
  output["relative_error"] = 0.5;
  output["peer_error"] = 0.01;
  output["bound"] = 0.02;
  output["passed"] = false;
  output["reason"] = "off by 0.5, 0.02 is allowed";
  Json& tokens = json["tokens"];
  tokens["passed"] = false;
  tokens["reason"] = "row 0 parts at new token 15, and not by rounding";
  tokens["divergences"][0]["is_rounding"] = false;
  tokens["divergences"][0]["gap"] = nullptr;
  test::expect_approved("verify_fail.txt", verify_text(json));
}

TEST(Report_Verify, bears_a_verification_without_its_parts) {
  for (const Json& json :
       {Json(), Json(3), Json::object(), Json{{"outputs", 3}, {"tokens", "x"}}}) {
    EXPECT_NE(verify_text(json).find("verdict   FAIL"), std::string::npos);
  }
}

}  // namespace
}  // namespace ridgeline::report
