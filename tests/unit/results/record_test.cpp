// Records as they are built, flattened and approved.
#include "results/record.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "base/file.hpp"

namespace ridgeline::results {
namespace {

Json json_of(std::string_view text) {
  return *parse_json(text, "test");
}

constexpr const char* kWorkload = R"({"batch":2,"sequence":null,"text":["a","b"]})";
constexpr const char* kConfiguration =
    R"({"engine":"scripted","model":"m","architecture":null,"weights":"auto","dtype":"float32",)"
    R"("device":"cpu","threads":2,"cores":"0-1","seed":0})";
constexpr const char* kModel =
    R"({"reference":"m","family":"bert","modality":"text","architecture":"BertModel","task":null,)"
    R"("parameters":110,"weights":{"source":"synthetic","bytes":440,"path":null},)"
    R"("revision":null,"dtype":"float32"})";

Invocation sample_invocation() {
  InvocationPhase phase;
  phase.name = "forward";
  phase.warmup = WarmUp{12, 0.5, true};
  phase.n = 100;
  phase.median = 0.01;
  phase.first_call = 0.2;
  phase.stop_rule = StopRule::kPrecision;
  phase.samples = "samples/0123456789abcdef/0-forward.bin";
  phase.first_row = 12;
  phase.end_row = 112;
  phase.drift = -0.001;
  Invocation invocation;
  invocation.stages = {{"spawn", 0.001}, {"library", 0.5}};
  invocation.order = {"0123456789abcdef"};
  invocation.phases = {phase};
  invocation.resident_peak = 1 << 20;
  invocation.log = "logs/fedcba9876543210-0.log";
  return invocation;
}

PhaseResult sample_phase() {
  const Metric latency = with_interval(measured(0.01, "s", Source::kTimed, 5), 0.0099, 0.0101,
                                       IntervalKind::kBetweenInvocations);
  const Metric items = measured(2, "sequence", Source::kTracked);
  const auto quotient = [](const std::vector<double>& v) { return v[0] / v[1]; };
  PhaseResult phase;
  phase.name = "forward";
  phase.unit = "sequence";
  phase.items = {{"sequence", 2}, {"token", 256}};
  phase.metrics = {
      {"latency", latency},
      {"latency.p99", absent("s", "needs 299 samples, has 100", {}, Source::kTimed)},
      {"throughput.sequence",
       derived("sequence/s", {{"workload.batch", items}, {"forward.latency", latency}}, quotient)},
      {"energy.gross", absent("J", "no energy sensor is read")}};
  return phase;
}

RecordBuilder whole() {
  RecordBuilder builder("0123456789abcdef", "ridgeline run m");
  builder.set_program("0.1.0", json_of(R"({"compiler":"g++ 12.2"})"));
  builder.set_machine(json_of(R"({"cpu":{"model":"test"}})"));
  builder.set_engine(json_of(R"({"name":"scripted","version":"1","versions":{"torch":"none"}})"));
  builder.set_model(json_of(kModel));
  builder.set_workload(json_of(kWorkload), json_of(R"({"digest":"aa","synthetic":false})"));
  builder.set_configuration(json_of(kConfiguration));
  builder.set_optimizations(json_of(
      R"([{"id":"threads","requested":2,"applied":true,"value":2,"lossless":true,"reason":""},)"
      R"({"id":"flash","requested":true,"applied":false,"value":null,"lossless":true,)"
      R"("reason":"not on cpu"}])"));
  builder.set_outcome({});
  builder.add_invocation(sample_invocation());
  builder.add_phase(sample_phase());
  builder.set_load({{"total", measured(0.6, "s", Source::kTimed, 5)}});
  builder.set_cost(json_of(R"({"forward":{"flops":1000,"flops_minimum":900,)"
                           R"("flops_elementwise":10,"bytes":500,"bytes_unfused":800,)"
                           R"("parameters":110,"ops":[{"op":"linear"}]}})"));
  builder.set_ceilings(
      json_of(R"({"measured":null,"reason":"none were measured","enable":"ridgeline peaks",)"
              R"("datasheet":{"name":"Test GPU","rates":{}}})"));
  builder.set_memory({{"weights", measured(440, "B", Source::kTracked)}});
  builder.set_stop({5, 5, StopSummary::EndedBy::kPlan, 0.02, true});
  builder.add_flag({"drift", Flag::Severity::kWarn, "3 % in invocation 2", "close other programs"});
  builder.set_harness("timing", json_of(R"({"wall_seconds":2,"cpu_seconds":0.25,"wakeups":9})"));
  builder.set_digests("aa", "bb");
  builder.set_samples("samples/0123456789abcdef");
  return builder;
}

RecordBuilder crashed() {
  RecordBuilder builder("00000000000000ff", "ridgeline run m");
  builder.set_program("0.1.0", json_of("null"));
  builder.set_machine(Json::object());
  builder.set_workload(json_of(kWorkload), json_of("null"));
  builder.set_configuration(json_of(kConfiguration));
  const Outcome outcome =
      Outcome::failed({ErrorClass::kCrash, "the worker died of\nsignal 11", "see its log"});
  builder.set_outcome(outcome);
  Invocation invocation;
  invocation.outcome = outcome;
  builder.add_invocation(invocation);
  builder.set_stop({5, 1, StopSummary::EndedBy::kFailures, 0.02, std::nullopt});
  return builder;
}

// The approved file is also checked against docs/record.schema.json, by tests/system.
TEST(Results_Record, equals_the_approved_records) {
  std::string lines;
  for (const RecordBuilder& builder : {whole(), crashed()}) {
    auto record = builder.build();
    ASSERT_TRUE(record) << record.error().line();
    EXPECT_EQ(record->at("created").get<std::string>().size(), 20u);
    record->at("created") = "2026-01-31T12:00:00Z";
    lines += to_line(*record) + "\n";
  }
  const std::string path = RIDGELINE_SOURCE_DIR "/tests/unit/results/approved.jsonl";
  const auto approved = read_text_file(path);
  ASSERT_TRUE(approved) << approved.error().line();
  EXPECT_EQ(lines, *approved) << "if the change is meant, put the new text into " << path;
}

TEST(Results_Record, says_synthetic_unless_weights_come_from_a_checkpoint) {
  for (const char* source : {"checkpoint", "synthetic", "meta", "new"}) {
    RecordBuilder builder = whole();
    Json model = json_of(kModel);
    model["weights"]["source"] = source;
    builder.set_model(model);
    EXPECT_EQ(builder.build()->at("model").at("synthetic"), std::string(source) != "checkpoint");
  }
}

TEST(Results_Record, is_refused_without_a_required_part) {
  RecordBuilder builder("0123456789abcdef", "x");
  const auto record = builder.build();
  ASSERT_FALSE(record);
  EXPECT_EQ(record.error().error_class, ErrorClass::kInternal);
  EXPECT_NE(record.error().message.find("'ridgeline'"), std::string::npos);
}

TEST(Results_Record, makes_hostile_text_and_numbers_harmless) {
  RecordBuilder builder = whole();
  Json engine = {{"name", "a\xff"}, {"version", "1"}, {"versions", Json::object()}};
  builder.set_engine(engine);
  builder.set_harness("timing", Json{{"cpu_seconds", std::nan("")}});
  const auto record = builder.build();
  ASSERT_TRUE(record);
  EXPECT_EQ(record->at("engine").at("name"), Json("a\ufffd"));
  EXPECT_TRUE(record->at("validity").at("harness").at("timing").at("cpu_seconds").is_null());
  builder.set_engine(json_of("3"));
  builder.set_model(json_of("[]"));
  EXPECT_TRUE(builder.build());
}

TEST(Results_Flatten, names_every_metric_in_full) {
  const auto flat = flatten(*whole().build(), "record");
  ASSERT_TRUE(flat) << flat.error().line();
  std::vector<std::string> names;
  for (const NamedMetric& one : *flat) names.push_back(one.name);
  EXPECT_EQ(names,
            (std::vector<std::string>{
                "forward.latency", "forward.latency.p99", "forward.throughput.sequence",
                "forward.energy.gross", "load.total", "memory.weights", "cost.forward.flops",
                "cost.forward.flops_minimum", "cost.forward.flops_elementwise",
                "cost.forward.bytes", "cost.forward.bytes_unfused", "cost.forward.parameters"}));
  EXPECT_EQ((*flat)[0].metric.value, 0.01);
  EXPECT_EQ((*flat)[6].metric.unit, "FLOP");
  EXPECT_EQ((*flat)[6].metric.source, Source::kModelled);
}

TEST(Results_Flatten, refuses_records_that_are_broken) {
  for (const char* text :
       {"[]", "1", R"({"phases":{}})", R"({"phases":[1]})", R"({"phases":[{"name":1}]})",
        R"({"phases":[{"name":"f","metrics":[]}]})",
        R"({"phases":[{"name":"f","metrics":{"latency":{"value":null,"unit":"s"}}}]})",
        R"({"load":[]})", R"({"memory":{"metrics":{"a":1}}})", R"({"cost":[]})"}) {
    const auto flat = flatten(json_of(text), "r.jsonl:3");
    ASSERT_FALSE(flat) << text;
    EXPECT_NE(flat.error().message.find("r.jsonl:3"), std::string::npos) << flat.error().line();
  }
  EXPECT_TRUE(flatten(json_of("{}"), "x")->empty());
}

TEST(Results_Outcome, survives_json) {
  const Outcome outcome = Outcome::partial({ErrorClass::kOomHost, "no memory", "smaller batch"});
  const auto again = outcome_from_json(to_json(outcome), "x");
  ASSERT_TRUE(again);
  EXPECT_EQ(again->status, Outcome::Status::kPartial);
  EXPECT_EQ(again->error->error_class, ErrorClass::kOomHost);
  EXPECT_EQ(again->error->remedy, "smaller batch");
  EXPECT_FALSE(outcome_from_json(json_of(R"({"status":"fine"})"), "x"));
  EXPECT_FALSE(outcome_from_json(json_of("[]"), "x"));
}

}  // namespace
}  // namespace ridgeline::results
