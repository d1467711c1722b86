// Which domains make up the energy of the work.
#include "telemetry/meter.hpp"

#include <gtest/gtest.h>

#include "telemetry/scripted_source.hpp"

namespace ridgeline::telemetry {
namespace {

Sources sources_of(std::initializer_list<const char*> scripts) {
  Sources sources;
  for (const char* script : scripts) {
    auto source = open_scripted(script);
    EXPECT_TRUE(source) << source.error().line();
    sources.push_back(std::move(*source));
  }
  return sources;
}

std::vector<std::string> primary(const std::vector<Meter>& meters) {
  std::vector<std::string> ids;
  for (const Meter& meter : meters) {
    if (meter.is_primary) ids.push_back(meter.id);
  }
  return ids;
}

using Ids = std::vector<std::string>;

TEST(Telemetry_Meter, packages_and_their_dram_are_the_host_and_doubles_count_once) {
  const Sources sources =
      sources_of({R"({"domains":[{"id":"package-0","kind":"energy","scope":"package"},
                      {"id":"dram-0","kind":"energy","scope":"dram"},
                      {"id":"psys-0","kind":"energy","scope":"psys"}]})",
                  R"({"domains":[{"id":"package-0","kind":"energy","scope":"package"},
                      {"id":"core-0","kind":"energy","scope":"core"},
                      {"id":"package-1","kind":"energy","scope":"package"}]})"});
  const auto meters = meters_of(sources, "");
  EXPECT_EQ(meters.size(), 5u);
  EXPECT_EQ(primary(meters), (Ids{"package-0", "dram-0", "package-1"}));
  EXPECT_EQ(meters[0].counter->source, sources[0].get());
  EXPECT_EQ(boundary_name(meters), "CPU packages and DRAM");
}

TEST(Telemetry_Meter, the_board_is_the_accelerator_and_the_host_stands_beside_it) {
  const Sources sources = sources_of({
      R"({"domains":[{"id":"0000:17:00.0/energy","kind":"energy","scope":"board","device":"0000:17:00.0"},
                     {"id":"0000:17:00.0/power.average","kind":"power","scope":"board","device":"0000:17:00.0"},
                     {"id":"0000:17:00.0/power.instant","kind":"power","scope":"board","device":"0000:17:00.0"},
                     {"id":"0000:17:00.0/power.memory","kind":"power","scope":"memory","device":"0000:17:00.0"},
                     {"id":"0000:65:00.0/energy","kind":"energy","scope":"board","device":"0000:65:00.0"}]})",
      R"({"domains":[{"id":"package-0","kind":"energy","scope":"package"}]})"});
  const auto meters = meters_of(sources, "0000:17:00.0");
  EXPECT_EQ(primary(meters), (Ids{"0000:17:00.0/energy"}));
  ASSERT_TRUE(meters[0].power);
  EXPECT_EQ((*meters[0].power)->id, "0000:17:00.0/power.instant");
  EXPECT_EQ(meters.size(), 3u);  // the board, the package, the memory; not the other card
  EXPECT_EQ(boundary_name(meters), "GPU board");
}

TEST(Telemetry_Meter, dram_alone_is_not_the_energy_of_the_work) {
  const Sources sources = sources_of({R"({"domains":[{"id":"dram-0","kind":"energy","scope":"dram"},
                      {"id":"acpi","kind":"power","scope":"node"}]})"});
  const auto meters = meters_of(sources, "");
  EXPECT_EQ(primary(meters), (Ids{"acpi"}));
  EXPECT_EQ(boundary_name(meters), "whole node");
}

TEST(Telemetry_Meter, power_belongs_to_the_counter_whose_name_it_begins_with) {
  const Sources sources =
      sources_of({R"({"domains":[{"id":"package-0","kind":"energy","scope":"package"},
                      {"id":"package-1","kind":"energy","scope":"package"},
                      {"id":"package-1/power","kind":"power","scope":"package"}]})"});
  const auto meters = meters_of(sources, "");
  ASSERT_EQ(meters.size(), 2u);
  EXPECT_FALSE(meters[0].power);
  ASSERT_TRUE(meters[1].power);
}

TEST(Telemetry_Meter, without_sensors_there_is_nothing) {
  EXPECT_TRUE(meters_of({}, "").empty());
  EXPECT_EQ(boundary_name({}), "");
  const Sources other = sources_of(
      {R"({"domains":[{"id":"x/energy","kind":"energy","scope":"board","device":"x"}]})"});
  EXPECT_TRUE(meters_of(other, "").empty());
}

}  // namespace
}  // namespace ridgeline::telemetry
