// The message "probe": what it answers, and what it refuses.
#include "engines/native/engine/probe.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace ridgeline::native {
namespace {

using testing::HasSubstr;

Result<Json> ask(const char* text) {
  protocol::Progress progress;
  return probe(*parse_json(text, "message"), progress);
}

Error refusal(const char* text) {
  const auto answer = ask(text);
  return answer ? Error{ErrorClass::kInternal, "not refused: " + to_line(*answer)} : answer.error();
}

TEST(Probe, answers_a_bandwidth_with_everything_that_belongs_to_it) {
  protocol::Progress progress;
  const auto answer =
      probe(Json{{"kind", "copy"}, {"bytes", 65536}, {"threads", 1}, {"seconds", 0.02}}, progress);
  ASSERT_TRUE(answer) << answer.error().line();
  EXPECT_EQ((*answer)["unit"], "B/s");
  EXPECT_EQ((*answer)["bytes"], 65536);
  EXPECT_EQ((*answer)["threads"], 1);
  for (const char* key : {"value", "median", "samples", "seconds", "bytes_per_repetition"}) {
    EXPECT_GT((*answer)[key].get<double>(), 0) << key;
  }
  EXPECT_FALSE((*answer)["kernel"].get<std::string>().empty());
  EXPECT_GT(progress.value(), 0);
}

TEST(Probe, answers_a_gemm_and_a_launch) {
  const auto gemm = ask(R"({"kind":"gemm","dtype":"float32","size":64,"seconds":0.02})");
  ASSERT_TRUE(gemm) << gemm.error().line();
  EXPECT_EQ((*gemm)["unit"], "FLOP/s");
  EXPECT_EQ((*gemm)["size"], 64);
  EXPECT_GT((*gemm)["flops_per_repetition"].get<double>(), 0);
  const auto launch = ask(R"({"kind":"launch","seconds":0.02})");
  ASSERT_TRUE(launch) << launch.error().line();
  EXPECT_EQ((*launch)["unit"], "s");
  EXPECT_FALSE(launch->contains("bytes"));
}

TEST(Probe, refuses_values_that_make_no_sense) {
  for (const char* text : {
           R"({})",
           R"({"kind":"sideways"})",
           R"({"kind":7})",
           R"({"kind":"read","device":"tpu"})",
           R"({"kind":"read","bytes":-1})",
           R"({"kind":"read","bytes":"many"})",
           R"({"kind":"read","bytes":100})",
           R"({"kind":"read","bytes":99999999999999999})",
           R"({"kind":"gemm","size":-5})",
           R"({"kind":"gemm","size":5})",
           R"({"kind":"gemm","size":99999999})",
           R"({"kind":"gemm","dtype":"int3"})",
           R"({"kind":"read","seconds":0})",
           R"({"kind":"read","seconds":-1})",
           R"({"kind":"read","seconds":1e300})",
           R"({"kind":"read","threads":-1})",
           R"({"kind":"read","threads":65000})",
           R"({"kind":"read","threads":99999999999})",
           R"({"kind":"read","cores":"x"})",
           R"({"kind":"read","pinned":"yes"})",
       }) {
    const Error error = refusal(text);
    EXPECT_EQ(error.error_class, ErrorClass::kBadInput) << text << ": " << error.line();
  }
}

TEST(Probe, says_what_is_not_supported_and_what_does_not_fit) {
  EXPECT_EQ(refusal(R"({"kind":"h2d","device":"cpu"})").error_class, ErrorClass::kUnsupported);
  EXPECT_EQ(refusal(R"({"kind":"gemm","dtype":"tfloat32"})").error_class, ErrorClass::kUnsupported);
  const Error large = refusal(R"({"kind":"read","bytes":70000000000000,"seconds":0.02})");
  EXPECT_EQ(large.error_class, ErrorClass::kOomHost);
  EXPECT_GE(large.bytes_needed.value_or(0), 70'000'000'000'000);
}

TEST(Probe, names_what_a_device_lacks) {
  const Error error = refusal(R"({"kind":"read","device":"cuda:0","seconds":0.02})");
  if (error.error_class == ErrorClass::kInternal) GTEST_SKIP() << "there is a CUDA device";
  EXPECT_EQ(error.error_class, ErrorClass::kEnvironment);
  EXPECT_THAT(error.line(), HasSubstr("CUDA"));
}

}  // namespace
}  // namespace ridgeline::native
