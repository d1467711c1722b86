// From readings and stamps to joules a call, and from trials to metrics.
#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "measure/energy_trial.hpp"
#include "measure/sensor_metrics.hpp"
#include "measure/timeline.hpp"
#include "telemetry/null_source.hpp"
#include "telemetry/scripted_source.hpp"

namespace ridgeline::measure {
namespace {

using results::Metric;
using results::Metrics;

std::int64_t ns_of(double seconds) {
  return std::llround(1e9 * seconds);
}

std::vector<protocol::SampleRow> calls_of(double begin, double seconds, double gap, int count) {
  std::vector<protocol::SampleRow> rows;
  for (int i = 0; i < count; ++i) {
    protocol::SampleRow row;
    row.begin_ns = ns_of(begin + i * (seconds + gap));
    row.enqueued_ns = row.done_ns = row.begin_ns + ns_of(seconds);
    rows.push_back(row);
  }
  return rows;
}

// A package and its DRAM, read for `seconds` on virtual time.
struct Host {
  explicit Host(const char* script) {
    auto opened = telemetry::open_scripted(script, [this] { return ns; });
    EXPECT_TRUE(opened) << opened.error().line();
    sources.push_back(std::move(*opened));
    for (telemetry::Meter& meter : telemetry::meters_of(sources, "")) {
      CalibratedMeter& one = meters.emplace_back();
      one.update_period = meter.counter ? (*meter.counter)->update_period.value_or(0) : 0;
      one.systematic = meter.counter ? (*meter.counter)->systematic : std::nullopt;
      one.meter = std::move(meter);
    }
    plan = plan_channels(meters, telemetry::state_domains(sources, ""));
  }

  std::vector<telemetry::Series> read(double seconds) {
    telemetry::Recorder recorder(plan.channels);
    for (; ns < ns_of(seconds); ns += 1'000'000) recorder.poll(ns);
    return recorder.take();
  }

  std::int64_t ns = 0;
  telemetry::Sources sources;
  std::vector<CalibratedMeter> meters;
  ChannelPlan plan;
};

constexpr const char* kHost = R"({"domains":[
  {"id":"package-0","kind":"energy","scope":"package","power":120,"period":0.001,"resolution":6.1e-5,"systematic":0.02},
  {"id":"core-0","kind":"energy","scope":"core","power":70,"period":0.001},
  {"id":"dram-0","kind":"energy","scope":"dram","power":30,"period":0.001},
  {"id":"temperature","kind":"temperature","scope":"package","power":{"shape":"ramp","from":40,"to":60,"seconds":10}},
  {"id":"throttle","kind":"throttle_time","scope":"core","power":0.25}]})";

TEST(Energy_Trial, adds_up_what_the_work_took_and_only_that) {
  Host host(kHost);
  const auto series = host.read(10);
  const Json trial =
      energy_trial(host.meters, host.plan, series, calls_of(0, 0.02, 0, 500), {ns_of(2), ns_of(8)});
  ASSERT_TRUE(trial.at("joules").is_number()) << trial.dump();
  EXPECT_NEAR(trial.at("joules").get<double>(), 150 * 0.02, trial.at("bound").get<double>());
  EXPECT_LT(trial.at("bound").get<double>(), 0.01);
  EXPECT_NEAR(trial.at("seconds_per_call").get<double>(), 0.02, 1e-4);
  EXPECT_NEAR(trial.at("busy_share").get<double>(), 1, 1e-6);
  EXPECT_EQ(trial.at("method"), "counter");
  EXPECT_TRUE(trial.at("meters").contains("core-0"));
  EXPECT_NEAR(trial.at("state").at("temperature").at("start").get<double>(), 44, 0.1);
  EXPECT_NEAR(trial.at("state").at("temperature").at("end").get<double>(), 56, 0.1);
  EXPECT_NEAR(trial.at("state").at("throttle").at("end").get<double>(), 1.5, 0.01);
}

TEST(Energy_Trial, time_between_calls_is_part_of_the_energy_of_a_call) {
  Host host(kHost);
  const auto series = host.read(10);
  const Json trial = energy_trial(host.meters, host.plan, series, calls_of(0, 0.02, 0.02, 250),
                                  {ns_of(2), ns_of(8)});
  EXPECT_NEAR(trial.at("joules").get<double>(), 150 * 0.04, 0.03);
  EXPECT_NEAR(trial.at("busy_share").get<double>(), 0.5, 0.01);
}

