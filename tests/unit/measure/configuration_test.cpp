// What of a configuration goes to the worker.
#include "measure/configuration.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace ridgeline::measure {
namespace {

TEST(Measure_Configuration, threads_cores_and_knobs_reach_the_worker) {
  Configuration configuration;
  configuration.threads = 4;
  configuration.cores = "0-3";
  configuration.knobs = {{"attention", KnobValue(std::string("flash"))}};
  const Json expected = {{{"id", "threads"}, {"value", 4}},
                         {{"id", "cores"}, {"value", "0-3"}},
                         {{"id", "attention"}, {"value", "flash"}}};
  EXPECT_EQ(wire_optimizations(configuration), expected);
  EXPECT_EQ(load_fields(configuration).at("optimizations"), expected);
}

TEST(Measure_Configuration, what_is_not_set_is_not_sent) {
  EXPECT_TRUE(wire_optimizations({}).empty());
}

}  // namespace
}  // namespace ridgeline::measure
