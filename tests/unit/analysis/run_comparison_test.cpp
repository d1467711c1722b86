// Verdicts, notes and the gate on records with exactly known figures.
#include "analysis/run_comparison.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <nlohmann/json.hpp>

#include "analysis/run_comparison_gate.hpp"
#include "analysis/run_comparison_json.hpp"
#include "unit/analysis/side_by_side_records.hpp"

namespace ridgeline::analysis {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

const std::vector<double> kEven = {0.00200, 0.00201, 0.00199, 0.00200, 0.00200};

std::vector<double> times(std::vector<double> values, double factor) {
  for (double& value : values) value *= factor;
  return values;
}

Json record(const std::vector<double>& medians = kEven, const std::vector<double>& joules = {}) {
  Json json = test::engine_record("native", medians, joules);
  json["memory"]["metrics"]["peak"] = {{"value", 1000.0}, {"unit", "B"}, {"source", "tracked"}};
  json["validity"] = {{"flags", Json::array()}};
  return json;
}

RunComparison compared(const std::vector<Json>& base, const std::vector<Json>& now,
                       const RunComparisonOptions& options = {}) {
  auto comparison = compare_runs(base, now, options);
  if (!comparison) {
    ADD_FAILURE() << comparison.error().line();
    return {};
  }
  return *std::move(comparison);
}

// The metric of that name of the first case.
MetricComparison metric(const RunComparison& comparison, std::string_view name) {
  for (const MetricComparison& one : comparison.cases.at(0).metrics) {
    if (one.figures.metric == name) return one;
  }
  ADD_FAILURE() << "no " << name;
  return {};
}

MetricComparison latency(const Json& base, const Json& now) {
  return metric(compared({base}, {now}), "latency");
}

TEST(Analysis_RunComparison, says_what_is_planted) {
  EXPECT_EQ(latency(record(), record(times(kEven, 1.05))).verdict, Verdict::kSlower);
  EXPECT_EQ(latency(record(), record(times(kEven, 0.95))).verdict, Verdict::kFaster);
  EXPECT_EQ(latency(record(), record(times(kEven, 1.001))).verdict, Verdict::kSame);
  const MetricComparison close = latency(record(), record(times(kEven, 1.011)));
  EXPECT_EQ(close.verdict, Verdict::kUndecided);
  EXPECT_EQ(close.reason, "the interval reaches across a margin");
  EXPECT_NEAR(*close.effect, 0.011, 1e-9);
  EXPECT_EQ(close.figures.base_n, 5u);
}

TEST(Analysis_RunComparison, does_not_take_the_drift_of_a_process_for_a_change) {
  Json moved = record(times(kEven, 1.05));
  moved["invocations"][2]["phases"]["forward"]["drift"] = -0.08;
  EXPECT_EQ(latency(record(), moved).verdict, Verdict::kSlower);  // no flag: chance
  moved["validity"]["flags"].push_back({{"id", "drift"}, {"severity", "warn"}});
  const MetricComparison within = latency(record(), moved);
  EXPECT_EQ(within.verdict, Verdict::kUndecided);
  EXPECT_DOUBLE_EQ(within.moved, 0.08);
  EXPECT_THAT(within.reason, HasSubstr("moved by 8.0 %"));
  EXPECT_EQ(latency(moved, record(times(kEven, 1.3))).verdict, Verdict::kSlower);
}

TEST(Analysis_RunComparison, never_judges_by_one_invocation) {
  // Within the processes everything is known to a thousandth; it does not count.
  const MetricComparison one = latency(record({0.002}), record({0.004}));
  EXPECT_EQ(one.verdict, Verdict::kUndecided);
  EXPECT_FALSE(one.interval);
  EXPECT_NEAR(*one.effect, 1, 1e-9);
  EXPECT_THAT(one.reason, HasSubstr("BASE and NEW: one invocation"));
  EXPECT_THAT(latency(record(), record({0.004})).reason, HasSubstr("NEW: one invocation"));
}

TEST(Analysis_RunComparison, leaves_out_invocations_that_failed) {
  Json now = record(times(kEven, 1.05));
  for (int i = 0; i < 4; ++i) now["invocations"][i]["outcome"]["status"] = "failed";
  EXPECT_EQ(latency(record(), now).figures.now_n, 1u);
  EXPECT_EQ(latency(record(), now).verdict, Verdict::kUndecided);
}

TEST(Analysis_RunComparison, compares_bytes_as_they_are) {
  Json now = record();
  now["memory"]["metrics"]["peak"]["value"] = 1011.0;
  const RunComparison comparison = compared({record()}, {now});
  const MetricComparison peak = metric(comparison, "memory.peak");
  EXPECT_EQ(peak.verdict, Verdict::kSlower);
  EXPECT_EQ(peak.figures.method, Method::kExact);
  EXPECT_FALSE(peak.interval || peak.p);
  EXPECT_EQ(comparison.family, 1) << "what is counted takes no part in the correction";
  EXPECT_THAT(comparison.notes, Contains(HasSubstr("allocator")));
}

TEST(Analysis_RunComparison, compares_joules_an_item) {
  const std::vector<double> joules = {4.0, 4.01, 3.99, 4.0};
  const RunComparison comparison =
      compared({record(kEven, joules)}, {record(kEven, times(joules, 1.2))});
  const MetricComparison energy = metric(comparison, "energy_per_sequence.gross");
  EXPECT_EQ(energy.verdict, Verdict::kSlower);
  EXPECT_EQ(energy.figures.method, Method::kTrials);
  EXPECT_NEAR(*energy.figures.base, 4, 0.01);
  EXPECT_FALSE(energy.figures.spread) << "more invocations would not decide it";
  // One process each: nobody knows what another one takes.
  const RunComparison single =
      compared({record({0.002}, joules)}, {record({0.002}, times(joules, 1.2))});
  EXPECT_EQ(metric(single, "energy_per_sequence.gross").verdict, Verdict::kUndecided);
}

TEST(Analysis_RunComparison, says_why_joules_cannot_be_compared) {
  const std::vector<double> joules = {4.0, 4.01, 3.99, 4.0};
  const auto why = [&](const Json& base, const Json& now) {
    const MetricComparison energy = metric(compared({base}, {now}), "energy_per_sequence.gross");
    EXPECT_EQ(energy.verdict, Verdict::kUndecided);
    return energy.reason;
  };
  EXPECT_EQ(why(record(kEven, joules), record()), "NEW: no sensor");
  Json other = record(kEven, joules);
  other["phases"][0]["energy"]["boundary"] = "device";
  EXPECT_THAT(why(record(kEven, joules), other), HasSubstr("another boundary"));
  EXPECT_EQ(compared({record()}, {record()}).comparisons(), 2) << "no joules on either side";
}

TEST(Analysis_RunComparison, compares_other_metrics_when_asked) {
  RunComparisonOptions options;
  options.metrics = *parse_metrics({"throughput.sequence", "load", "latency.p95"});
  const auto with = [](double factor) {
    Json json = record(times(kEven, factor));
    Json& metrics = json["phases"][0]["metrics"];
    metrics["throughput.sequence"] = {{"value", 500 / factor},
                                      {"unit", "sequence/s"},
                                      {"ci95", {499 / factor, 501 / factor}},
                                      {"interval", "between_invocations"}};
    metrics["latency.p95"] = {{"value", 0.003}, {"unit", "s"}};
    for (Json& invocation : json["invocations"]) {
      invocation["stages"] = {{"spawn", 0.5 * factor}, {"read", 0.5 * factor}};
    }
    return json;
  };
  const RunComparison comparison = compared({with(1)}, {with(1.1)}, options);
  const MetricComparison rate = metric(comparison, "throughput.sequence");
  EXPECT_EQ(rate.verdict, Verdict::kSlower);
  EXPECT_NEAR(*rate.effect, 1 / 1.1 - 1, 1e-6);
  EXPECT_LT(rate.interval->high, 0);
  EXPECT_NEAR(*rate.loss(), 0.1, 1e-6);
  EXPECT_EQ(metric(comparison, "load.total").verdict, Verdict::kSlower);
  EXPECT_NEAR(*metric(comparison, "load.total").figures.base, 1, 1e-9);
  EXPECT_THAT(metric(comparison, "latency.p95").reason, HasSubstr("no interval between"));
  options.metrics = *parse_metrics({"itl"});
  EXPECT_THAT(compared({with(1)}, {with(1.1)}, options).notes,
              Contains("no case of either run has itl"));
}

TEST(Analysis_RunComparison, refuses_metrics_that_it_cannot_judge) {
  EXPECT_THAT(parse_metrics({"latncy"}).error().line(), HasSubstr("did you mean latency?"));
  EXPECT_THAT(parse_metrics({"energy.net"}).error().line(), HasSubstr("write energy"));
  EXPECT_THAT(parse_metrics({"throughput"}).error().line(), HasSubstr("throughput.token"));
  EXPECT_THAT(*parse_metrics({"memory", "memory.peak"}),
              ElementsAre("memory.peak", "memory.device_peak"));
}

TEST(Analysis_RunComparison, does_not_compare_other_work) {
  Json now = record(times(kEven, 2));
  now["phases"][0]["items"]["token"] = 64;
  const MetricComparison one = latency(record(), now);
  EXPECT_EQ(one.verdict, Verdict::kUndecided);
  EXPECT_THAT(one.reason, HasSubstr("another work a call"));
}

TEST(Analysis_RunComparison, does_not_judge_what_is_not_valid) {
  Json now = record(times(kEven, 0.5));
  now["validity"]["flags"] = Json::array(
      {{{"id", "throttled"}, {"severity", "invalid"}, {"detail", "heat"}, {"advice", "cool it"}}});
  const RunComparison comparison = compared({record()}, {now});
  EXPECT_EQ(metric(comparison, "latency").verdict, Verdict::kUndecided);
  EXPECT_EQ(metric(comparison, "latency").reason, "NEW is not valid: throttled (heat)");
  EXPECT_EQ(metric(comparison, "memory.peak").verdict, Verdict::kSame);
  EXPECT_THAT(comparison.cases[0].notes, Contains("throttled in NEW: heat"));
}

TEST(Analysis_RunComparison, corrects_for_all_comparisons_of_a_call) {
  // Alone p is about 0.02; among three comparisons that is not enough.
  const std::vector<double> now = {0.002061, 0.002031, 0.002046, 0.002085, 0.002046};
  EXPECT_EQ(latency(record(), record(now)).verdict, Verdict::kSlower);
  std::vector<Json> base;
  std::vector<Json> other;
  for (int rows = 1; rows <= 3; ++rows) {
    base.push_back(record());
    other.push_back(record(rows == 1 ? now : kEven));
    base.back()["workload"]["batch"] = other.back()["workload"]["batch"] = rows;
    base.back()["id"] = other.back()["id"] = std::to_string(rows);
  }
  const RunComparison comparison = compared(base, other);
  EXPECT_EQ(comparison.family, 3);
  const MetricComparison one = metric(comparison, "latency");
  EXPECT_EQ(one.verdict, Verdict::kUndecided);
  EXPECT_THAT(one.reason, HasSubstr("SLOWER alone (p = "));
  EXPECT_THAT(one.reason, HasSubstr("not among 3 comparisons"));
  EXPECT_LE(*one.p, 0.05);
  EXPECT_GT(*one.p_holm, 0.05);
  EXPECT_EQ(summary_line(comparison), "6 comparisons: 0 FASTER, 0 SLOWER, 5 SAME, 1 UNDECIDED");
}

TEST(Analysis_RunComparison, tells_cases_of_one_name_apart) {
  Json other = record();
  other["workload"]["batch"] = 2;
  other["id"] = "ffff";
  const RunComparison comparison = compared({record(), other}, {record(), other});
  EXPECT_EQ(comparison.cases.at(0).name, "bert-base (0123456789abcdef)");
  EXPECT_EQ(comparison.cases.at(1).name, "bert-base (ffff)");
}

TEST(Analysis_RunComparison, refuses_unlike_machines_unless_told) {
  Json now = record(times(kEven, 1.05));
  now["machine"]["fingerprint"] = "other";
  const auto refused = compare_runs({record()}, {now}, {});
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().line(), HasSubstr("fingerprint is m and other"));
  EXPECT_THAT(refused.error().line(), HasSubstr("--across machine"));
  RunComparisonOptions options;
  options.across = *parse_across({"machine"});
  const RunComparison comparison = compared({record()}, {now}, options);
  EXPECT_EQ(metric(comparison, "latency").verdict, Verdict::kSlower);
  EXPECT_EQ(comparison.machines.size(), 1u);
}

