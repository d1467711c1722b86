// verify: native against transformers on this machine, outputs and greedy tokens.
#include <fmt/format.h>
#include <unistd.h>
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "cli/command.hpp"
#include "cli/plan_flags.hpp"
#include "cli/status_line.hpp"
#include "report/text.hpp"
#include "report/verify_text.hpp"
#include "study/verify.hpp"

namespace ridgeline::cli {
namespace {

constexpr const char* kFooter =
    "Runs one engine after the other on the same weights and inputs. Exit code: 0 they agree, 1 "
    "they "
    "do\nnot, 2 wrong usage, 3 something is missing here (transformers, memory, room in TMPDIR).";

constexpr std::int64_t kMostNewTokens = 4096;

struct Flags {
  std::unique_ptr<PlanFlags> plan;
  std::int64_t max_new_tokens = 16;
  bool json = false;
  bool quiet = false;
};

// The engine to compare with, unless one was named.
std::vector<measure::Assignment> with_peer(std::vector<measure::Assignment> flags) {
  const bool named = std::any_of(flags.begin(), flags.end(),
                                 [](const auto& flag) { return flag.key == "engine"; });
  if (!named) flags.push_back({"engine", {"transformers"}, "--engine"});
  return flags;
}

Result<int> run(const Flags& flags, const Context& context) {
  if (flags.max_new_tokens < 0 || flags.max_new_tokens > kMostNewTokens) {
    return bad_input(fmt::format("--max-new-tokens: {} is not between 0 and {}",
                                 flags.max_new_tokens, kMostNewTokens));
  }
  RIDGELINE_TRY(const auto one, single_case(with_peer(flags.plan->assignments())));
  study::VerifyOptions options;
  options.configuration = one.configuration;
  options.workload = one.cases.front().workload;
  // Of measured decoding: here --max-new-tokens behind the prompt counts.
  options.workload.depth.reset();
  options.workload.new_tokens.reset();
  options.new_tokens = flags.max_new_tokens;
  options.interrupt = context.interrupt;
  StatusLine progress(flags.quiet);
  options.on_stage = [&](const std::string& stage) { progress.show(stage); };
  const auto verification = study::verify(options);
  progress.clear();
  if (!verification) {
    const ErrorClass what = verification.error().error_class;
    const bool no_memory = what == ErrorClass::kOomHost || what == ErrorClass::kOomDevice;
    // Exit code 1 says that the engines disagree; who has too little memory does not know that.
    if (!no_memory) return verification.error();
    return environment_error(verification.error().message, verification.error().remedy);
  }
  const Json json = study::to_json(*verification);
  const std::string text = json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
  std::fputs(flags.json ? text.c_str() : report::verify_text(json).c_str(), stdout);
  return verification->passed() ? kDone : kCaseFailed;
}

}  // namespace

void add_verify(CLI::App& app, Context& context) {
  CLI::App& command = *app.add_subcommand(
      "verify", "Compare the outputs of native with those of transformers on this machine");
  command.footer(kFooter);
  auto flags = std::make_shared<Flags>();
  flags->plan = std::make_unique<PlanFlags>(
      command,
      std::vector<std::string_view>{"models", "engine", "engine_python", "architecture", "weights",
                                    "dtype", "device", "threads", "cores", "batch", "sequence",
                                    "image_size", "text", "text_file", "image", "audio", "chat",
                                    "optimize", "seed"},
      /*many_models=*/false);
  command
      .add_option("--max-new-tokens", flags->max_new_tokens, "tokens to decode greedily; 0: none")
      ->capture_default_str();
  command.add_flag("--json", flags->json, "print JSON (ridgeline-verify/1)");
  command.add_flag("--quiet", flags->quiet, "no progress");
  command.callback([flags, &context] {
    const Result<int> code = run(*flags, context);
    context.exit_code = code ? *code : fail(code.error());
  });
}

}  // namespace ridgeline::cli
