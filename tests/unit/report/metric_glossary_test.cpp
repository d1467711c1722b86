// The table of metrics: whole, unambiguous, and nothing that is measured is missing from it.
#include "report/metric_glossary.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <set>

#include "measure/sensor_metrics.hpp"
#include "results/record.hpp"
#include "support/report_fixture.hpp"

namespace ridgeline::report {
namespace {

TEST(MetricGlossary, has_whole_rows_with_keys_of_their_own) {
  std::set<std::string> keys;
  for (const MetricEntry& entry : metric_glossary()) {
    EXPECT_TRUE(keys.insert(entry.key).second) << entry.key;
    for (const std::string& text : {entry.label, entry.unit, entry.definition, entry.source}) {
      EXPECT_FALSE(text.empty()) << entry.key;
    }
    EXPECT_EQ(entry.definition.back(), '.') << entry.key;
    EXPECT_LT(entry.definition.size(), 160u) << entry.key;
  }
}

TEST(MetricGlossary, puts_names_into_places) {
  const auto entry = find_metric("energy_per_audio_second.gross");
  ASSERT_TRUE(entry);
  EXPECT_EQ(entry->key, "energy_per_audio_second.gross");
  EXPECT_EQ(entry->label, "Energy per audio second");
  EXPECT_EQ(entry->unit, "J/audio_second");
  EXPECT_EQ(find_metric("latency.p99.9")->label, "Latency p99.9");
  EXPECT_EQ(find_metric("activity.sm.seconds")->unit, "s");
  EXPECT_EQ(find_metric("traffic.dram")->label, "Memory traffic");
  EXPECT_EQ(find_metric("load.dance")->label, "Stage dance");
}

TEST(MetricGlossary, knows_nothing_else) {
  for (const char* key : {"", "latenc", "latency.", "latency.px", "throughput.", "token_per_",
                          "energy.other", "throughput.a<b>", "memory.other", "cost.other"}) {
    EXPECT_FALSE(find_metric(key)) << key;
  }
}

TEST(MetricGlossary, finds_every_key_that_exports_have) {
  std::set<std::string> keys;
  for (const std::string& key : known_metric_keys()) {
    EXPECT_TRUE(keys.insert(key).second) << key;
    EXPECT_EQ(key.find('<'), std::string::npos) << key;
    const auto entry = find_metric(key);
    ASSERT_TRUE(entry) << key;
    EXPECT_EQ(entry->key, key);
  }
}

TEST(MetricGlossary, covers_the_records_of_the_tests) {
  for (const char* name : {"synthetic_ok", "checkpoint_text", "one_invocation", "refused_drift"}) {
    for (const std::string& key : metric_keys_of(test::report_record(name))) {
      EXPECT_TRUE(find_metric(key)) << name << ": " << key;
    }
  }
}

TEST(MetricGlossary, covers_and_agrees_with_the_units_of_energy_and_traffic) {
  const measure::PhaseFacts phase{
      "forward", {{"sequence", 1}, {"token", 128}, {"audio_second", 3}}, nullptr};
  results::Metrics metrics;
  metrics.emplace_back("latency", results::measured(1, "s", results::Source::kTimed));
  measure::add_energy({{"reason", "none"}}, phase, metrics);
  Json domains = Json::array();
  Json values = Json::object();
  for (const auto& [kind, scope] : {std::pair{"traffic", "dram"},
                                    {"traffic", "pcie_rx"},
                                    {"activity", "sm_occupancy"},
                                    {"events", "instructions"}}) {
    domains.push_back({{"id", scope}, {"kind", kind}, {"scope", scope}});
    values[scope] = 1.0;
  }
  const Json runs = Json::array({{{"values", values}}});
  measure::add_traffic({{"domains", domains}, {"phases", {{"forward", {{"runs", runs}}}}}}, phase,
                       metrics);
  EXPECT_GT(metrics.size(), 25u);
  for (const auto& [name, metric] : metrics) {
    const auto entry = find_metric(name);
    ASSERT_TRUE(entry) << name;
    EXPECT_EQ(entry->unit, metric.unit) << name;
  }
}

TEST(MetricGlossary, covers_the_cost) {
  for (const char* key : {"flops", "flops_minimum", "flops_elementwise", "bytes", "bytes_weights",
                          "bytes_cache", "bytes_unfused", "parameters"}) {
    const auto entry = find_metric(std::string("cost.") + key);
    ASSERT_TRUE(entry) << key;
    // Parts of a total have no name of their own in flat exports of records.
    if (!results::cost_unit(key).empty()) {
      EXPECT_EQ(entry->unit, results::cost_unit(key)) << key;
    }
  }
}

}  // namespace
}  // namespace ridgeline::report
