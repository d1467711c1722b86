// compare: two runs side by side, and a gate that fails when the new one is worse.
#include <fmt/format.h>
#include <CLI/CLI.hpp>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "analysis/pooled_runs.hpp"
#include "analysis/run_comparison_gate.hpp"
#include "analysis/run_comparison_json.hpp"
#include "base/file.hpp"
#include "cli/command.hpp"
#include "measure/range_list.hpp"
#include "report/case_view.hpp"
#include "report/run_comparison_text.hpp"
#include "results/run_folder.hpp"

namespace ridgeline::cli {
namespace {

constexpr const char* kFooter =
    "A verdict is FASTER or SLOWER when the change lies wholly beyond the margin, SAME when it "
    "lies\n"
    "wholly inside, else UNDECIDED. Of energy and memory FASTER reads as less, SLOWER as more.\n"
    "Times rest on the medians of invocations (worker processes): give both runs --invocations 5\n"
    "or more, on one machine. A folder of several runs counts as one run: measure BASE and NEW in\n"
    "turns, a few invocations at a time, so that both see the same states of the machine.\n\n"
    "Examples:\n"
    "  ridgeline compare runs/main runs/branch\n"
    "  ridgeline compare runs/main runs/branch --fail-on slower:5%,energy:5%,missing\n"
    "  ridgeline compare runs/native runs/peer --across engine\n"
    "  ridgeline compare main.jsonl branch.jsonl --format markdown --output comment.md\n\n"
    "Exit code: 0 done, 1 the gate of --fail-on tripped, 2 wrong usage, a missing file, or "
    "machines\n"
    "that are not alike. docs/comparing.md has a recipe for CI.";

struct Flags {
  std::string base;
  std::string now;
  std::string margin = "1%";
  std::string confidence = "95%";
  std::vector<std::string> metrics;
  std::vector<std::string> across;
  std::string fail_on;
  bool has_gate = false;  // also with an empty text, which is an error: no gate by accident
  std::string format = "table";
  bool json = false;
  std::string output;
};

Result<double> parse_confidence(const std::string& text) {
  const bool percent = text.ends_with('%');
  char* end = nullptr;
  const std::string digits = percent ? text.substr(0, text.size() - 1) : text;
  const double value = std::strtod(digits.c_str(), &end) / (percent ? 100 : 1);
  if (digits.empty() || *end != '\0' || !(value >= 0.5 && value <= 0.9999)) {
    return bad_input(
        fmt::format("--confidence: {} is not between 50% and 99.99%", measure::in_quotes(text)));
  }
  return value;
}

// "a,b" and "c" as a, b, c.
Result<std::vector<std::string>> names(const std::vector<std::string>& given, const char* flag) {
  std::vector<std::string> all;
  for (const std::string& text : given) {
    RIDGELINE_TRY(auto some, measure::parse_name_list(text, flag));
    for (std::string& name : some) all.push_back(std::move(name));
  }
  return all;
}

// "bert-base 8×128 float32", and what is not usual: what was asked for, not what an engine chose.
std::string name_of(const Json& record) {
  const report::CaseView view = report::case_view(record);
  std::string name = fmt::format("{} {} {}", view.model, view.shape, view.dtype);
  if (view.device != "cpu") name += " " + view.device;
  if (view.engine != "native") name += " " + view.engine;
  for (const auto& [id, value] : analysis::manifest_of(record).knobs) {
    if (!value.empty()) name += fmt::format(" {}={}", id, value);
  }
  return name;
}

Result<analysis::RunComparisonOptions> options_of(const Flags& flags) {
  analysis::RunComparisonOptions options;
  RIDGELINE_TRY(options.rule.margin, measure::parse_share(flags.margin, "--margin"));
  RIDGELINE_TRY(options.rule.confidence, parse_confidence(flags.confidence));
  RIDGELINE_TRY(const auto across, names(flags.across, "--across"));
  RIDGELINE_TRY(options.across, analysis::parse_across(across));
  if (!flags.metrics.empty()) {
    RIDGELINE_TRY(const auto metrics, names(flags.metrics, "--metrics"));
    RIDGELINE_TRY(options.metrics, analysis::parse_metrics(metrics));
  }
  options.name_of = name_of;
  return options;
}

Result<std::string> written(const report::RunComparisonView& view, const std::string& format) {
  if (format == "table") return report::run_comparison_text(view);
  if (format == "markdown") return report::run_comparison_markdown(view);
  if (format == "json") {
    const Json json =
        analysis::to_json(view.comparison, view.base, view.now, view.options, view.gate);
    return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
  }
  return bad_input(fmt::format("--format: {} is none", measure::in_quotes(format)),
                   "write table, markdown or json");
}

// The records of a run, of a .jsonl file, or of all runs in a folder, pooled.
Result<std::vector<Json>> records_of(const std::string& path) {
  RIDGELINE_TRY(const std::vector<std::string> folders, results::run_folders_in(path));
  std::vector<std::vector<Json>> runs;
  for (const std::string& folder : folders) {
    RIDGELINE_TRY(auto records, results::read_records(folder));
    runs.push_back(std::move(records));
  }
  if (runs.empty()) {
    RIDGELINE_TRY(auto records, results::read_records(path));
    runs.push_back(std::move(records));
  }
  std::vector<Json> cases = runs.size() == 1 ? std::move(runs.front()) : analysis::pool_runs(runs);
  if (!cases.empty()) return cases;
  return bad_input(fmt::format("{} has no records", path), "let its run finish a case");
}

Result<int> run(const Flags& flags) {
  const std::string format = flags.json ? "json" : flags.format;
  if (flags.json && flags.format != "table" && flags.format != "json") {
    return bad_input("--json and --format contradict each other", "give one of them");
  }
  RIDGELINE_TRY(const auto options, options_of(flags));
  std::optional<analysis::Gate> gate;
  if (flags.has_gate) {
    RIDGELINE_TRY(gate, analysis::parse_gate(flags.fail_on));
  }
  RIDGELINE_TRY(const auto base, records_of(flags.base));
  RIDGELINE_TRY(const auto now, records_of(flags.now));
  RIDGELINE_TRY(auto comparison, analysis::compare_runs(base, now, options));
  analysis::add_power(comparison);

  report::RunComparisonView view{
      comparison, {flags.base, &base}, {flags.now, &now}, options, std::nullopt};
  if (gate) {
    view.gate =
        analysis::GateOutcome{flags.fail_on, analysis::trips(comparison, base, *gate, options)};
  }
  RIDGELINE_TRY(const std::string text, written(view, format));
  if (flags.output.empty()) {
    std::fputs(text.c_str(), stdout);
  } else {
    RIDGELINE_CHECK(write_text_file(flags.output, text));
    std::fputs(report::run_comparison_text(view).c_str(), stdout);
  }
  return view.gate && !view.gate->reasons.empty() ? kCaseFailed : kDone;
}

}  // namespace

void add_compare(CLI::App& app, Context& context) {
  CLI::App& command = *app.add_subcommand(
      "compare", "Compare two runs: FASTER, SLOWER, SAME or UNDECIDED; a gate for CI");
  command.footer(kFooter);
  auto flags = std::make_shared<Flags>();
  command.add_option("BASE", flags->base, "run folder or records.jsonl to compare with")
      ->required()
      ->option_text(" ");
  command.add_option("NEW", flags->now, "run folder or records.jsonl to judge")
      ->required()
      ->option_text(" ");
  command
      .add_option("--fail-on", flags->fail_on,
                  "exit with 1 when: slower:5%, energy:5%, memory:5%\n"
                  "(without a number any loss beyond the margin),\n"
                  "undecided, missing")
      ->type_name("LIST");
  command.add_option("--margin", flags->margin, "changes inside it count as the same")
      ->type_name("SHARE")
      ->capture_default_str();
  command
      .add_option("--confidence", flags->confidence, "of intervals, and against any false verdict")
      ->type_name("SHARE")
      ->capture_default_str();
  command
      .add_option("--metrics", flags->metrics,
                  "what is compared (default: latency,ttft,tpot,itl,\n"
                  "energy,memory); also load, throughput.token, …")
      ->type_name("NAME,...")
      ->allow_extra_args(false);
  command
      .add_option("--across", flags->across,
                  "members of the manifest that may differ: engine,\n"
                  "optimize,dtype,threads,device,machine,…")
      ->type_name("NAME,...")
      ->allow_extra_args(false);
  command.add_option("--format", flags->format, "how it is shown")
      ->type_name("table|markdown|json")
      ->capture_default_str();
  command.add_flag("--json", flags->json, "--format json (ridgeline-run-comparison/1)");
  command.add_option("--output", flags->output, "write it to this file; stdout then has the table")
      ->type_name("FILE");
  command.callback([flags, &command, &context] {
    flags->has_gate = command.count("--fail-on") > 0;
    const Result<int> code = run(*flags);
    context.exit_code = code ? *code : fail(code.error());
  });
}

}  // namespace ridgeline::cli
