// The scripted engine gives exactly what its script says; all tests of measuring stand on that.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <vector>

#include "protocol/sample_file.hpp"
#include "unit/protocol/scripted_worker.hpp"

namespace ridgeline::protocol {
namespace {

// A worker with a virtual clock, loaded again and again.
class Virtual : public ::testing::Test {
 protected:
  void SetUp() override {
    auto started = Worker::start(scripted("{}"), nullptr, kPatient);
    ASSERT_TRUE(started) << started.error().line();
    worker = *std::move(started);
  }
  // Durations in ns of `calls` calls of forward, right after load and plan.
  std::vector<double> durations(const std::string& phase, std::int64_t calls,
                                std::int64_t invocation = 0, const Json& optimizations = {},
                                const Json& workload = {{"batch", 2}, {"sequence", 10}}) {
    const Scratch scratch;
    Result<SampleFile> file = SampleFile::create(scratch / "s", static_cast<std::uint64_t>(calls));
    EXPECT_TRUE(file);
    const std::string script = R"({"clock":"virtual","phases":{"forward":)" + phase + "}}";
    const auto loaded = worker->request("load",
                                        {{"model", script},
                                         {"seed", 3},
                                         {"invocation", invocation},
                                         {"optimizations", optimizations}},
                                        kPatient);
    EXPECT_TRUE(loaded) << loaded.error().line();
    EXPECT_TRUE(worker->request("plan", {{"workload", workload}, {"optimizations", optimizations}},
                                kPatient));
    const auto ran = worker->request("run", run_fields(scratch / "s", calls), kPatient);
    EXPECT_TRUE(ran) << ran.error().line();
    std::vector<double> result;
    std::int64_t last = 0;
    for (const SampleRow& row : file->rows()) {
      EXPECT_GT(row.begin_ns, last);
      last = row.done_ns;
      result.push_back(static_cast<double>(row.done_ns - row.begin_ns));
      EXPECT_EQ(row.items, workload.value("batch", 0.0));
    }
    return result;
  }