TEST(Energy_Trial, a_primary_meter_without_a_value_leaves_none_at_all) {
  Host host(R"({"domains":[
    {"id":"package-0","kind":"energy","scope":"package","power":120,"period":0.001},
    {"id":"dram-0","kind":"energy","scope":"dram","power":30,"period":0.001,"fails":[[0,100]]}]})");
  const auto series = host.read(4);
  const Json trial =
      energy_trial(host.meters, host.plan, series, calls_of(0, 0.02, 0, 200), {ns_of(1), ns_of(3)});
  EXPECT_TRUE(trial.at("joules").is_null());
  EXPECT_NE(trial.at("reason").get<std::string>().find("dram-0"), std::string::npos);
}

TEST(Energy_PhaseRun, parts_of_calls_at_the_ends_count_by_their_time) {
  const auto rows = calls_of(0, 1, 0, 10);
  const CallsWithin within = calls_within(rows, {ns_of(2.25), ns_of(5.5)});
  EXPECT_NEAR(within.calls, 3.25, 1e-9);
  EXPECT_NEAR(within.busy_share, 1, 1e-9);
  EXPECT_EQ(calls_within(rows, {ns_of(20), ns_of(21)}).calls, 0);
}

Json trial_of(double joules, double seconds) {
  return {{"seconds", 5.0},
          {"joules", joules},
          {"bound", 0.01 * joules},
          {"calls", 100},
          {"seconds_per_call", seconds},
          {"method", "counter"},
          {"peak_watts", 250.0}};
}

Json energy_of(const Json& trials) {
  return {{"boundary", "CPU packages"},
          {"meters",
           {{{"id", "package-0"}, {"primary", true}, {"systematic", 0.05}},
            {{"id", "core-0"}, {"primary", false}, {"systematic", 0.5}}}},
          {"idle",
           {{"cold", {{"package-0", {{"watts", 40.0}}}}},
            {"loaded", {{"package-0", {{"watts", 60.0}}}}}}},
          {"phases", {{"forward", {{"trials", trials}}}}}};
}

Metric find(const Metrics& metrics, const std::string& name) {
  for (const auto& [known, metric] : metrics) {
    if (known == name) return metric;
  }
  ADD_FAILURE() << "no metric " << name;
  return {};
}

Metrics metrics_of(const Json& energy) {
  Metrics metrics = {
      {"latency", results::measured(0.02, "s", results::Source::kTimed)},
      {"throughput.token", results::measured(6400, "token/s", results::Source::kTimed)},
      {"flops_rate", results::measured(1e12, "FLOP/s", results::Source::kTimed)}};
  add_energy(energy, {"forward", {{"token", 128}}, nullptr}, metrics);
  return metrics;
}

TEST(Energy_Metrics, gross_net_power_and_ratios_follow_from_the_trials) {
  const Metrics metrics = metrics_of(energy_of(
      {trial_of(4.0, 0.02), trial_of(4.1, 0.02), trial_of(3.9, 0.02), trial_of(4.0, 0.02)}));
  const Metric gross = find(metrics, "energy.gross");
  EXPECT_NEAR(*gross.value, 4.0, 1e-12);
  EXPECT_EQ(gross.source, results::Source::kCounter);
  EXPECT_EQ(gross.interval, results::IntervalKind::kBetweenTrials);
  EXPECT_EQ(gross.n, 4);
  // t(0.975; 3) = 3.182446, sd = 0.0816497
  EXPECT_NEAR(gross.ci95->high, 4.0 + 3.182446 * 0.0816497 / 2, 1e-6);
  EXPECT_EQ(gross.systematic, 0.05);
  EXPECT_NEAR(*gross.quantisation, 0.01, 1e-12);
  EXPECT_NEAR(*find(metrics, "energy.net").value, 4.0 - 60 * 0.02, 1e-12);
  EXPECT_NEAR(*find(metrics, "power.mean").value, 200, 1e-9);
  EXPECT_EQ(*find(metrics, "power.peak").value, 250);
  EXPECT_EQ(*find(metrics, "power.idle").value, 60);
  EXPECT_EQ(*find(metrics, "power.cold_idle").value, 40);
  EXPECT_NEAR(*find(metrics, "energy_per_token.net").value, 2.8 / 128, 1e-12);
  EXPECT_EQ(find(metrics, "energy_per_token.net").unit, "J/token");
  EXPECT_NEAR(*find(metrics, "token_per_joule").value, 32, 1e-9);
  EXPECT_NEAR(*find(metrics, "throughput_per_watt.token").value, 32, 1e-9);
  EXPECT_NEAR(*find(metrics, "flops_per_joule").value, 5e9, 1);
  EXPECT_EQ(find(metrics, "energy_per_token.gross").systematic, 0.05);
}

