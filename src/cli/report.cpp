// report: run folders → HTML, Markdown, CSV, JSON and SVG.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <utility>

#include "cli/command.hpp"
#include "cli/report_job.hpp"
#include "results/run_folder.hpp"

namespace ridgeline::cli {
namespace {

namespace fs = std::filesystem;

constexpr const char* kFooter =
    "RUN is a run folder or a file of records (records.jsonl). All cases of all runs are in one\n"
    "report; a case that was measured again within a run is there once, as it was measured last.\n"
    "Damaged lines are named on stderr and left out.\n\n"
    "Formats and their files in a folder:\n"
    "  html   report.html: one page that needs no network; the charts can be explored\n"
    "  md     report.md: for GitHub\n"
    "  csv    report.csv: a row for each case and phase, SI base units (s, B, J, W, FLOP/s)\n"
    "  json   report.json: everything that the page shows (schema ridgeline-report/1)\n"
    "  svg    roofline.svg and bars.svg, or one of them by that name: for READMEs and papers\n\n"
    "Without --output the report of one run folder goes into that folder, any other into the\n"
    "current one. Prints the paths of what was written. What is there and is no report of\n"
    "ridgeline is not replaced without --force.\n\n"
    "Examples:\n"
    "  ridgeline report runs/20260131T120000Z-1a2b3c4d\n"
    "  ridgeline report runs/* --output all.html --title \"Encoders on our servers\"\n"
    "  ridgeline report runs/* --format csv --output - | head -3\n"
    "  ridgeline report runs/20260131T120000Z-1a2b3c4d --format md,svg --output docs/figures/\n\n"
    "docs/report-formats.md has every column and member.";

struct Flags {
  std::vector<std::string> runs;
  std::string format = "html";
  std::string output;
  std::string assets = "inline";
  std::string title;
  bool force = false;
};

void say(const std::string& line) {
  std::fprintf(stderr, "ridgeline: %s\n", Error{ErrorClass::kBadInput, line}.line().c_str());
}

// Where the files go: a folder, one path, or stdout.
struct Target {
  std::string folder;
  std::string file;
  bool to_stdout = false;
};

Result<Target> target_of(const Flags& flags, const std::vector<report::ReportFormat>& formats) {
  Target target;
  if (flags.output == "-") {
    if (formats.size() != 1)
      return bad_input("--output - takes one --format (svg is two pictures)");
    if (flags.assets == "shared")
      return bad_input("--assets shared writes two files: not to stdout");
    target.to_stdout = true;
    return target;
  }
  std::error_code error;
  if (flags.output.empty()) {
    const bool one_folder = flags.runs.size() == 1 && fs::is_directory(flags.runs.front(), error);
    target.folder = one_folder ? flags.runs.front() : ".";
    return target;
  }
  const bool is_folder =
      fs::is_directory(flags.output, error) || flags.output.back() == '/' || formats.size() > 1;
  if (!is_folder) {
    target.file = flags.output;
    return target;
  }
  if (fs::exists(flags.output, error) && !fs::is_directory(flags.output, error)) {
    return bad_input(fmt::format("--output {}: several files need a folder", flags.output));
  }
  target.folder = flags.output;
  return target;
}

Result<std::vector<report::ReportRun>> read_runs(const Flags& flags) {
  std::vector<report::ReportRun> runs;
  std::vector<fs::path> known;
  std::size_t records = 0;
  for (const std::string& path : flags.runs) {
    std::error_code error;
    fs::path real = fs::weakly_canonical(path, error);
    if (std::find(known.begin(), known.end(), real) != known.end()) {
      say(fmt::format("{} was given twice", path));
      continue;
    }
    known.push_back(std::move(real));
    RIDGELINE_TRY(report::ReportRun run, read_run(path, say));
    if (run.records.empty()) say(fmt::format("{} has no records", path));
    records += run.records.size();
    runs.push_back(std::move(run));
  }
  if (records == 0) return bad_input("there is nothing to report");
  return runs;
}

Result<int> run(const Flags& flags, const Context& context) {
  RIDGELINE_TRY(const auto formats, report::parse_formats(flags.format));
  RIDGELINE_TRY(const Target target, target_of(flags, formats));
  RIDGELINE_TRY(const auto runs, read_runs(flags));
  const auto assets = flags.assets == "shared" ? report::Assets::kShared : report::Assets::kInline;
  RIDGELINE_TRY(auto files, report::make_files(payload_of(runs, flags.title, context), formats,
                                               report::embedded_parts(), assets));
  if (target.to_stdout) {
    const std::string& text = files.front().text;
    if (std::fwrite(text.data(), 1, text.size(), stdout) != text.size() ||
        std::fflush(stdout) != 0) {
      return environment_error("cannot write to stdout");
    }
    return kDone;
  }
  std::string folder = target.folder;
  if (!target.file.empty()) {
    const fs::path file(target.file);
    files.front().name = file.filename().string();
    folder = file.has_parent_path() ? file.parent_path().string() : ".";
  }
  RIDGELINE_TRY(const auto paths, report::write_files(files, folder, flags.force));
  for (const std::string& path : paths) std::puts(path.c_str());
  return kDone;
}

}  // namespace

void add_report(CLI::App& app, Context& context) {
  CLI::App& command = *app.add_subcommand(
      "report", "Write the report of runs: HTML, Markdown, CSV, JSON, pictures");
  command.footer(kFooter);
  auto flags = std::make_shared<Flags>();
  command.add_option("RUN", flags->runs, "run folders, or files of records")
      ->required()
      ->option_text("...");
  command.add_option("--format", flags->format, "html, md, csv, json, svg; several with commas")
      ->capture_default_str();
  command.add_option("--output", flags->output, "a file for one format, a folder, or - for stdout")
      ->type_name("PATH");
  command
      .add_option("--assets", flags->assets,
                  "inline: the page holds everything; shared: plotly.min.js (5 MB) lies beside it")
      ->check(CLI::IsMember({"inline", "shared"}))
      ->capture_default_str();
  command.add_option("--title", flags->title, "of the report (default: models and device)");
  command.add_flag("--force", flags->force, "replace files that are no reports");
  command.callback([flags, &context] {
    const Result<int> code = run(*flags, context);
    context.exit_code = code ? *code : fail(code.error());
  });
}

}  // namespace ridgeline::cli
