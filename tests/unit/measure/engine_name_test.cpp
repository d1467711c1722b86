// Engines and their modes, and the Python that some of them need.
#include "measure/engine_name.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "measure/engine_locator.hpp"
#include "measure/native_cost.hpp"
#include "support/temp_folder.hpp"

namespace ridgeline::measure {
namespace {

using testing::HasSubstr;

TEST(Measure_EngineName, is_a_program_and_a_mode) {
  struct Row {
    const char* text;
    const char* program;
    const char* mode;
  };
  for (const Row& row :
       {Row{"native", "native", ""}, Row{"transformers:compile", "transformers", "compile"},
        Row{"/a:b/engine", "/a:b/engine", ""}, Row{"/a:b/engine:fast", "/a:b/engine", "fast"},
        Row{"./x:reduce-overhead", "./x", "reduce-overhead"}}) {
    const EngineName name = parse_engine(row.text);
    EXPECT_EQ(name.program, row.program) << row.text;
    EXPECT_EQ(name.mode, row.mode) << row.text;
    EXPECT_TRUE(check_engine(row.text, "--engine")) << row.text;
  }
  for (const char* wrong : {"transformers:", ":compile", "a:b:c", "a:b c", "", "/x/:"}) {
    const Status status = check_engine(wrong, "--engine");
    ASSERT_FALSE(status) << wrong;
    EXPECT_EQ(status.error().error_class, ErrorClass::kBadInput);
  }
}

TEST(Measure_EngineLocator, leaves_the_mode_out_of_the_path) {
  const std::string program = RIDGELINE_SCRIPTED_ENGINE;
  EXPECT_EQ(*locate_engine(program), program);
  EXPECT_EQ(*locate_engine(program + ":fast"), program);
  EXPECT_EQ(locate_engine("nonsense:fast").error().error_class, ErrorClass::kEnvironment);
  EXPECT_THAT(locate_engine("nonsense:fast").error().line(), HasSubstr("engine 'nonsense' is not"));
}

TEST(Measure_EngineLocator, tells_the_worker_its_python) {
  const std::string program = RIDGELINE_SCRIPTED_ENGINE;
  EXPECT_TRUE(engine_command(program, "")->environment.empty());
  const auto command = engine_command(program + ":x", "/venv/bin/python");
  ASSERT_TRUE(command);
  EXPECT_EQ(command->argv, std::vector<std::string>{program});
  ASSERT_EQ(command->environment.size(), 1u);
  EXPECT_EQ(command->environment[0].first, "RIDGELINE_ENGINE_PYTHON");
  EXPECT_EQ(command->environment[0].second, "/venv/bin/python");
}

TEST(Measure_EngineLocator, finds_python_and_keeps_its_link) {
  const test::TempFolder folder;
  namespace fs = std::filesystem;
  fs::create_symlink("/bin/sh", folder.path("python"));
  EXPECT_EQ(*find_python(folder.path("python"), "--engine-python"), folder.path("python"));
  EXPECT_THAT(*find_python("sh", "--engine-python"), HasSubstr("/sh"));
  folder.write("text", "no program");
  for (const std::string& wrong : {folder.path("text"), folder.path("missing"), folder.path(),
                                   std::string("no-such-python-anywhere")}) {
    const auto found = find_python(wrong, "--engine-python");
    ASSERT_FALSE(found) << wrong;
    EXPECT_EQ(found.error().error_class, ErrorClass::kBadInput);
    EXPECT_THAT(found.error().line(), HasSubstr("--engine-python: '"));
  }
}

TEST(Measure_NativeCost, asks_with_the_sizes_that_the_engine_worked_on) {
  Workload asked;
  asked.batch = 2;
  asked.texts = {"a", "b"};
  asked.chat = true;
  EXPECT_EQ(cost_workload(asked, {{"batch", 2}, {"sequence", 7}})->dump(),
            R"({"batch":2,"sequence":7})");
  EXPECT_FALSE(cost_workload(asked, Json()));
  Workload sizes;
  sizes.sequence = 64;
  sizes.depth = 512;
  EXPECT_EQ(cost_workload(sizes, Json())->dump(), R"({"batch":1,"sequence":64,"depth":512})");
  EXPECT_EQ(
      cost_workload(sizes, {{"batch", 3}, {"sequence", 0}, {"image_size", {224, 384}}})->dump(),
      R"({"batch":3,"sequence":64,"depth":512})");
}

}  // namespace
}  // namespace ridgeline::measure