TEST(Energy_Metrics, without_sensors_every_value_is_null_with_the_reason_and_the_advice) {
  const Metrics metrics =
      metrics_of({{"reason", "no RAPL here"}, {"enable", "sudo modprobe intel_rapl_msr"}});
  int checked = 0;
  for (const auto& [name, metric] : metrics) {
    if (metric.value) continue;
    ++checked;
    EXPECT_NE(metric.reason.find("no RAPL here"), std::string::npos) << name;
    EXPECT_EQ(metric.enable, "sudo modprobe intel_rapl_msr") << name;
  }
  EXPECT_EQ(checked, 11);
}

TEST(Energy_Metrics, without_idle_power_there_is_no_net_energy) {
  Json energy = energy_of(Json::array({trial_of(4.0, 0.02)}));
  energy["idle"]["loaded"] = {{"package-0", {{"reason", "too short"}}}};
  const Metrics metrics = metrics_of(energy);
  EXPECT_TRUE(find(metrics, "energy.gross").value);
  EXPECT_FALSE(find(metrics, "energy.gross").ci95);
  EXPECT_EQ(find(metrics, "energy.net").reason, "too short");
  EXPECT_EQ(find(metrics, "power.idle").reason, "too short");
}

TEST(Energy_Metrics, trials_too_short_for_the_sensor_give_null_and_never_zero) {
  const Metrics metrics = metrics_of(energy_of(
      {{{"joules", nullptr}, {"reason", "package-0: the window of 0.05 s is shorter than …"}}}));
  const Metric gross = find(metrics, "energy.gross");
  EXPECT_FALSE(gross.value);
  EXPECT_NE(gross.reason.find("shorter"), std::string::npos);
  EXPECT_NE(gross.enable.find("--energy-window"), std::string::npos);
}

TEST(Traffic_Metrics, counted_bytes_stand_beside_the_model) {
  const Json cost = {{"bytes", 1e9}};
  Metrics metrics = {{"latency", results::measured(0.01, "s", results::Source::kTimed)}};
  const Json traffic = Json::parse(R"({"domains":[
      {"id":"r","kind":"traffic","scope":"dram"},{"id":"w","kind":"traffic","scope":"dram"},
      {"id":"sm","kind":"activity","scope":"sm"},{"id":"p","kind":"traffic","scope":"pcie_rx"}],
    "phases":{"forward":{"runs":[{"values":{"r":9e8,"w":2e8,"sm":0.005,"p":null}},
                                 {"values":{"r":9e8,"w":2e8,"sm":0.005,"p":3}}]}}})");
  add_traffic(traffic, {"forward", {}, &cost}, metrics);
  EXPECT_NEAR(*find(metrics, "traffic.dram").value, 1.1e9, 1);
  EXPECT_EQ(find(metrics, "traffic.dram").source, results::Source::kCounter);
  EXPECT_NEAR(*find(metrics, "bandwidth.dram").value, 1.1e11, 1e3);
  EXPECT_NEAR(*find(metrics, "traffic.dram.over_model").value, 1.1, 1e-9);
  EXPECT_NEAR(*find(metrics, "activity.sm").value, 0.5, 1e-9);
  // Not read once: that run does not count as nothing.
  EXPECT_EQ(*find(metrics, "traffic.pcie_rx").value, 3);
}