TEST(Analysis_RunComparison, notes_what_a_reader_must_know) {
  Json base = record();
  Json now = record();
  const auto flag = [](const char* id, const char* severity) {
    return Json{{"id", id}, {"severity", severity}, {"detail", "x"}, {"advice", "y"}};
  };
  base["validity"]["flags"] = Json::array({flag("drift", "warn"), flag("cost", "info")});
  now["validity"]["flags"] = Json::array({flag("drift", "warn"), flag("busy", "warn")});
  base["optimizations"] =
      Json::array({{{"id", "attention"}, {"requested", nullptr}, {"value", "flash"}}});
  now["optimizations"] =
      Json::array({{{"id", "attention"}, {"requested", nullptr}, {"value", "math"}}});
  now["outcome"] = {{"status", "partial"}, {"class", "crash"}, {"reason", "one died"}};
  const RunComparison comparison = compared({base}, {now});
  EXPECT_THAT(comparison.cases[0].notes,
              ElementsAre("partial in NEW: crash: one died",
                          "attention was flash in BASE and is math in NEW",
                          "drift in BASE and NEW: x", "busy in NEW: x"));
  EXPECT_THAT(comparison.notes, Contains(HasSubstr("synthetic weights")));
}

TEST(Analysis_RunComparison, bears_records_of_any_kind) {
  for (const Json& odd : {Json(), Json(3), Json::object(), Json{{"phases", "x"}},
                          Json{{"phases", {{{"name", 3}, {"items", "x"}, {"metrics", 1}}}}},
                          Json{{"invocations", {{{"stages", 3}}}}}}) {
    EXPECT_TRUE(compare_runs({odd}, {record()}, {}).has_value());
    EXPECT_TRUE(compare_runs({record()}, {odd}, {}).has_value());
    EXPECT_TRUE(compare_runs({odd}, {odd}, {}).has_value());
  }
  EXPECT_FALSE(compare_runs(std::vector<Json>(kMostCases + 1), {record()}, {}));
  EXPECT_THAT(compared({}, {}).notes, Contains("nothing could be compared"));
}

