// run: the main job. Flags and plan file → plan → run folder → session → table and report.
#include <fmt/format.h>
#include <unistd.h>
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <utility>

#include "analysis/comparison.hpp"
#include "base/cache_folder.hpp"
#include "base/clock.hpp"
#include "cli/command.hpp"
#include "cli/one_shot.hpp"
#include "cli/plan_flags.hpp"
#include "cli/report_job.hpp"
#include "machine/inventory.hpp"
#include "machine/validity.hpp"
#include "measure/busy.hpp"
#include "measure/device_flags.hpp"
#include "measure/engine_device.hpp"
#include "measure/engine_locator.hpp"
#include "measure/engine_name.hpp"
#include "measure/flags.hpp"
#include "measure/plan_file.hpp"
#include "measure/plan_keys.hpp"
#include "measure/session.hpp"
#include "report/console.hpp"
#include "report/progress.hpp"

namespace ridgeline::cli {
namespace {

struct Flags {
  std::unique_ptr<PlanFlags> plan;
  std::string plan_file;
  std::string resume;
  std::string report = "html";
  bool dry_run = false;
  bool json = false;
  bool quiet = false;
};

// What is to be run, and where its results go.
struct Job {
  measure::Plan plan;
  measure::Matrix matrix;
  machine::Machine machine;
  Json machine_json;
};

Result<measure::Plan> asked_plan(const Flags& flags) {
  std::vector<measure::Assignment> file;
  if (!flags.plan_file.empty()) {
    RIDGELINE_TRY(file, measure::read_plan_file(flags.plan_file));
  }
  RIDGELINE_TRY(const measure::Plan plan, measure::make_plan(file, flags.plan->assignments()));
  return measure::resolve(plan, plan_context());
}

Result<measure::Plan> stored_plan(const Flags& flags) {
  if (flags.plan->any() || !flags.plan_file.empty()) {
    return bad_input("--resume takes the plan of the run folder, and no flags that change it");
  }
  if (!results::is_run_folder(flags.resume)) {
    return bad_input(fmt::format("{} is not a run folder", flags.resume));
  }
  RIDGELINE_TRY(const results::RunFolder folder, results::RunFolder::open(flags.resume));
  RIDGELINE_TRY(const Json json, folder.plan());
  RIDGELINE_TRY(measure::Plan plan, measure::plan_from_json(json, flags.resume + "/plan.json"));
  plan.output = flags.resume;
  return plan;
}

Result<Job> make_job(const Flags& flags) {
  Job job;
  RIDGELINE_TRY(job.plan, flags.resume.empty() ? asked_plan(flags) : stored_plan(flags));
  job.machine = machine::inventory();
  job.machine_json = machine::to_json(job.machine);
  // One thread a physical core: what hyper-threads add to matrix products is noise.
  const auto cores = machine::physical_cores(job.machine);
  if (job.plan.threads.empty() && !cores.empty()) {
    job.plan.threads = {static_cast<std::int64_t>(cores.size())};
  }
  RIDGELINE_TRY(job.matrix, measure::expand(job.plan, plan_context()));
  return job;
}

Result<results::RunFolder> open_folder(const Job& job, const Context& context) {
  const std::string path = job.plan.output.empty() ? results::new_run_path() : job.plan.output;
  if (!results::is_run_folder(path)) {
    return results::RunFolder::create(path, measure::to_json(job.plan), context.command_line,
                                      job.machine_json);
  }
  RIDGELINE_TRY(results::RunFolder folder, results::RunFolder::open(path));
  RIDGELINE_TRY(const Json json, folder.plan());
  RIDGELINE_TRY(const measure::Plan stored, measure::plan_from_json(json, path + "/plan.json"));
  RIDGELINE_CHECK(measure::check_same_plan(stored, job.plan));
  return folder;
}

report::ProgressState progress_state(const measure::SessionProgress& session) {
  report::ProgressState state;
  state.elapsed_seconds = session.elapsed_seconds;
  state.budget_seconds = session.budget_seconds;
  state.case_number = session.case_number;
  state.cases = session.cases;
  state.case_label = session.case_label;
  state.invocation = static_cast<int>(session.invocation);
  state.invocations = static_cast<int>(session.invocations);
  state.stage = static_cast<report::Stage>(session.now.stage);
  state.median_seconds = session.now.median;
  state.half_width_seconds = session.now.half_width;
  return state;
}

// The accelerators of a plan by their PCI addresses; the CPU and what an engine does not tell have
// none.
std::vector<std::string> addresses_of(const measure::Plan& plan, const Context& context) {
  std::vector<std::string> addresses;
  std::vector<std::string> unknown = plan.devices;
  std::erase(unknown, "cpu");
  std::vector<std::string> asked;
  for (const std::string& engine : plan.engines) {
    // A device is the same one for every engine, and some engines take seconds to say hello.
    if (unknown.empty()) break;
    const std::string program = measure::parse_engine(engine).program;
    if (std::find(asked.begin(), asked.end(), program) != asked.end()) continue;
    asked.push_back(program);
    const auto hello = engine_hello(engine, plan.engine_python, context);
    if (!hello) continue;
    std::erase_if(unknown, [&](const std::string& device) {
      const std::string address = measure::device_address(*hello, device);
      if (!address.empty()) addresses.push_back(address);
      return !address.empty();
    });
  }
  return addresses;
}

std::vector<results::Flag> environment_of(const Job& job,
                                          const std::vector<telemetry::DeviceState>& devices) {
  const int threads = job.plan.threads.empty() ? 0 : static_cast<int>(job.plan.threads.front());
  auto flags = measure::record_flags(
      machine::environment_flags(job.machine, threads, machine::read_settings(job.machine)));
  for (results::Flag& flag : measure::device_flags(devices)) flags.push_back(std::move(flag));
  return flags;
}

// The cache folder, or nothing: without one sensors are calibrated anew in each run.
std::string cache_folder_or_empty() {
  const Result<std::string> folder = cache_folder();
  return folder ? *folder : std::string();
}

Result<measure::SessionResult> run_job(const Job& job, measure::Instruments& instruments,
                                       results::RunFolder& folder, report::Progress& progress,
                                       const Context& context) {
  const measure::MachineLimits limits = measure::read_limits(job.machine);
  const std::vector<std::string> addresses = addresses_of(job.plan, context);
  const auto devices = [&] { return measure::devices_of(instruments.sources(), addresses); };
  const std::vector<telemetry::DeviceState> present = devices();
  Json machine_json = job.machine_json;
  machine_json["devices"] = Json::array();
  for (const telemetry::DeviceState& one : present) {
    machine_json["devices"].push_back(telemetry::to_json(one));
  }
  measure::SessionOptions options;
  options.plan = &job.plan;
  options.matrix = &job.matrix;
  options.folder = &folder;
  options.command = context.command_line;
  options.machine = &machine_json;
  options.environment = environment_of(job, present);
  measure::BusyOptions busy;
  busy.mode = job.plan.busy;
  for (const std::int64_t threads : job.plan.threads) {
    busy.cpus = std::max(busy.cpus, static_cast<double>(threads));
  }
  busy.on_wait = [&](const std::string& line) { progress.message("ridgeline: " + line); };
  const measure::BusyWorld world = measure::this_world(context.interrupt, devices);
  bool first = true;
  options.check_busy = [&]() -> Result<std::vector<results::Flag>> {
    // A look takes 0.3 s: only who waits for quiet pays for one before each process.
    if (!std::exchange(first, false) && busy.mode != "wait") return std::vector<results::Flag>();
    return measure::check_busy(busy, world);
  };
  options.instruments = &instruments;
  options.limits = &limits;
  options.interrupt = context.interrupt;
  options.on_progress = [&](const measure::SessionProgress& now) {
    progress.update(progress_state(now), now_ns());
  };
  options.on_invocation = [&](const measure::SessionProgress& now) {
    progress.finish_invocation(progress_state(now));
  };
  options.on_problem = [&](const std::string& line) {
    progress.message("ridgeline: " + line, true);
  };
  auto result = measure::run_session(options);
  // What was learned of the sensors; a cache that cannot be written costs seconds next time.
  if (result) (void)instruments.calibrations().save();
  return result;
}

// "none", or formats as `ridgeline report` takes them.
Result<std::vector<report::ReportFormat>> report_formats(const Flags& flags) {
  if (flags.report == "none") return std::vector<report::ReportFormat>();
  auto formats = report::parse_formats(flags.report);
  if (formats) return formats;
  Error error = std::move(formats).error();
  error.message.replace(0, error.message.find(':'), "--report");
  error.remedy += ", or none";
  return error;
}

// The report of everything that the folder has by now, also after Ctrl-C.
int write_report(const Flags& flags, const std::vector<report::ReportFormat>& formats,
                 const std::string& folder, const Context& context) {
  const auto paths = write_run_report(folder, formats, context);
  if (!paths) return fail(paths.error());
  for (const std::string& path : *paths) {
    if (!flags.json) std::printf("%-9s %s\n", "report", path.c_str());
  }
  return kDone;
}

void print_results(const Flags& flags, const std::vector<Json>& records,
                   const report::RunInfo& info) {
  if (flags.json) {
    for (const Json& record : records) std::puts(to_line(record).c_str());
    for (const analysis::Comparison& one : info.comparisons) {
      std::puts(to_line(analysis::to_json(one, records)).c_str());
    }
  } else {
    std::fputs(report::summary_text(records, info).c_str(), stdout);
  }
}

Result<int> run(const Flags& flags, const Context& context) {
  RIDGELINE_TRY(const auto formats, report_formats(flags));
  RIDGELINE_TRY(const Job job, make_job(flags));
  if (flags.dry_run) {
    std::fputs(measure::describe(job.plan, job.matrix).c_str(), stdout);
    return kDone;
  }
  for (const measure::ConfigurationCases& one : job.matrix.configurations) {
    RIDGELINE_TRY(const std::string program, measure::locate_engine(one.configuration.engine));
  }
  const std::int64_t begin = now_ns();
  // Before the folder is made: a source that does not exist leaves nothing behind.
  RIDGELINE_TRY(
      measure::Instruments instruments,
      measure::Instruments::open(job.plan.sensors, telemetry::Environment(),
                                 cache_folder_or_empty(), machine::fingerprint(job.machine)));
  RIDGELINE_TRY(results::RunFolder folder, open_folder(job, context));
  report::Progress progress(report::progress_options(STDERR_FILENO, flags.quiet),
                            [](std::string_view text) {
                              std::fwrite(text.data(), 1, text.size(), stderr);
                              std::fflush(stderr);
                            });
  const auto result = run_job(job, instruments, folder, progress, context);
  progress.clear();
  if (!result) return result.error();
  RIDGELINE_TRY(const std::vector<Json> records, results::read_records(folder.path()));
  report::RunInfo info;
  info.command = context.command_line;
  info.folder = folder.path();
  info.elapsed_seconds = 1e-9 * static_cast<double>(now_ns() - begin);
  info.interrupted = result->interrupted;
  info.comparisons =
      analysis::compare_engines(records, job.plan.engines, measure::baseline_of(job.plan));
  print_results(flags, records, info);
  const int reported = write_report(flags, formats, folder.path(), context);
  if (info.interrupted) {
    std::fprintf(stderr, "ridgeline: interrupted; go on with `ridgeline run --resume %s`\n",
                 info.folder.c_str());
    return kInterrupted;
  }
  for (const Json& record : records) {
    if (record.at("outcome").at("status") != "ok") return kCaseFailed;
  }
  return reported;
}

}  // namespace

void add_run(CLI::App& app, Context& context) {
  CLI::App& command =
      *app.add_subcommand("run", "Measure models, print the table, keep every sample");
  auto flags = std::make_shared<Flags>();
  std::vector<std::string_view> keys;
  for (const measure::PlanKey& key : measure::plan_keys()) keys.push_back(key.name);
  flags->plan = std::make_unique<PlanFlags>(command, keys, /*many_models=*/true);
  command.add_option("--plan", flags->plan_file, "plan file (docs/plan.md); flags come on top")
      ->type_name("FILE");
  command.add_option("--resume", flags->resume, "go on with an interrupted run")
      ->type_name("FOLDER");
  command
      .add_option("--report", flags->report,
                  "formats of the report in the run folder (ridgeline report --help), or none")
      ->capture_default_str();
  command.add_flag("--dry-run", flags->dry_run, "show what would be run");
  command.add_flag("--json", flags->json, "print records and comparisons as JSON lines, no table");
  command.add_flag("--quiet", flags->quiet, "no progress");
  command.callback([flags, &context] {
    const Result<int> code = run(*flags, context);
    context.exit_code = code ? *code : fail(code.error());
  });
}

}  // namespace ridgeline::cli
