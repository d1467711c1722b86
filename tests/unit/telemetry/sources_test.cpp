// The choice among sources.
#include "telemetry/sources.hpp"

#include <gtest/gtest.h>
#include <stdlib.h>

#include "support/recorded_tree.hpp"
#include "support/source_conformance.hpp"

namespace ridgeline::telemetry {
namespace {

using test::RecordedTree;

constexpr const char* kScript = R"({"domains":[{"id":"package-0","kind":"energy",
  "scope":"package","power":100,"period":0.001}]})";

std::vector<std::string> names_of(const std::vector<std::string>& choice,
                                  const Environment& environment) {
  const auto sources = open_sources(choice, environment);
  EXPECT_TRUE(sources.has_value()) << sources.error().line();
  std::vector<std::string> names;
  if (!sources) return names;
  for (const auto& source : *sources) names.emplace_back(source->name());
  return names;
}

// A machine with nothing, without whatever script the tests run under.
class Sources_Choice : public testing::Test {
 protected:
  void SetUp() override {
    ::unsetenv("RIDGELINE_SENSOR_SCRIPT");
    environment_.root = tree_.root();
    environment_.nvml = tree_.root() + "/no-such-library.so";
  }
  void TearDown() override { ::unsetenv("RIDGELINE_SENSOR_SCRIPT"); }

  RecordedTree tree_;
  Environment environment_;
};

TEST_F(Sources_Choice, auto_is_all_in_the_order_of_preference) {
  EXPECT_EQ(names_of({"auto"}, environment_),
            (std::vector<std::string>{"nvml", "perf_power", "rapl", "hwmon", "cpufreq",
                                      "perf_uncore", "perf_cpu"}));
  EXPECT_EQ(source_names().size(), 8u);
  EXPECT_EQ(source_names().back(), "scripted");
}

TEST_F(Sources_Choice, none_and_names) {
  EXPECT_TRUE(names_of({"none"}, environment_).empty());
  EXPECT_EQ(names_of({"hwmon", "rapl", "rapl"}, environment_),
            (std::vector<std::string>{"rapl", "hwmon"}));
}

TEST_F(Sources_Choice, unknown_names_are_errors_that_list_the_known) {
  const auto wrong = open_sources({"raple"}, environment_);
  ASSERT_FALSE(wrong.has_value());
  EXPECT_EQ(wrong.error().error_class, ErrorClass::kBadInput);
  EXPECT_EQ(wrong.error().line(),
            "there is no sensor source \"raple\"; choose auto, none, or some of: nvml, perf_power, "
            "rapl, hwmon, cpufreq, perf_uncore, perf_cpu, scripted");
  EXPECT_FALSE(open_sources({"none", "rapl"}, environment_).has_value());
}

TEST_F(Sources_Choice, script_joins_auto_and_the_name_and_nothing_else) {
  ::setenv("RIDGELINE_SENSOR_SCRIPT", kScript, 1);
  EXPECT_EQ(names_of({"auto"}, environment_).back(), "scripted");
  EXPECT_EQ(names_of({"scripted"}, environment_), std::vector<std::string>{"scripted"});
  EXPECT_EQ(names_of({"rapl"}, environment_), std::vector<std::string>{"rapl"});
  EXPECT_TRUE(names_of({"none"}, environment_).empty());
}

TEST_F(Sources_Choice, script_of_the_environment_goes_before_the_variable) {
  ::setenv("RIDGELINE_SENSOR_SCRIPT", "{broken", 1);
  EXPECT_FALSE(open_sources({"auto"}, environment_).has_value());
  environment_.script = kScript;
  EXPECT_EQ(names_of({"auto"}, environment_).back(), "scripted");
}

TEST_F(Sources_Choice, scripted_needs_a_script) {
  const auto missing = open_sources({"scripted"}, environment_);
  ASSERT_FALSE(missing.has_value());
  EXPECT_EQ(missing.error().remedy, "set RIDGELINE_SENSOR_SCRIPT to a file or to its JSON");
}

TEST_F(Sources_Choice, every_source_conforms_on_a_recorded_machine) {
  for (const char* name : {"amd-vm", "arm-board"}) {
    const RecordedTree tree(name);
    environment_.root = tree.root();
    const auto sources = open_sources({"auto"}, environment_);
    ASSERT_TRUE(sources.has_value());
    for (const auto& source : *sources) test::expect_conforms(*source);
  }
}

}  // namespace
}  // namespace ridgeline::telemetry