TEST(Traffic_Metrics, instructions_alone_leave_the_bytes_to_the_model_and_say_why) {
  const Json cost = {{"bytes", 1e9}};
  Metrics metrics = {{"latency", results::measured(0.01, "s", results::Source::kTimed)}};
  const Json traffic =
      Json::parse(R"({"domains":[{"id":"i","kind":"events","scope":"instructions"}],
    "dram":{"reason":"no uncore","enable":"sudo x"},
    "phases":{"forward":{"runs":[{"values":{"i":4e9}},{"values":{"i":6e9}}]}}})");
  add_traffic(traffic, {"forward", {}, &cost}, metrics);
  EXPECT_EQ(*find(metrics, "events.instructions").value, 5e9);
  EXPECT_EQ(find(metrics, "traffic.dram").source, results::Source::kModelled);
  EXPECT_EQ(find(metrics, "bandwidth.dram").reason, "no uncore");
  EXPECT_EQ(find(metrics, "bandwidth.dram").enable, "sudo x");
}

TEST(Traffic_Metrics, without_counters_bytes_are_modelled_and_bandwidth_is_null) {
  const Json cost = {{"bytes", 1e9}};
  Metrics metrics = {{"latency", results::measured(0.01, "s", results::Source::kTimed)}};
  add_traffic({{"reason", "virtual machine"}, {"enable", "measure on bare metal"}},
              {"forward", {}, &cost}, metrics);
  EXPECT_EQ(find(metrics, "traffic.dram").source, results::Source::kModelled);
  EXPECT_FALSE(find(metrics, "bandwidth.dram").value);
  EXPECT_EQ(find(metrics, "bandwidth.dram").enable, "measure on bare metal");
}

TEST(Energy_Flags, disagreeing_sensors_resets_and_heat_are_told) {
  Json energy = energy_of({{{"seconds", 5.0},
                            {"joules", 4.0},
                            {"meters", {{"package-0", {{"had_reset", true}}}}},
                            {"state",
                             {{"t",
                               {{"kind", "temperature"},
                                {"scope", "package"},
                                {"device", ""},
                                {"start", 40.0},
                                {"end", 71.0}}},
                              {"x",
                               {{"kind", "throttle_time"},
                                {"scope", "hw_thermal"},
                                {"device", ""},
                                {"start", 0},
                                {"end", 1.0}}}}}}});
  energy["meters"][0]["calibration"] = {
      {{"id", "package-0"}, {"cross_check", 0.5}, {"valid", false}}};
  std::vector<std::string> ids;
  for (const results::Flag& flag : energy_flags(energy)) ids.push_back(flag.id);
  EXPECT_EQ(ids, (std::vector<std::string>{"sensor_disagrees", "counter_reset", "temperature_drift",
                                           "throttled"}));
  Json& state = energy["phases"]["forward"]["trials"][0]["state"];
  const auto with = [&](const char* device) {
    return Json{
        {"kind", "clock"}, {"scope", "sm"}, {"device", device}, {"start", 2e9}, {"end", 1.7e9}};
  };
  state["a"] = with("0000:17:00.0");
  state["b"] = with("0000:65:00.0");
  EXPECT_EQ(energy_flags(energy).size(), 6u);  // a flag for each of the two devices
  energy["meters"][0]["calibration"][0]["cross_check"] = nullptr;
  EXPECT_NE(energy_flags(energy).front().detail.find("stood still"), std::string::npos);
  energy["meters"][0]["primary"] = false;
  EXPECT_EQ(energy_flags(energy).front().id, "counter_reset");
  EXPECT_TRUE(energy_flags({{"reason", "none"}}).empty());
}

TEST(Energy_Timeline, keeps_all_readings_of_a_domain_in_one_series) {
  Host host(kHost);
  PowerTimeline timeline;
  timeline.add(host.read(1));
  timeline.add(host.read(2));
  timeline.mark("forward, trial 1", {ns_of(0.5), ns_of(1.5)});
  const Json json = timeline.to_json();
  ASSERT_EQ(json.at("series").size(), host.plan.channels.size());
  const Json& first = json.at("series")[0];
  EXPECT_EQ(first.at("seconds").size(), first.at("values").size());
  EXPECT_NEAR(first.at("seconds").back().get<double>(), 2, 0.1);
  EXPECT_EQ(json.at("marks")[0].at("begin"), 0.5);
}

}  // namespace
}  // namespace ridgeline::measure
