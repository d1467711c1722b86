// Plans from flags and files: layering, resolving, storing, and the errors users see.
#include "measure/plan.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "base/file.hpp"
#include "measure/matrix.hpp"
#include "measure/plan_file.hpp"
#include "measure/plan_keys.hpp"

namespace ridgeline::measure {
namespace {

Result<Plan> from_toml(std::string_view text, const std::vector<Assignment>& flags = {}) {
  RIDGELINE_TRY(const auto file, parse_plan(text, "plan.toml"));
  return make_plan(file, flags);
}

std::string error_of(const Result<Plan>& plan) {
  return plan ? "no error" : plan.error().line();
}

bool contains(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

Assignment flag(std::string key, std::vector<std::string> values) {
  std::string where = flag_of(key);
  return {std::move(key), std::move(values), std::move(where)};
}

constexpr std::string_view kWhole = R"(
models = ["bert-base", "/models/a,b"]
suite = "quick"
engine = "native,transformers:compile"
engine_python = "venv/bin/python"
baseline = "native"
architecture = ["BertModel"]
weights = "synthetic"
dtype = ["float32", "bfloat16"]
device = "cpu"
threads = [1, "2-8*2"]
cores = ["3,0-2", "4-7"]
batch = "1-8*2"
sequence = [128, 512]
invocations = 3
budget = "2m"
precision = 0.01
phase_time = "2s"
warmup = "1500ms"
seed = 7
output = "out"
metrics = "time,memory"
sensors = ["nvml", "rapl"]
energy_window = "20s"
energy_trials = 6
busy = "wait"
strict = true

[optimize]
auto = true
prepack = true
attention = ["flash", "math"]
)";

TEST(Measure_Plan, reads_every_key_of_a_file) {
  const auto plan = from_toml(kWhole);
  ASSERT_TRUE(plan) << error_of(plan);
  Plan wanted;
  wanted.models = {"bert-base", "/models/a,b"};
  wanted.suite = "quick";
  wanted.engines = {"native", "transformers:compile"};
  wanted.engine_python = "venv/bin/python";
  wanted.baseline = "native";
  wanted.architectures = {"BertModel"};
  wanted.weights = {"synthetic"};
  wanted.dtypes = {"float32", "bfloat16"};
  wanted.threads = {1, 2, 4, 8};
  wanted.cores = {"0-3", "4-7"};
  wanted.batch = {1, 2, 4, 8};
  wanted.sequence = {128, 512};
  wanted.optimize_auto = true;
  wanted.knobs = {{"attention", {std::string("flash"), std::string("math")}}, {"prepack", {true}}};
  wanted.invocations = 3;
  wanted.budget_ns = 120 * kNsPerSecond;
  wanted.precision = 0.01;
  wanted.phase_time_ns = 2'000'000'000;
  wanted.warmup_ns = 1'500'000'000;
  wanted.seed = 7;
  wanted.output = "out";
  wanted.metrics = {"time", "memory"};
  wanted.sensors = {"nvml", "rapl"};
  wanted.energy_window_ns = 20 * kNsPerSecond;
  wanted.energy_trials = 6;
  wanted.busy = "wait";
  wanted.strict = true;
  EXPECT_EQ(*plan, wanted) << to_json(*plan).dump(1);
}

TEST(Measure_Plan, reads_the_same_from_flags) {
  const std::vector<Assignment> flags = {
      flag("models", {"bert-base", "/models/a,b"}),
      flag("suite", {"quick"}),
      flag("engine", {"native", "transformers:compile"}),
      flag("engine_python", {"venv/bin/python"}),
      flag("baseline", {"native"}),
      flag("architecture", {"BertModel"}),
      flag("weights", {"synthetic"}),
      flag("dtype", {"float32,bfloat16"}),
      flag("device", {"cpu"}),
      flag("threads", {"1", "2-8*2"}),
      flag("cores", {"0-3/4-7"}),
      flag("batch", {"1-8*2"}),
      flag("sequence", {"128,512"}),
      flag("invocations", {"3"}),
      flag("budget", {"120s"}),
      flag("precision", {"1%"}),
      flag("phase_time", {"2s"}),
      flag("warmup", {"1.5s"}),
      flag("seed", {"7"}),
      flag("output", {"out"}),
      flag("metrics", {"time", "memory"}),
      flag("sensors", {"nvml,rapl"}),
      flag("energy_window", {"20s"}),
      flag("energy_trials", {"6"}),
      flag("busy", {"wait"}),
      flag("strict", {"true"}),
      flag("optimize", {"auto,prepack=true,attention=flash,attention=math"})};
  const auto from_flags = make_plan({}, flags);
  ASSERT_TRUE(from_flags) << error_of(from_flags);
  EXPECT_EQ(*from_flags, *from_toml(kWhole));
}

TEST(Measure_Plan, has_a_flag_for_every_key) {
  EXPECT_EQ(flag_of("text_file"), "--text-file");
  EXPECT_NE(find_plan_key("text_file"), nullptr);
  EXPECT_EQ(find_plan_key("batches"), nullptr);
  EXPECT_EQ(plan_keys().size(), 37u);
}

TEST(Measure_Plan, compares_with_the_first_engine_that_is_not_native) {
  const auto baseline = [](const char* text) { return baseline_of(*from_toml(text)); };
  EXPECT_EQ(baseline("engine='native'"), "");
  EXPECT_EQ(baseline("engine='transformers'"), "");
  EXPECT_EQ(baseline("engine='native,transformers:compile,transformers'"), "transformers:compile");
  EXPECT_EQ(baseline("engine='transformers,native'"), "transformers");
  EXPECT_EQ(baseline("engine='a,b'\nbaseline='b'"), "b");
  EXPECT_EQ(baseline("engine='native,b'\nbaseline='native'"), "native");
}

TEST(Measure_Plan, refuses_a_baseline_and_a_python_that_are_not_there) {
  Plan plan;
  plan.models = {"m"};
  plan.engines = {"native", "transformers"};
  plan.baseline = "transformers:compile";
  EXPECT_TRUE(contains(error_of(resolve(plan, {})), "--baseline: 'transformers:compile' is not"));
  plan.baseline = "transformers";
  EXPECT_TRUE(resolve(plan, {}));
  plan.engine_python = "/nowhere/python";
  EXPECT_TRUE(contains(error_of(resolve(plan, {})), "--engine-python: '/nowhere/python'"));
  plan.engine_python = "sh";
  const auto resolved = resolve(plan, {});
  ASSERT_TRUE(resolved) << error_of(resolved);
  EXPECT_EQ(resolved->engine_python.front(), '/');
  EXPECT_TRUE(contains(error_of(from_toml("engine='transformers:'")), "is not an engine"));
}

TEST(Measure_Plan, may_be_resumed_with_another_baseline_but_not_another_python) {
  Plan stored;
  stored.models = {"m"};
  Plan asked = stored;
  asked.baseline = "x";
  EXPECT_TRUE(check_same_plan(stored, asked));
  asked.engine_python = "/p";
  EXPECT_FALSE(check_same_plan(stored, asked));
}

TEST(Measure_Plan, is_as_its_documentation_says) {
  const auto page = read_text_file(RIDGELINE_SOURCE_DIR "/docs/plan.md");
  ASSERT_TRUE(page) << page.error().line();
  for (const PlanKey& key : plan_keys()) {
    EXPECT_TRUE(contains(*page, "| `" + std::string(key.name) + "` |")) << key.name;
  }
  const std::size_t from = page->find("```toml\n") + 8;
  const auto plan = from_toml(page->substr(from, page->find("```", from) - from));
  ASSERT_TRUE(plan) << error_of(plan);
  const auto matrix = expand(*plan, {});
  ASSERT_TRUE(matrix) << matrix.error().line();
  EXPECT_EQ(matrix->configurations.size(), 2u * 2 * 2);
  EXPECT_EQ(matrix->case_count(), 8u * 4 * 2);
}

TEST(Measure_Plan, flags_replace_keys_of_the_file) {
  const auto plan = from_toml("models='a'\nbatch=1\nseed=3", {flag("batch", {"8"})});
  ASSERT_TRUE(plan);
  EXPECT_EQ(plan->batch, std::vector<std::int64_t>{8});
  EXPECT_EQ(plan->seed, 3);
}

TEST(Measure_Plan, flags_replace_what_says_the_same_otherwise) {
  const auto models = from_toml("suite='quick'", {flag("models", {"a"})});
  EXPECT_EQ(models->suite, "");
  const auto texts = from_toml("models='a'\nsequence=128", {flag("text", {"Hello"})});
  EXPECT_TRUE(texts->sequence.empty());
  EXPECT_EQ(texts->texts, std::vector<std::string>{"Hello"});
}

TEST(Measure_Plan, still_checks_a_key_that_a_flag_replaces) {
  EXPECT_TRUE(contains(error_of(from_toml("batch='x'", {flag("batch", {"8"})})), "plan.toml:1:"));
}

TEST(Measure_Plan, errors_name_file_line_column_and_the_nearest_key) {
  const auto plan = from_toml("models = ['a']\n\n  batsh = 1\n");
  ASSERT_FALSE(plan);
  // tomlplusplus before 3.0 knows the place of the value only.
  EXPECT_TRUE(contains(error_of(plan), "plan.toml:3:3: ") ||
              contains(error_of(plan), "plan.toml:3:11: "))
      << error_of(plan);
  EXPECT_TRUE(contains(error_of(plan), "'batsh'")) << error_of(plan);
  EXPECT_TRUE(contains(error_of(plan), "did you mean batch?")) << error_of(plan);
}

TEST(Measure_Plan, refuses_values_that_make_no_sense) {
  const std::pair<const char*, const char*> cases[] = {
      {"batch = 0", "below 1"},
      {"batch = 99999999999", "above the limit"},
      {"batch = []", "empty"},
      {"batch = [[1]]", "must be text"},
      {"batch = 1979-05-27", "must be text"},
      {"batch = {a = 1}", "must not be a table"},
      {"[nothing]\na = 1", "unknown key"},
      {"budget = 60", "no unit"},
      {"precision = 2", "share"},
      {"precision = nan", "share"},
      {"precision = inf", "share"},
      {"seed = -1", "below 0"},
      {"seed = [1, 2]", "takes one value"},
      {"invocations = 0", "below 1"},
      {"invocations = 100000", "above 1000"},
      {"strict = 'maybe'", "true or false"},
      {"dtype = 'bf16'", "write bfloat16"},
      {"dtype = 'float23'", "did you mean float32"},
      {"weights = 'random'", "checkpoint"},
      {"metrics = 'tims'", "did you mean time"},
      {"sensors = 'auto,nvml'", "'auto' stands alone"},
      {"sensors = ['nvml', 'none']", "'none' stands alone"},
      {"sensors = ''", "empty"},
      {"sensors = true", "must be text"},
      {"energy_window = 5", "no unit"},
      {"energy_window = '0s'", "energy_window"},
      {"energy_trials = 0", "below 1"},
      {"energy_trials = 1001", "above 1000"},
      {"busy = 'wairn'", "did you mean warn"},
      {"busy = ['warn', 'fail']", "takes one value"},
      {"device = 'gpu0'", "cuda:0"},
      {"device = 'cpu:1'", "cpu or cuda:0"},
      {"device = 'cuda:x'", "cpu or cuda:0"},
      {"cores = '3-1'", "0-3"},
      {"cores = ''", "0-3"},
      {"threads = '1-'", "128-512+128"},
      {"optimize = 'flash'", "attention=flash"},
      {"optimize = 'none,attention=flash'", "stands alone"},
      {"optimize = 'threads=2'", "--threads 2"},
      {"optimize = 'a='", "id=value"},
      {"[optimize]\nattention = []", "empty"},
      {"[optimize]\nattention = 'a,b'", "comma"},
      {"[optimize]\nauto = 'yes'", "true or false"},
      {"[optimize.x]\ny = 1", "must be text"},
      {"models = ['']", "empty"},
      {"models = [\"a\\u0007\"]", "control"},
      {"batch = ", "plan.toml:1:"},
      {"batch = 1\nbatch = 2", "plan.toml:2:"},
      {"\xff\xfe", "plan.toml:1:"},
  };
  for (const auto& [text, part] : cases) {
    const auto plan = from_toml(text);
    ASSERT_FALSE(plan) << text;
    EXPECT_TRUE(contains(error_of(plan), part)) << text << " -> " << error_of(plan);
    EXPECT_TRUE(contains(error_of(plan), "plan.toml:")) << error_of(plan);
  }
}

TEST(Measure_Plan, survives_deep_and_long_files) {
  EXPECT_FALSE(from_toml("batch = " + std::string(100'000, '[')));
  std::string many = "batch = [1";
  for (int i = 0; i < 5000; ++i) many += ",1";
  EXPECT_FALSE(from_toml(many + "]"));
}

TEST(Measure_Plan, gives_devices_one_spelling) {
  EXPECT_EQ(from_toml("device = 'cuda'")->devices, std::vector<std::string>{"cuda:0"});
  EXPECT_EQ(from_toml("device = 'cpu:0'")->devices, std::vector<std::string>{"cpu"});
}

TEST(Measure_Plan, takes_optimize_in_all_its_forms) {
  const auto flash = std::vector<KnobChoice>{{"attention", {std::string("flash")}}};
  EXPECT_TRUE(from_toml("")->optimize_auto);
  EXPECT_FALSE(from_toml("optimize = 'none'")->optimize_auto);
  EXPECT_EQ(from_toml("optimize = 'attention=flash'")->knobs, flash);
  EXPECT_FALSE(from_toml("optimize = 'attention=flash'")->optimize_auto);
  EXPECT_EQ(from_toml("optimize = ['auto', 'attention=flash']")->knobs, flash);
  EXPECT_TRUE(from_toml("optimize = ['auto', 'attention=flash']")->optimize_auto);
  EXPECT_EQ(from_toml("[optimize]\nattention = 'flash'")->knobs, flash);
  EXPECT_FALSE(from_toml("[optimize]\nauto = false")->optimize_auto);
}

TEST(Measure_Plan, measures_energy_and_warns_of_other_work_unless_told_otherwise) {
  const auto plan = from_toml("");
  EXPECT_EQ(plan->sensors, std::vector<std::string>{"auto"});
  EXPECT_EQ(plan->energy_window_ns, std::nullopt);
  EXPECT_EQ(plan->energy_trials, 4);
  EXPECT_EQ(plan->busy, "warn");
  EXPECT_EQ(from_toml("energy_window = 'auto'")->energy_window_ns, std::nullopt);
  EXPECT_EQ(from_toml("energy_window='7s'", {flag("energy_window", {"auto"})})->energy_window_ns,
            std::nullopt);
  const auto groups = from_toml("metrics = ['energy', 'traffic']");
  ASSERT_TRUE(groups) << error_of(groups);
  EXPECT_EQ(groups->metrics, (std::vector<std::string>{"energy", "traffic"}));
}

// A run folder from before these keys holds a plan without them.
TEST(Measure_Plan, a_stored_plan_without_the_later_keys_has_their_defaults) {
  Json json = to_json(*from_toml("models='a'"));
  for (const char* key : {"sensors", "energy_window", "energy_trials", "busy"}) {
    ASSERT_TRUE(json.contains(key)) << key;
    json.erase(key);
  }
  const auto stored = plan_from_json(json, "plan.json");
  ASSERT_TRUE(stored) << error_of(stored);
  EXPECT_TRUE(check_same_plan(*stored, *from_toml("models='a'")));
}

TEST(Measure_Plan, survives_storing) {
  const auto plan = from_toml(kWhole);
  const auto again = plan_from_json(*parse_json(to_line(to_json(*plan)), "x"), "plan.json");
  ASSERT_TRUE(again) << error_of(again);
  EXPECT_EQ(*again, *plan);
  Plan odd;
  odd.models = {"m"};
  odd.texts = {"", "a,b", "1-8", "\u4e2d\n"};
  odd.budget_ns = 1'234'567'891;
  odd.phase_time_ns = 250'000'000;
  odd.warmup_ns = 0;
  odd.precision = 1e-7;
  odd.optimize_auto = false;
  odd.strict = true;
  odd.sensors = {"none"};
  odd.energy_window_ns = 7'500'000'000;
  const auto stored = plan_from_json(to_json(odd), "plan.json");
  ASSERT_TRUE(stored) << error_of(stored);
  EXPECT_EQ(*stored, odd);
}

TEST(Measure_Plan, refuses_a_stored_plan_that_is_broken) {
  for (const char* text : {"{}", "[]", "null", R"({"schema":"ridgeline-plan/2"})",
                           R"({"schema":"ridgeline-plan/1","batch":{}})",
                           R"({"schema":"ridgeline-plan/1","batch":[null]})",
                           R"({"schema":"ridgeline-plan/1","optimize":{"a":{}}})",
                           R"({"schema":"ridgeline-plan/1","nonsense":1})"}) {
    EXPECT_FALSE(plan_from_json(*parse_json(text, "x"), "plan.json")) << text;
  }
}

TEST(Measure_Plan, says_what_differs_on_resume) {
  Plan stored = *from_toml("models='a'");
  Plan asked = stored;
  asked.output = "elsewhere";
  EXPECT_TRUE(check_same_plan(stored, asked));
  asked.batch = {8};
  const Status status = check_same_plan(stored, asked);
  ASSERT_FALSE(status);
  EXPECT_TRUE(contains(status.error().line(), "another batch: 'null', not '[8]'"))
      << status.error().line();
}

class Measure_Resolve : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string name = (std::filesystem::temp_directory_path() / "ridgeline-plan-XXXXXX").string();
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    folder_ = name;
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  std::string file(std::string_view text) const {
    const std::string path = folder_ + "/texts.txt";
    std::ofstream(path, std::ios::binary) << text;
    return path;
  }

  std::string folder_;
};

TEST_F(Measure_Resolve, puts_in_the_models_of_a_suite_once) {
  PlanContext context;
  context.models_of_suite = [](const std::string&) {
    return Result<std::vector<std::string>>(std::vector<std::string>{"a", "b"});
  };
  Plan plan;
  plan.suite = "quick";
  plan.models = {"b", "c"};
  const auto resolved = resolve(plan, context);
  ASSERT_TRUE(resolved);
  EXPECT_EQ(resolved->models, (std::vector<std::string>{"b", "c", "a"}));
  EXPECT_EQ(*resolve(*resolved, context), *resolved);
}

TEST_F(Measure_Resolve, reads_texts_from_a_file) {
  Plan plan;
  plan.models = {"a"};
  plan.texts = {"first"};
  plan.text_file = file("one, two\r\n\n  \nthree");
  const auto resolved = resolve(plan, {});
  ASSERT_TRUE(resolved);
  EXPECT_EQ(resolved->texts, (std::vector<std::string>{"first", "one, two", "three"}));
  EXPECT_EQ(resolved->text_file, "");
}

TEST_F(Measure_Resolve, names_the_line_of_a_bad_text) {
  Plan plan;
  plan.models = {"a"};
  plan.text_file = file("good\nbad \xc3\x28\n");
  const auto resolved = resolve(plan, {});
  ASSERT_FALSE(resolved);
  EXPECT_TRUE(contains(error_of(resolved), "texts.txt:2")) << error_of(resolved);
  plan.text_file = file("\n\n");
  EXPECT_TRUE(contains(error_of(resolve(plan, {})), "no text"));
  plan.text_file = folder_ + "/missing";
  EXPECT_FALSE(resolve(plan, {}));
}

TEST_F(Measure_Resolve, refuses_what_contradicts_itself) {
  EXPECT_TRUE(contains(error_of(resolve({}, {})), "no model"));
  Plan plan;
  plan.models = {"a"};
  plan.texts = {"x"};
  plan.sequence = {128};
  EXPECT_TRUE(contains(error_of(resolve(plan, {})), "exclude each other"));
  plan.sequence = {};
  plan.suite = "unknown";
  EXPECT_TRUE(contains(error_of(resolve(plan, {})), "unknown suite"));
}

}  // namespace
}  // namespace ridgeline::measure