  std::unique_ptr<Worker> worker;
};

double mean(const std::vector<double>& values) {
  double sum = 0;
  for (const double value : values) sum += value;
  return sum / static_cast<double>(values.size());
}

// Lag-k autocovariance over the square of the mean.
double covariance(const std::vector<double>& values, std::size_t lag) {
  const double m = mean(values);
  double sum = 0;
  for (std::size_t i = lag; i < values.size(); ++i) sum += (values[i] - m) * (values[i - lag] - m);
  return sum / static_cast<double>(values.size()) / (m * m);
}

TEST_F(Virtual, is_exact_without_noise) {
  const auto plain = durations(R"({"duration_ns":2000000})", 50);
  ASSERT_EQ(plain.size(), 50u);
  for (const double ns : plain) EXPECT_EQ(ns, 2'000'000);
  const auto tokens = durations(R"({"duration_ns":1000,"per_token_ns":100})", 1);
  EXPECT_EQ(tokens[0], 1000 + 100 * 20);
}

TEST_F(Virtual, slows_first_calls_drifts_and_has_outliers) {
  const auto first = durations(R"({"duration_ns":1000,"first_calls":{"count":3,"factor":5}})", 5);
  EXPECT_EQ(first, (std::vector<double>{5000, 5000, 5000, 1000, 1000}));
  const auto drift = durations(R"({"duration_ns":1000,"drift_per_call":0.01})", 3);
  EXPECT_EQ(drift, (std::vector<double>{1000, 1010, 1020}));
  const auto outliers = durations(R"({"duration_ns":1000,"outliers":{"every":2,"factor":3}})", 4);
  EXPECT_EQ(outliers, (std::vector<double>{1000, 3000, 1000, 3000}));
}

TEST_F(Virtual, has_the_noise_it_says) {
  const auto noisy = durations(
      R"({"duration_ns":1e8,"noise":{"kind":"ar1","rho":0.5,"sigma":0.02,"seed":1}})", 50'000);
  EXPECT_NEAR(mean(noisy), 1e8, 1e8 * 0.02 * 4 * std::sqrt(3.0 / 50'000));
  EXPECT_NEAR(std::sqrt(covariance(noisy, 0)), 0.02, 0.0005);
  EXPECT_NEAR(covariance(noisy, 1) / covariance(noisy, 0), 0.5, 0.03);
  const auto white =
      durations(R"({"duration_ns":1e8,"noise":{"kind":"white","rho":0.5,"sigma":0.02}})", 20'000);
  EXPECT_NEAR(covariance(white, 1) / covariance(white, 0), 0.0, 0.03);
}

TEST_F(Virtual, repeats_itself_for_the_same_seed_and_invocation_only) {
  const std::string phase = R"({"duration_ns":1e8,"noise":{"kind":"white","sigma":0.02}})";
  const auto first = durations(phase, 20, 0);
  EXPECT_EQ(first, durations(phase, 20, 0));
  EXPECT_NE(first, durations(phase, 20, 1));
}

TEST_F(Virtual, spreads_processes_around_the_truth) {
  std::vector<double> logs;
  for (int k = 0; k < 300; ++k) {
    const auto calls = durations(R"({"duration_ns":1e9,"process_spread":0.01})", 2, k);
    EXPECT_EQ(calls[0], calls[1]) << "one factor for the process";
    logs.push_back(std::log(calls[0] / 1e9));
  }
  double squares = 0;
  for (const double x : logs) squares += x * x;
  EXPECT_NEAR(mean(logs), 0.0, 4 * 0.01 / std::sqrt(300.0));
  EXPECT_NEAR(std::sqrt(squares / 300), 0.01, 0.002);
}

TEST_F(Virtual, applies_and_refuses_optimizations) {
  const auto turbo =
      durations(R"({"duration_ns":1000})", 1, 0, {{{"id", "turbo"}, {"value", "on"}}});
  EXPECT_EQ(turbo[0], 800);
  const auto off =
      durations(R"({"duration_ns":1000})", 1, 0, {{{"id", "turbo"}, {"value", "off"}}});
  EXPECT_EQ(off[0], 1000);
  const auto loaded = worker->request(
      "load",
      {{"model", R"({"knobs":{"magic":{"stage":"load","refused":"no wand"}}})"},
       {"optimizations", {{{"id", "magic"}, {"value", "on"}}, {{"id", "none"}, {"value", 1}}}}},
      kPatient);
  ASSERT_TRUE(loaded);
  const Json& answers = (*loaded)["optimizations"];
  ASSERT_EQ(answers.size(), 2u);
  EXPECT_EQ(answers[0]["applied"], false);
  EXPECT_EQ(answers[0]["reason"], "no wand");
  EXPECT_EQ(answers[1]["applied"], false);
}

TEST_F(Virtual, ends_runs_by_virtual_time) {
  const Scratch scratch;
  ASSERT_TRUE(SampleFile::create(scratch / "s", 100'000));
  ASSERT_TRUE(worker->request(
      "load", {{"model", R"({"clock":"virtual","phases":{"forward":{"duration_ns":999000}}})"}},
      kPatient));
  ASSERT_TRUE(worker->request("plan", Json::object(), kPatient));
  Json fields = run_fields(scratch / "s", 1);
  fields["until"] = {{"ns", 10'000'000'000}};  // ten seconds that nobody waits for
  const auto ran = worker->request("run", fields, kPatient);
  ASSERT_TRUE(ran);
  EXPECT_EQ((*ran)["calls"], 10'001);  // 999 us and a gap of 1 us each, the last gap not counted
}

TEST_F(Virtual, counts_cost_and_memory_by_its_formulas) {
  durations(R"({"duration_ns":1000})", 1);
  const auto cost = worker->request("cost", Json::object(), kPatient);
  ASSERT_TRUE(cost);
  EXPECT_EQ((*cost)["phases"]["forward"]["flops"], 2 * 1000 * 20);
  EXPECT_EQ((*cost)["phases"]["forward"]["bytes"], 4000 + 4 * 20);
  const auto memory = worker->request("memory", Json::object(), kPatient);
  ASSERT_TRUE(memory);
  EXPECT_EQ((*memory)["tracked"]["peak"], 4000 + 8 * 20 + 1000 * 20);
}

TEST_F(Virtual, limits_faults_to_their_case) {
  const std::string script =
      R"({"faults":[{"at":"plan","kind":"error","batch":8,"class":"oom.device"},
                    {"at":"load","kind":"error","invocation":2},
                    {"at":"cost","kind":"error","times":1}]})";
  const auto load = [&](int invocation) {
    return worker->request("load", {{"model", script}, {"invocation", invocation}}, kPatient)
        .has_value();
  };
  EXPECT_TRUE(load(1));
  EXPECT_FALSE(load(2));
  EXPECT_TRUE(load(3));
  EXPECT_TRUE(worker->request("plan", {{"workload", {{"batch", 1}}}}, kPatient));
  const auto refused = worker->request("plan", {{"workload", {{"batch", 8}}}}, kPatient);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().error_class, ErrorClass::kOomDevice);
  EXPECT_TRUE(worker->request("plan", {{"workload", {{"batch", 2}}}}, kPatient));
  EXPECT_FALSE(worker->request("cost", Json::object(), kPatient));
  EXPECT_TRUE(worker->request("cost", Json::object(), kPatient));
}

TEST_F(Virtual, refuses_scripts_with_mistakes) {
  for (const char* script :
       {"{", R"({"fault":[]})", R"({"clock":"wall"})", R"({"faults":[{"at":"run","kind":"x"}]})",
        R"({"phases":{"forward":{"duration":1}}})", R"({"phases":{"forward":7}})",
        R"({"phases":{"forward":{"duration_ns":-1}}})", "/no/such/script.json"}) {
    const auto loaded = worker->request("load", {{"model", script}}, kPatient);
    ASSERT_FALSE(loaded) << script;
    EXPECT_EQ(loaded.error().error_class, ErrorClass::kBadInput) << script;
  }
  EXPECT_TRUE(worker->alive());
}

}  // namespace
}  // namespace ridgeline::protocol
