// What a record holds beside its metrics' ceilings: record.ceilings and latency.host.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "measure/assemble.hpp"
#include "measure/efficiency.hpp"

namespace ridgeline::measure {
namespace {

using testing::HasSubstr;

MachineLimits limits_with(const std::string& device) {
  machine::Ceiling read;
  read.id = "read";
  read.kind = "read";
  read.unit = "B/s";
  read.value = 4.5e12;
  machine::CeilingSet set;
  set.engine = "native";
  set.engine_version = "0.1.0 (torch 2.13.0)";
  set.device = device;
  set.device_name = "NVIDIA H200";
  set.measured_at = "2026-01-31T12:00:00Z";
  set.ceilings = {read};
  MachineLimits limits;
  limits.ceilings.sets = {set};
  return limits;
}

Configuration configuration_of(const std::string& device) {
  Configuration configuration;
  configuration.engine = "native";
  configuration.device = device;
  configuration.dtype = "float32";
  return configuration;
}

const Json& engine() {
  static const Json json = {
      {"name", "native"}, {"version", "0.1.0"}, {"versions", {{"torch", "2.13.0"}}}};
  return json;
}

TEST(Record_Ceilings, are_the_chosen_set_and_the_datasheet) {
  const Json json = ceilings_json(limits_with("cuda:0"), configuration_of("cuda:0"), engine());
  EXPECT_EQ(json["measured"], machine::to_json(limits_with("cuda:0").ceilings.sets[0]));
  EXPECT_TRUE(json["reason"].is_null());
  EXPECT_TRUE(json["enable"].is_null());
  EXPECT_EQ(json["datasheet"]["bandwidth"]["value"], 4.8e12);
}

TEST(Record_Ceilings, are_null_with_the_reason_and_the_command) {
  const MachineLimits limits = limits_with("cuda:1");
  const Json json = ceilings_json(limits, configuration_of("cuda:0"), engine());
  EXPECT_TRUE(json["measured"].is_null());
  EXPECT_EQ(json["reason"], "no ceilings were measured on this machine");
  EXPECT_EQ(json["enable"], "ridgeline peaks --device cuda:0");
  const Json unknown = ceilings_json(limits, configuration_of("cuda:0"), Json());
  EXPECT_THAT(unknown["reason"].get<std::string>(), HasSubstr("no worker"));
  EXPECT_TRUE(unknown["enable"].is_null());
}

// Two processes in which the host was free again after 1 and after 3 ms of 4 ms.
CaseState state_of() {
  CaseState state;
  state.facts = std::make_shared<const Json>(Json{{"engine", engine()},
                                                  {"cost", Json::object()},
                                                  {"energy", {{"reason", "not asked for"}}},
                                                  {"traffic", {{"reason", "not asked for"}}}});
  for (const std::int64_t host : {1, 3}) {
    protocol::SampleRow row;
    row.begin_ns = 1'000'000;
    row.enqueued_ns = row.begin_ns + host * 1'000'000;
    row.done_ns = row.begin_ns + 4'000'000;
    const std::vector<protocol::SampleRow> rows(20, row);
    CaseInvocation invocation;
    add_samples("forward", call_seconds(rows), token_series(rows), invocation);
    state.invocations.push_back(std::move(invocation));
  }
  return state;
}

const results::Metric* metric(const results::Metrics& metrics, const std::string& name) {
  for (const auto& [key, value] : metrics) {
    if (key == name) return &value;
  }
  return nullptr;
}

TEST(Record_HostTime, is_estimated_as_the_latency_is_and_only_beside_a_device) {
  const Json phase = {{"name", "forward"}, {"unit", "sequence"}, {"items", {{"sequence", 1}}}};
  ConfigurationCases cases;
  AssembleContext context;
  context.configuration = &cases;
  cases.configuration = configuration_of("cuda:0");
  const auto report = report_phase(phase, state_of(), context);
  ASSERT_TRUE(report) << report.error().line();
  const results::Metric* host = metric(report->result.metrics, "latency.host");
  ASSERT_NE(host, nullptr);
  EXPECT_DOUBLE_EQ(*host->value, 2e-3);
  EXPECT_EQ(host->unit, "s");
  EXPECT_EQ(host->source, results::Source::kTimed);
  EXPECT_EQ(host->n, 40);
  EXPECT_EQ(host->interval, results::IntervalKind::kBetweenInvocations);
  EXPECT_EQ(metric(report->result.metrics, "latency.device"), nullptr);

  cases.configuration = configuration_of("cpu");
  const auto on_cpu = report_phase(phase, state_of(), context);
  ASSERT_TRUE(on_cpu);
  EXPECT_EQ(metric(on_cpu->result.metrics, "latency.host"), nullptr);
}

}  // namespace
}  // namespace ridgeline::measure
