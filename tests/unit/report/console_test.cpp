// The summary of a run, against approved texts.
#include "report/console.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "support/approved.hpp"

namespace ridgeline::report {
namespace {

Json record(const std::string& name) {
  auto json =
      read_json_file(std::string(RIDGELINE_SOURCE_DIR) + "/tests/data/report/" + name + ".json");
  EXPECT_TRUE(json.has_value()) << name;
  return json ? std::move(json).value() : Json();
}

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

const RunInfo kInfo = {.command = "ridgeline run --suite quick",
                       .folder = "runs/2026-01-31T12-00-00",
                       .elapsed_seconds = 61.24};

TEST(Console_Summary, of_a_mixed_run_is_as_approved) {
  test::expect_approved("summary_mixed.txt",
                        summary_text({record("synthetic_ok"), record("checkpoint_text"),
                                      record("refused_drift"), record("failed_oom")},
                                     kInfo));
}

TEST(Console_Summary, of_one_case_is_as_approved) {
  test::expect_approved("summary_one.txt",
                        summary_text({record("one_invocation")}, {.command = "ridgeline run x"}));
}

TEST(Console_Summary, of_broken_records_is_as_approved) {
  test::expect_approved("summary_broken.txt",
                        summary_text({record("incomplete"), record("hostile"), Json(), Json(3)},
                                     {.interrupted = true}));
}

TEST(Console_Summary, lets_no_control_character_through) {
  for (const char c :
       summary_text({record("hostile")}, {.command = "a\x1b[1m", .folder = "\x07"})) {
    EXPECT_TRUE(c == '\n' || static_cast<unsigned char>(c) >= 0x20) << static_cast<int>(c);
  }
}

TEST(Console_Summary, of_nothing_says_so) {
  const std::string text = summary_text({}, kInfo);
  EXPECT_TRUE(contains(text, "0 cases"));
  EXPECT_FALSE(contains(text, "| model"));
}

TEST(Console_Summary, never_hides_a_failure_behind_measured_phases) {
  Json failed = record("synthetic_ok");
  failed["outcome"] = {{"status", "failed"}, {"class", "timeout"}, {"reason", "no heartbeat"}};
  const std::string text = summary_text({failed}, kInfo);
  EXPECT_TRUE(contains(text, "53.61 ± 0.31 ms"));
  EXPECT_TRUE(contains(text, "failed: timeout"));
  EXPECT_TRUE(contains(text, "- failed, timeout: no heartbeat"));
  EXPECT_TRUE(contains(text, "1 case, 1 failed"));
}

TEST(Console_Summary, states_an_absent_sensor_once) {
  const std::string text = summary_text({record("synthetic_ok"), record("checkpoint_text")}, kInfo);
  const auto first = text.find("no RAPL");
  ASSERT_NE(first, std::string::npos);
  EXPECT_EQ(text.find("no RAPL", first + 1), std::string::npos);
}

TEST(Console_Summary, shows_optimizations_only_where_they_tell_rows_apart) {
  EXPECT_FALSE(contains(summary_text({record("synthetic_ok")}, kInfo), "| optimizations"));
  Json other = record("synthetic_ok");
  other["optimizations"] = record("refused_drift").at("optimizations");
  EXPECT_TRUE(
      contains(summary_text({record("synthetic_ok"), other}, kInfo), "attention=flash refused"));
}

TEST(Console_Summary, keeps_engines_and_machines_apart) {
  Json other = record("synthetic_ok");
  other["engine"]["name"] = "transformers";
  other["configuration"]["engine"] = "transformers:compile";
  other["machine"]["cpu"]["model"] = "Other CPU";
  const std::string text = summary_text({record("synthetic_ok"), other}, kInfo);
  EXPECT_TRUE(contains(text, "| engine"));
  EXPECT_TRUE(contains(text, "| transformers:compile |"));
  EXPECT_TRUE(contains(text, "machine   AMD EPYC"));
  EXPECT_TRUE(contains(text, "machine   Other CPU"));
}

TEST(Console_Machine, counts_equal_accelerators_and_leaves_out_consoles) {
  const Json machine = {
      {"cpu", {{"model", "X"}, {"physical_cores", 8}, {"logical_cpus", 16}, {"sockets", 2}}},
      {"allowed", {{"effective_cpus", 3.5}}},
      {"accelerators",
       Json::array({{{"kind", "display"}, {"name", "AST2000"}},
                    {{"kind", "gpu"}, {"name", "NVIDIA H100 PCIe"}},
                    {{"kind", "gpu"}, {"name", "NVIDIA H100 PCIe"}},
                    {{"kind", "gpu"}, {"vendor", "AMD"}, {"device_id", "0x74a1"}}})}};
  EXPECT_EQ(machine_line(machine),
            "X, 2 sockets, 8 cores, 16 threads (3.5 usable), 2× NVIDIA H100 PCIe, AMD 0x74a1");
}

}  // namespace
}  // namespace ridgeline::report
