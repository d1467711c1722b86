// peaks: what this machine can do at best, measured, beside what its vendor promises.
#include <fmt/format.h>
#include <unistd.h>
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cctype>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "base/clock.hpp"
#include "base/file.hpp"
#include "cli/command.hpp"
#include "cli/status_line.hpp"
#include "machine/inventory.hpp"
#include "report/peaks_text.hpp"
#include "report/text.hpp"
#include "study/peaks.hpp"

namespace ridgeline::cli {
namespace {

constexpr const char* kDescription =
    "Measure this machine's ceilings: memory bandwidth, matrix products, launch, transfers";
constexpr const char* kFooter =
    "Takes up to 20 s for two cores, and less than a minute for a GPU. What was measured is "
    "remembered for\nthis machine, engine, device, threads and cores (docs/peaks.md).";

struct Flags {
  study::PeaksOptions options;
  std::optional<std::int64_t> threads;
  bool json = false;
  bool quiet = false;
  std::string output;
};

Status check(const Flags& flags) {
  const std::string& device = flags.options.device;
  const auto colon = device.find(':');
  const bool numbered = colon != std::string::npos && colon > 0 && colon + 1 < device.size() &&
                        std::all_of(device.begin() + static_cast<std::ptrdiff_t>(colon) + 1,
                                    device.end(), [](unsigned char c) { return std::isdigit(c); });
  if (device != "all" && device != "cpu" && !numbered) {
    return bad_input(fmt::format("--device: '{}' is no device", device),
                     "write cpu, cuda:0 or all");
  }
  if (!(flags.options.seconds >= 0.01 && flags.options.seconds <= 60)) {
    return bad_input(
        fmt::format("--seconds: {} is not between 0.01 and 60", flags.options.seconds));
  }
  if (flags.threads && (*flags.threads < 1 || *flags.threads > 4096)) {
    return bad_input(fmt::format("--threads: {} is not between 1 and 4096", *flags.threads));
  }
  return {};
}

Result<int> run(Flags& flags, const Context& context) {
  RIDGELINE_CHECK(check(flags));
  StatusLine progress(flags.quiet);
  if (flags.threads) flags.options.threads = static_cast<int>(*flags.threads);
  flags.options.interrupt = context.interrupt;
  flags.options.on_progress = [&](const study::PeaksProgress& now) {
    progress.show(fmt::format("[{}/{}] {} {}", now.number, now.probes, now.device, now.probe));
  };
  const machine::Machine machine = machine::inventory();
  RIDGELINE_TRY(const measure::Instruments instruments,
                measure::Instruments::open({"auto"}, {}, "", machine::fingerprint(machine)));
  flags.options.instruments = &instruments;
  const auto peaks = study::measure_peaks(flags.options, machine);
  progress.clear();
  if (!peaks) return peaks.error();
  const Json json = study::to_json(*peaks, utc_timestamp());
  const std::string text = json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
  std::fputs(flags.json ? text.c_str() : report::peaks_text(json).c_str(), stdout);
  if (!peaks->not_kept.empty()) {
    std::fprintf(stderr, "ridgeline: not remembered: %s\n", peaks->not_kept.c_str());
  }
  if (!flags.output.empty()) RIDGELINE_CHECK(write_text_file(flags.output, text));
  return peaks->failures() > 0 ? kCaseFailed : kDone;
}

}  // namespace

void add_peaks(CLI::App& app, Context& context) {
  CLI::App& command = *app.add_subcommand("peaks", kDescription);
  command.footer(kFooter);
  auto flags = std::make_shared<Flags>();
  study::PeaksOptions& options = flags->options;
  command.add_option("--device", options.device, "cpu, cuda:0, or all that the engine has")
      ->capture_default_str();
  command.add_option("--threads", flags->threads, "CPU threads (default: physical cores)");
  command.add_option("--cores", options.cores, "CPUs to bind to, such as 0-3,8");
  command.add_option("--seconds", options.seconds, "time of each probe")->capture_default_str();
  command
      .add_option("--only", options.only,
                  "only these ceilings, by id (read, gemm.bfloat16, …); not remembered")
      ->delimiter(',')
      ->type_name("ID,...");
  command.add_option("--engine", options.engine, "which engine measures")->capture_default_str();
  command.add_flag("--power", options.power,
                   "read the power under the loads of read and products too (about 7 s each); the "
                   "energy-efficiency score of a report needs it");
  command.add_flag("--refresh", options.refresh, "measure again what is remembered");
  command.add_flag("--json", flags->json, "print JSON (ridgeline-peaks/1)");
  command.add_flag("--quiet", flags->quiet, "no progress");
  command.add_option("--output", flags->output, "write the JSON to this file too")
      ->type_name("FILE");
  command.callback([flags, &context] {
    const Result<int> code = run(*flags, context);
    context.exit_code = code ? *code : fail(code.error());
  });
}

}  // namespace ridgeline::cli
