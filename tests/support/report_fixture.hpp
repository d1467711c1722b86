// Records, sample files and payloads for tests of reports.
#pragma once

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/json.hpp"
#include "protocol/sample_file.hpp"
#include "report/payload.hpp"

namespace ridgeline::test {

/// tests/data/report/<name>.json.
inline Json report_record(const std::string& name) {
  auto json =
      read_json_file(std::string(RIDGELINE_SOURCE_DIR) + "/tests/data/report/" + name + ".json");
  EXPECT_TRUE(json.has_value()) << name;
  return json ? std::move(json).value() : Json();
}

/// A sample file with a call of each of these durations, in ns, one after another.
inline void write_samples(const std::string& path, const std::vector<std::int64_t>& durations,
                          std::uint32_t flags = 0) {
  auto file = protocol::SampleFile::create(path, durations.size() + 1);
  ASSERT_TRUE(file.has_value());
  auto writer = protocol::SampleWriter::open(path);
  ASSERT_TRUE(writer.has_value());
  std::int64_t now = 1'000'000'000;
  for (const std::int64_t duration : durations) {
    writer->append({0, flags, now, now + duration, now + duration, -1, 1});
    now += duration;
  }
  ASSERT_TRUE(file->shrink().has_value());
}

/// A run of three cases, one of them failed; paths lead nowhere.
inline report::ReportRun mixed_run() {
  report::ReportRun run;
  run.folder = "runs/20260131T120000Z-1a2b3c4d";
  run.command = "ridgeline run --suite quick";
  run.records = {report_record("synthetic_ok"), report_record("refused_drift"),
                 report_record("failed_oom")};
  for (std::size_t i = 0; i < run.records.size(); ++i) {
    run.records[i]["id"] = std::string(15, '0') + static_cast<char>('1' + i);
  }
  return run;
}

/// Its payload; the analysis of every phase is a fixed one, so that approved texts do not hang on
/// the rules of the analysis.
inline Json mixed_payload() {
  Json payload = report::make_payload({mixed_run()},
                                      {.command = "ridgeline report runs/20260131T120000Z-1a2b3c4d",
                                       .version = "0.1.0",
                                       .created = "2026-01-31T12:05:00Z"});
  const Json limit = {{"id", "memory"},
                      {"among", Json::array()},
                      {"headline", "memory bandwidth"},
                      {"evidence", "A call moves 1.2 GB at 20 GB/s, 84 % of what was measured."}};
  const Json advice = {{"do", "Use a narrower dtype: --dtype bfloat16"},
                       {"gain", {{"low", 1.0}, {"high", 1.9}}},
                       {"why", "weights are 98 % of the bytes"}};
  for (Json& one : payload["cases"]) {
    for (auto& [name, phase] : one["analysis"]["phases"].items()) {
      phase["limit"] = limit;
      phase["advice"] = Json::array({advice});
    }
  }
  return payload;
}

}  // namespace ridgeline::test
