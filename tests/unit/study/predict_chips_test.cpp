// Names of chips, their rates, and this machine with and without ceilings.
#include "study/predict_chips.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace ridgeline::study {
namespace {

using machine::DatasheetRow;

const std::vector<DatasheetRow>& table() {
  return *machine::datasheet_table();
}

// The name of the one row that is found, or the error.
std::string found(std::string_view name) {
  const auto rows = find_rows(name, table());
  if (!rows) return rows.error().line();
  return rows->size() == 1 ? rows->front()->name : "several";
}

TEST(FindRows, takes_whole_names_ends_words_and_parts) {
  EXPECT_EQ(found("H200 SXM"), "H200 SXM");
  EXPECT_EQ(found("nvidia h200-sxm"), "H200 SXM");
  EXPECT_EQ(found("H100 SXM"), "H100 SXM5 80GB");
  EXPECT_EQ(found("L40S"), "L40S");
  EXPECT_EQ(found("L4"), "L4");
  EXPECT_EQ(found("rtx3090"), "GeForce RTX 3090");
  EXPECT_EQ(found("RTX 3090 Ti"), "GeForce RTX 3090 Ti");
  EXPECT_EQ(found("V100S"), "Tesla V100S PCIe 32GB");
  EXPECT_EQ(found("epyc 9755"), "EPYC 9755 (Turin)");
}

TEST(FindRows, lists_what_an_unclear_name_may_be) {
  const std::string line = found("A100");
  EXPECT_NE(line.find("A100 SXM4 40GB"), std::string::npos) << line;
  EXPECT_NE(line.find("A100 PCIe 80GB"), std::string::npos) << line;
}

TEST(FindRows, hints_at_the_nearest_of_an_unknown_name) {
  EXPECT_NE(found("H200 SXN").find("did you mean \"H200 SXM\"?"), std::string::npos);
  EXPECT_NE(found("").find("empty"), std::string::npos);
}

TEST(FindRows, all_is_the_whole_table) {
  EXPECT_EQ(find_rows("all", table())->size(), table().size());
}

TEST(FindRows, every_row_is_found_by_its_own_name) {
  for (const DatasheetRow& row : table()) {
    const auto rows = find_rows(row.vendor + " " + row.name, table());
    ASSERT_TRUE(rows.has_value()) << row.name << ": " << rows.error().line();
    EXPECT_EQ(rows->front()->name, row.name);
  }
}

TEST(ChipOf, has_the_figures_of_one_device) {
  const Chip one = chip_of(*find_rows("H200 SXM", table())->front());
  EXPECT_EQ(one.kind, "gpu");
  EXPECT_DOUBLE_EQ(one.rates.flops.at("bfloat16"), 989.4e12);
  EXPECT_DOUBLE_EQ(one.rates.bytes, 4800e9);
  EXPECT_EQ(one.capacities, std::vector<double>{141.0 * 1024 * 1024 * 1024});
  EXPECT_EQ(one.missing, "");
  const Chip half = chip_of(*find_rows("MI250X", table())->front());
  EXPECT_DOUBLE_EQ(half.capacities.front(), 64.0 * 1024 * 1024 * 1024);
  EXPECT_DOUBLE_EQ(half.rates.bytes, 1638.4e9);
  EXPECT_FALSE(half.notes.empty());
}

TEST(ChipOf, sorts_the_sizes_of_memory_and_says_what_is_not_known) {
  EXPECT_EQ(chip_of(*find_rows("V100 PCIe", table())->front()).capacities.size(), 2u);
  const Chip cpu = chip_of(*find_rows("EPYC 7763", table())->front());
  EXPECT_TRUE(cpu.capacities.empty());
  EXPECT_NE(cpu.no_capacity, "");
  EXPECT_NE(chip_of(*find_rows("MI350P", table())->front()).missing, "");
}

measure::Configuration on_cpu() {
  measure::Configuration configuration;
  configuration.engine = "native";
  configuration.device = "cpu";
  configuration.threads = 2;
  return configuration;
}

TEST(ChipHere, goes_by_measured_ceilings) {
  measure::MachineLimits limits;
  limits.machine.cpu.model = "Some CPU";
  machine::CeilingSet set;
  set.engine = "native";
  set.engine_version = "1";
  set.device = "cpu";
  set.threads = 2;
  machine::Ceiling read;
  read.id = "read";
  read.value = 40e9;
  machine::Ceiling gemm;
  gemm.id = "gemm.float32";
  gemm.value = 2e11;
  set.ceilings = {read, gemm};
  limits.ceilings.sets = {set};
  const auto chip = chip_here(limits, on_cpu(), Json{{"name", "native"}, {"version", "1"}});
  ASSERT_TRUE(chip.has_value()) << chip.error().line();
  EXPECT_EQ(chip->rates.basis, Basis::kMeasured);
  EXPECT_DOUBLE_EQ(chip->rates.bytes, 40e9);
  EXPECT_DOUBLE_EQ(chip->rates.flops.at("float32"), 2e11);
  EXPECT_EQ(chip->name, "Some CPU, 2 threads");
}

TEST(ChipHere, without_ceilings_or_a_row_says_what_to_do) {
  measure::MachineLimits limits;
  limits.machine.cpu.model = "Some CPU";
  const auto chip = chip_here(limits, on_cpu(), Json{{"name", "native"}, {"version", "1"}});
  ASSERT_FALSE(chip.has_value());
  EXPECT_EQ(chip.error().error_class, ErrorClass::kEnvironment);
  EXPECT_NE(chip.error().line().find("ridgeline peaks --device cpu --threads 2"), std::string::npos)
      << chip.error().line();
}

}  // namespace
}  // namespace ridgeline::study