TEST(Analysis_RunComparison, has_a_json_form) {
  RunComparisonOptions options;
  const std::vector<Json> base = {record()};
  const std::vector<Json> now = {record(times(kEven, 1.05))};
  RunComparison comparison = compared(base, now);
  add_power(comparison);
  const Json json =
      to_json(comparison, {"a", &base}, {"b", &now}, options, GateOutcome{"slower", {"SLOWER"}});
  EXPECT_EQ(json.at("schema"), "ridgeline-run-comparison/1");
  const Json& one = json.at("cases").at(0).at("comparisons").at(0);
  EXPECT_EQ(one.at("verdict"), "SLOWER");
  EXPECT_EQ(one.at("method"), "welch_invocations");
  EXPECT_NEAR(one.at("effect").get<double>(), 0.05, 1e-9);
  EXPECT_GT(one.at("finds").get<double>(), 0.01);
  EXPECT_GE(one.at("needs").get<int>(), 2);
  EXPECT_TRUE(json.at("gate").at("tripped").get<bool>());
}

// --- the gate -----------------------------------------------------------------------------------

std::vector<std::string> tripped(const std::string& spec, const std::vector<Json>& base,
                                 const std::vector<Json>& now) {
  const auto gate = parse_gate(spec);
  EXPECT_TRUE(gate.has_value()) << spec;
  return trips(compared(base, now), base, *gate, {});
}

