// Run folders to payloads to files.
#include "cli/report_job.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/clock.hpp"
#include "base/file.hpp"
#include "base/json_values.hpp"
#include "measure/plan.hpp"
#include "results/lenient_records.hpp"

namespace ridgeline::cli {
namespace {

namespace fs = std::filesystem;

std::string folder_of(const std::string& path) {
  std::error_code error;
  if (fs::is_directory(path, error)) return path;
  const std::string parent = fs::path(path).parent_path().string();
  return parent.empty() ? "." : parent;
}

// The engines in the order in which the records have them, for records without a plan.
std::vector<std::string> engines_in(const std::vector<Json>& records) {
  std::vector<std::string> engines;
  for (const Json& record : records) {
    std::string engine = text_in(entry_of(record, "configuration"), "engine");
    if (!engine.empty() && std::find(engines.begin(), engines.end(), engine) == engines.end()) {
      engines.push_back(std::move(engine));
    }
  }
  return engines;
}

measure::Plan plan_of(const std::string& folder, const std::vector<Json>& records) {
  const auto json = read_json_file(folder + "/plan.json");
  if (json) {
    auto plan = measure::plan_from_json(*json, folder + "/plan.json");
    if (plan) return *std::move(plan);
  }
  measure::Plan plan;
  plan.engines = engines_in(records);
  return plan;
}

}  // namespace

Result<report::ReportRun> read_run(const std::string& path,
                                   const std::function<void(const std::string&)>& problem) {
  RIDGELINE_TRY(results::LenientRecords read, results::read_records_leniently(path));
  for (const std::string& one : read.problems) problem(one);
  if (read.skipped > read.problems.size()) {
    problem(
        fmt::format("{}: {} more lines were skipped", path, read.skipped - read.problems.size()));
  }
  report::ReportRun run;
  run.folder = folder_of(path);
  run.records = std::move(read.records);
  const auto command = read_text_file(run.folder + "/command.txt", 1 << 20);
  if (command) {
    run.command = command->substr(0, command->find('\n'));
  }
  const measure::Plan plan = plan_of(run.folder, run.records);
  run.engines = plan.engines;
  run.baseline = measure::baseline_of(plan);
  return run;
}

Json payload_of(const std::vector<report::ReportRun>& runs, const std::string& title,
                const Context& context) {
  report::PayloadOptions options;
  options.title = title;
  options.command = context.command_line;
  options.version = RIDGELINE_VERSION;
  options.created = utc_timestamp();
  return report::make_payload(runs, options);
}

Result<std::vector<std::string>> write_run_report(const std::string& folder,
                                                  const std::vector<report::ReportFormat>& formats,
                                                  const Context& context) {
  if (formats.empty()) return std::vector<std::string>();
  RIDGELINE_TRY(report::ReportRun run, read_run(folder, [](const std::string&) {}));
  if (run.records.empty()) return std::vector<std::string>();
  std::vector<report::ReportRun> runs;
  runs.push_back(std::move(run));
  RIDGELINE_TRY(const auto files,
                report::make_files(payload_of(runs, "", context), formats, report::embedded_parts(),
                                   report::Assets::kInline));
  return report::write_files(files, folder, /*force=*/false);
}

}  // namespace ridgeline::cli
