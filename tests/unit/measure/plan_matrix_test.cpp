// Expansion to cases, their ids, and the order in which they run.
#include "measure/matrix.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "measure/schedule.hpp"

namespace ridgeline::measure {
namespace {

Plan plan_of(std::vector<std::string> models) {
  Plan plan;
  plan.models = std::move(models);
  return plan;
}

Workload workload_of(std::int64_t batch, std::optional<std::int64_t> sequence,
                     std::vector<std::string> texts = {}) {
  Workload workload;
  workload.batch = batch;
  workload.sequence = sequence;
  workload.texts = std::move(texts);
  return workload;
}

TEST(Measure_Matrix, makes_every_combination_once) {
  Plan plan = plan_of({"a", "b", "a"});
  plan.dtypes = {"float32", "bfloat16"};
  plan.threads = {1, 2, 2};
  plan.knobs = {{"attention", {std::string("flash"), std::string("math")}}};
  plan.batch = {1, 8, 1};
  plan.sequence = {128, 512};
  const auto matrix = expand(plan, {});
  ASSERT_TRUE(matrix) << matrix.error().line();
  EXPECT_EQ(matrix->configurations.size(), 2u * 2 * 2 * 2);
  EXPECT_EQ(matrix->case_count(), 16u * 4);
  std::set<std::string> ids;
  for (const auto& entry : matrix->configurations) {
    ids.insert(entry.id);
    for (const auto& one : entry.cases) ids.insert(one.id);
  }
  EXPECT_EQ(ids.size(), 16u + 64);
  const Configuration& first = matrix->configurations.front().configuration;
  EXPECT_EQ(first.model, "a");
  EXPECT_EQ(first.threads, 1);
  EXPECT_EQ(first.knobs, (std::vector<Knob>{{"attention", std::string("flash")}}));
}

TEST(Measure_Matrix, takes_the_workload_of_the_model_when_none_is_given) {
  PlanContext context;
  context.defaults_of_model = [](const std::string& model) {
    WorkloadDefaults defaults;
    if (model != "known") return defaults;
    defaults.batch = 4;
    defaults.sequence = 64;
    defaults.depth = 512;
    return defaults;
  };
  const auto matrix = expand(plan_of({"known", "other"}), context);
  ASSERT_TRUE(matrix);
  Workload known = workload_of(4, 64);
  known.depth = 512;
  EXPECT_EQ(matrix->configurations[0].cases[0].workload, known);
  EXPECT_EQ(matrix->configurations[1].cases[0].workload, workload_of(1, 128));
  Plan plan = plan_of({"known"});
  plan.batch = {2};
  known.batch = 2;
  EXPECT_EQ(expand(plan, context)->configurations[0].cases[0].workload, known);
}

TEST(Measure_Matrix, makes_texts_the_batch) {
  Plan plan = plan_of({"a"});
  plan.texts = {"x", "y", "z"};
  const auto matrix = expand(plan, {});
  ASSERT_TRUE(matrix);
  EXPECT_EQ(matrix->configurations[0].cases[0].workload,
            workload_of(3, std::nullopt, {"x", "y", "z"}));
  EXPECT_TRUE(matrix->notes.empty());
}

TEST(Measure_Matrix, repeats_texts_and_notes_those_left_out) {
  Plan plan = plan_of({"a"});
  plan.texts = {"x", "y"};
  plan.batch = {1, 5};
  const auto matrix = expand(plan, {});
  ASSERT_TRUE(matrix);
  const auto& cases = matrix->configurations[0].cases;
  EXPECT_EQ(wire_workload(cases[0].workload).dump(), R"({"batch":1,"sequence":null,"text":["x"]})");
  EXPECT_EQ(wire_workload(cases[1].workload).at("text").dump(), R"(["x","y","x","y","x"])");
  EXPECT_EQ(to_json(cases[1].workload).at("text").dump(), R"(["x","y"])");
  ASSERT_EQ(matrix->notes.size(), 1u);
  EXPECT_EQ(matrix->notes[0], "batch 1 takes the first 1 of 2 texts");
}

TEST(Measure_Matrix, has_a_cap_on_cases) {
  Plan plan = plan_of({"a"});
  for (std::int64_t i = 1; i <= 100; ++i) plan.batch.push_back(i);
  for (std::int64_t i = 1; i <= 100; ++i) plan.sequence.push_back(i);
  EXPECT_EQ(expand(plan, {})->case_count(), kMaxCases);
  plan.sequence.push_back(101);
  const auto matrix = expand(plan, {});
  ASSERT_FALSE(matrix);
  EXPECT_NE(matrix.error().line().find("10100 cases, more than the limit of 10000"),
            std::string::npos)
      << matrix.error().line();
}

TEST(Measure_Matrix, refuses_a_product_that_overflows_at_once) {
  Plan plan = plan_of({"a"});
  for (std::int64_t i = 1; i <= 4096; ++i) plan.threads.push_back(i);
  for (int i = 0; i < 20; ++i) {
    KnobChoice choice{"k" + std::to_string(i), {}};
    for (std::int64_t v = 0; v < 4096; ++v) choice.values.emplace_back(v);
    plan.knobs.push_back(choice);
  }
  EXPECT_FALSE(expand(plan, {}));
}

TEST(Measure_Matrix, refuses_texts_that_no_message_can_hold) {
  Plan plan = plan_of({"a"});
  plan.texts = {std::string(1 << 20, 'x')};
  plan.batch = {3};
  EXPECT_FALSE(expand(plan, {}));
  plan.batch = {1 << 20};
  plan.texts = {"x"};
  EXPECT_FALSE(expand(plan, {}));
  plan.texts = {std::string(1 << 20, 'x')};
  plan.batch = {1, 2};
  for (std::int64_t i = 1; i <= 200; ++i) plan.threads.push_back(i);
  EXPECT_FALSE(expand(plan, {}));
}

TEST(Measure_Matrix, describes_cases_and_totals) {
  Plan plan = plan_of({"bert-base"});
  plan.threads = {2};
  plan.optimize_auto = false;
  const auto matrix = expand(plan, {});
  const std::string id = matrix->configurations[0].cases[0].id;
  EXPECT_EQ(describe(plan, *matrix),
            id + "  native bert-base float32 cpu threads=2 optimize=none  batch=1 sequence=128\n"
                 "1 case of 1 configuration, 5 invocations each: 5 worker starts, budget 60s\n");
}

TEST(Measure_CaseId, is_stable_and_tells_everything_apart) {
  Configuration configuration;
  configuration.engine = "native";
  configuration.model = "bert-base";
  configuration.weights = "auto";
  configuration.dtype = "float32";
  configuration.device = "cpu";
  const Workload workload = workload_of(1, 128);
  EXPECT_EQ(load_fields(configuration).contains("mode"), false);
  // A change of these breaks resuming and comparing with older runs.
  EXPECT_EQ(id_of(configuration), "24afc94ac2610fed");
  EXPECT_EQ(case_id(configuration, workload), "b5c4febcf82b5ad3");

  std::set<std::string> ids = {id_of(configuration)};
  const auto expect_new = [&](auto change) {
    Configuration other = configuration;
    change(other);
    EXPECT_TRUE(ids.insert(id_of(other)).second) << to_json(other).dump();
  };
  expect_new([](Configuration& c) { c.engine = "x"; });
  expect_new([](Configuration& c) { c.model = "x"; });
  expect_new([](Configuration& c) { c.architecture = "x"; });
  expect_new([](Configuration& c) { c.weights = "x"; });
  expect_new([](Configuration& c) { c.dtype = "x"; });
  expect_new([](Configuration& c) { c.device = "x"; });
  expect_new([](Configuration& c) { c.threads = 1; });
  expect_new([](Configuration& c) { c.cores = "0"; });
  expect_new([](Configuration& c) { c.seed = 1; });
  expect_new([](Configuration& c) { c.optimize_auto = false; });
  expect_new([](Configuration& c) { c.knobs = {{"a", true}}; });
  expect_new([](Configuration& c) { c.knobs = {{"a", std::int64_t{1}}}; });
  expect_new([](Configuration& c) { c.knobs = {{"a", std::string("1")}}; });
  std::set<std::string> cases;
  for (const Workload& one :
       {workload, workload_of(2, 128), workload_of(1, 64), workload_of(1, std::nullopt, {"a"}),
        workload_of(1, std::nullopt, {"b"})}) {
    EXPECT_TRUE(cases.insert(case_id(configuration, one)).second);
  }
}

TEST(Measure_Matrix, spreads_over_depths_and_lets_a_flag_replace_a_default) {
  Plan plan = plan_of({"a"});
  plan.depth = {128, 512};
  plan.new_tokens = {8};
  const auto matrix = expand(plan, {});
  ASSERT_TRUE(matrix);
  ASSERT_EQ(matrix->configurations[0].cases.size(), 2u);
  EXPECT_EQ(describe(matrix->configurations[0].cases[1].workload),
            "batch=1 sequence=128 depth=512 new_tokens=8");
}

TEST(Measure_Matrix, makes_pictures_and_texts_one_batch_and_asks_for_no_size_of_them) {
  Plan plan = plan_of({"a"});
  plan.texts = {"x", "y", "z"};
  plan.images = {"/p.png"};
  plan.image_size = {};
  const PlanContext context{.models_of_suite = {}, .defaults_of_model = [](const std::string&) {
                              WorkloadDefaults defaults;
                              defaults.image_size = 224;
                              return defaults;
                            }};
  const auto matrix = expand(plan, context);
  ASSERT_TRUE(matrix);
  const Workload& workload = matrix->configurations[0].cases[0].workload;
  EXPECT_EQ(workload.batch, 3);
  EXPECT_EQ(workload.image_size, std::nullopt);
  EXPECT_EQ(to_line(wire_workload(workload).at("image")), "[\"/p.png\",\"/p.png\",\"/p.png\"]");
}

TEST(Measure_Configuration, speaks_to_the_worker) {
  Configuration configuration;
  configuration.model = "m";
  configuration.weights = "auto";
  configuration.dtype = "float32";
  configuration.device = "cpu";
  configuration.threads = 2;
  configuration.knobs = {{"attention", knob_value_from_text("flash")},
                         {"streams", knob_value_from_text("4")},
                         {"verbose", knob_value_from_text("true")},
                         {"zip", knob_value_from_text("007")}};
  EXPECT_EQ(load_fields(configuration).dump(),
            R"({"model":"m","architecture":null,"weights":"auto","dtype":"float32","device":"cpu",)"
            R"("seed":0,"optimize_auto":true,"optimizations":[{"id":"threads","value":2},)"
            R"({"id":"attention","value":"flash"},{"id":"streams","value":4},)"
            R"({"id":"verbose","value":true},{"id":"zip","value":"007"}]})");
}

TEST(Measure_Configuration, sends_a_mode_and_the_config_of_a_preset) {
  Configuration configuration;
  configuration.engine = "transformers:compile";
  configuration.model = "bert-base";
  const Json fields = load_fields(configuration);
  EXPECT_EQ(fields.at("mode"), "compile");
  EXPECT_EQ(fields.at("architecture"), "BertModel");
  EXPECT_EQ(fields.at("config").at("model_type"), "bert");
  EXPECT_EQ(fields.at("config").at("hidden_size"), 768);
  configuration.architecture = "BertForMaskedLM";
  EXPECT_EQ(load_fields(configuration).at("architecture"), "BertForMaskedLM");
  configuration.model = "/some/folder";
  EXPECT_FALSE(load_fields(configuration).contains("config"));
}

TEST(Measure_Configuration, carries_the_python_of_its_engine_outside_its_id) {
  Plan plan = plan_of({"a"});
  plan.engine_python = "/venv/bin/python";
  const Configuration with = expand(plan, {})->configurations[0].configuration;
  EXPECT_EQ(with.engine_python, "/venv/bin/python");
  plan.engine_python.clear();
  EXPECT_EQ(id_of(with), expand(plan, {})->configurations[0].id);
}

TEST(Measure_Schedule, runs_the_engines_of_a_case_next_to_each_other) {
  Plan plan = plan_of({"a", "b", "c"});
  plan.engines = {"native", "transformers", "transformers:compile"};
  plan.dtypes = {"float32", "bfloat16"};
  const Matrix matrix = *expand(plan, {});
  std::set<std::string> first_engines;
  for (plan.seed = 0; plan.seed < 20; ++plan.seed) {
    const auto order = schedule(plan, matrix, 0);
    ASSERT_EQ(order.size(), 18u);
    for (std::size_t i = 0; i < order.size(); i += 3) {
      std::set<std::string> engines;
      std::set<std::string> rest;
      for (std::size_t j = i; j < i + 3; ++j) {
        const Configuration& one = matrix.configurations[order[j]].configuration;
        engines.insert(one.engine);
        rest.insert(one.model + " " + one.dtype);
      }
      EXPECT_EQ(engines.size(), 3u);
      EXPECT_EQ(rest.size(), 1u);
    }
    first_engines.insert(matrix.configurations[order[0]].configuration.engine);
    auto second = schedule(plan, matrix, 1);
    std::reverse(second.begin(), second.end());
    EXPECT_EQ(second, order);
  }
  EXPECT_EQ(first_engines.size(), 3u);
}

TEST(Measure_Schedule, alternates_forward_and_reverse) {
  Plan plan = plan_of({"a", "b", "c", "d", "e"});
  plan.seed = 3;
  const Matrix matrix = *expand(plan, {});
  auto first = schedule(plan, matrix, 0);
  auto second = schedule(plan, matrix, 1);
  EXPECT_EQ(schedule(plan, matrix, 2), first);
  EXPECT_NE(first, second);
  std::reverse(second.begin(), second.end());
  EXPECT_EQ(second, first);
  std::sort(first.begin(), first.end());
  EXPECT_EQ(first, (std::vector<std::size_t>{0, 1, 2, 3, 4}));
}

TEST(Measure_Schedule, is_the_same_on_every_platform) {
  EXPECT_EQ(shuffled(8, 0), (std::vector<std::size_t>{2, 5, 0, 3, 4, 6, 1, 7}));
  EXPECT_TRUE(shuffled(0, 1).empty());
  EXPECT_EQ(shuffled(1, 1), std::vector<std::size_t>{0});
}

TEST(Measure_Schedule, puts_every_order_out_equally_often) {
  std::vector<int> counts(6);
  for (std::uint64_t seed = 0; seed < 6000; ++seed) {
    const auto order = shuffled(3, seed);
    ++counts[order[0] * 2 + (order[1] > order[2] ? 1 : 0)];
  }
  // 1000 each is expected with a standard deviation of 29.
  for (const int count : counts) EXPECT_NEAR(count, 1000, 150);
}

TEST(Measure_Schedule, orders_workloads_by_seed_configuration_and_invocation) {
  const auto order = workload_order(50, 0, "aa", 0);
  EXPECT_EQ(workload_order(50, 0, "aa", 0), order);
  EXPECT_NE(workload_order(50, 1, "aa", 0), order);
  EXPECT_NE(workload_order(50, 0, "bb", 0), order);
  EXPECT_NE(workload_order(50, 0, "aa", 1), order);
}

}  // namespace
}  // namespace ridgeline::measure