Json failed() {
  Json json = record();
  json["outcome"] = {{"status", "failed"}, {"class", "crash"}, {"reason", "x"}};
  json["phases"] = json["invocations"] = Json::array();
  return json;
}

TEST(Analysis_Gate, trips_on_a_loss_that_is_shown_and_large_enough) {
  const std::vector<Json> base = {record()};
  const std::vector<Json> slower = {record(times(kEven, 1.05))};
  EXPECT_THAT(tripped("slower", base, slower), ElementsAre(HasSubstr("SLOWER by 5.00 %")));
  EXPECT_EQ(tripped("slower:4%", base, slower).size(), 1u);
  EXPECT_THAT(tripped("slower:6%", base, slower), IsEmpty());
  EXPECT_THAT(tripped("energy,memory", base, slower), IsEmpty());
  EXPECT_THAT(tripped("slower", base, {record(times(kEven, 0.9))}), IsEmpty());
  // 5 % more by the estimate, but nobody knows: no verdict, no trip.
  EXPECT_THAT(tripped("slower:1%", base, {record({0.0021})}), IsEmpty());
  EXPECT_THAT(tripped("undecided", base, {record({0.0021})}), ElementsAre(HasSubstr("UNDECIDED")));
}

TEST(Analysis_Gate, watches_energy_and_memory_on_their_own) {
  const std::vector<double> joules = {4.0, 4.01, 3.99, 4.0};
  const std::vector<Json> base = {record(kEven, joules)};
  std::vector<Json> now = {record(kEven, times(joules, 1.2))};
  now[0]["memory"]["metrics"]["peak"]["value"] = 1100.0;
  EXPECT_THAT(tripped("slower", base, now), IsEmpty());
  EXPECT_THAT(tripped("energy:10%", base, now), ElementsAre(HasSubstr("energy_per_sequence")));
  EXPECT_THAT(tripped("memory:5%", base, now), ElementsAre(HasSubstr("by 10.00 %")));
  EXPECT_EQ(tripped("energy:10%,memory:5%", base, now).size(), 2u);
}

TEST(Analysis_Gate, trips_on_new_failures_whatever_it_watches) {
  EXPECT_THAT(tripped("memory:50%", {record()}, {failed()}),
              Contains(HasSubstr("failed in NEW only")));
  // Failed before, too: then nothing could be compared, which no gate lets pass.
  EXPECT_THAT(tripped("slower", {failed()}, {failed()}), ElementsAre("nothing could be compared"));
}

TEST(Analysis_Gate, trips_on_what_is_missing_when_asked) {
  Json other = record();
  other["workload"]["batch"] = 8;
  EXPECT_THAT(tripped("slower", {record(), other}, {record()}), IsEmpty());
  EXPECT_THAT(tripped("missing", {record(), other}, {record()}),
              ElementsAre(HasSubstr("missing in NEW")));
  EXPECT_THAT(tripped("missing", {record()}, {record(), other}), IsEmpty());
  Json two = record();
  two["phases"].push_back(two["phases"][0]);
  two["phases"][1]["name"] = "decode";
  EXPECT_THAT(tripped("missing", {two}, {record()}), ElementsAre(HasSubstr("decode")));
}

TEST(Analysis_Gate, refuses_what_it_does_not_understand) {
  struct Row {
    const char* spec;
    const char* says;
  };
  const Row rows[] = {{"", "a part is empty"},
                      {"slower,,energy", "a part is empty"},
                      {"slowr:5%", "did you mean slower?"},
                      {"slower:", "has no number"},
                      {"slower:x%", "has no number"},
                      {"slower:5", "write 5%"},
                      {"slower:-5%", "is not above 0"},
                      {"slower:0%", "leave the number out"},
                      {"slower:1e99%", "has no number"},
                      {"slower:nan%", "is not above 0"},
                      {"undecided:5%", "takes no number"},
                      {"missing,missing", "stands twice"},
                      {"slower,slower:5%", "stands twice"}};
  for (const Row& row : rows) {
    const auto gate = parse_gate(row.spec);
    ASSERT_FALSE(gate) << row.spec;
    EXPECT_THAT(gate.error().line(), HasSubstr(row.says)) << row.spec;
  }
  EXPECT_NEAR(*parse_gate(" slower:2.5% , energy:0.1").value().energy, 0.1, 1e-12);
}

}  // namespace
}  // namespace ridgeline::analysis
