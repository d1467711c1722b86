// predict: cost, memory, fit, time and limit of models on this machine or on chips, without
// weights.
#include <fmt/format.h>
#include <CLI/CLI.hpp>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "base/clock.hpp"
#include "cli/command.hpp"
#include "cli/plan_flags.hpp"
#include "machine/inventory.hpp"
#include "measure/plan_values.hpp"
#include "report/predict_text.hpp"
#include "study/predict.hpp"

namespace ridgeline::cli {
namespace {

constexpr const char* kDescription =
    "Predict cost, memory, time and limit on this machine or on other chips, from a config alone";
constexpr const char* kFooter =
    "Everything is modelled (docs/predicting.md): times come from rates of a chip and from what "
    "measured\nphases reach of them. Examples:\n"
    "  ridgeline predict llama-3-8b --dtype bfloat16 --on \"H100 SXM,L40S\" --batch 1,8,32\n"
    "  ridgeline predict bert-base --on all --rank joule\n"
    "  ridgeline predict ./my-model --dtype float32,bfloat16     (only config.json is read)";

struct Flags {
  std::unique_ptr<PlanFlags> plan;
  std::vector<std::string> on;
  std::string rank = "time";
  bool validate = false;
  bool json = false;
};

void print(const Json& json, const std::string& text, bool as_json) {
  const std::string shown =
      as_json ? json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n" : text;
  std::fputs(shown.c_str(), stdout);
}

Result<std::vector<std::string>> chips_of(const std::vector<std::string>& typed) {
  if (typed.empty()) return std::vector<std::string>{"this"};
  return measure::names_of(typed, "--on");
}

Result<int> run_validation(const Flags& flags, const Context& context) {
  if (flags.plan->any()) {
    return bad_input("--validate stands alone", "leave out the model and the other flags");
  }
  RIDGELINE_TRY(const study::Validation validation, study::validate(context.interrupt));
  const Json json = study::to_json(validation);
  print(json, report::validation_text(json), flags.json);
  return kDone;
}

Result<int> run(const Flags& flags, const Context& context) {
  if (flags.validate) return run_validation(flags, context);
  study::PredictRequest request;
  const auto rank = study::rank_from(flags.rank);
  if (!rank) {
    return bad_input(fmt::format("--rank: unknown value '{}'", flags.rank),
                     "use time, throughput, fits or joule");
  }
  request.rank = *rank;
  RIDGELINE_TRY(request.on, chips_of(flags.on));
  RIDGELINE_TRY(const measure::Plan asked, measure::make_plan({}, flags.plan->assignments()));
  RIDGELINE_TRY(const measure::Plan plan, measure::resolve(asked, plan_context()));
  RIDGELINE_TRY(request.matrix, measure::expand(plan, plan_context()));
  const measure::MachineLimits limits = measure::read_limits(machine::inventory());
  request.limits = &limits;
  request.interrupt = context.interrupt;
  RIDGELINE_TRY(const study::Predictions predictions, study::predict(request));
  const Json json = study::to_json(predictions, context.command_line, utc_timestamp());
  print(json, report::predict_text(json), flags.json);
  return kDone;
}

}  // namespace

void add_predict(CLI::App& app, Context& context) {
  CLI::App& command = *app.add_subcommand("predict", kDescription);
  command.footer(kFooter);
  auto flags = std::make_shared<Flags>();
  flags->plan = std::make_unique<PlanFlags>(
      command,
      std::vector<std::string_view>{"models", "engine", "architecture", "dtype", "batch",
                                    "sequence", "depth", "new_tokens", "image_size", "optimize",
                                    "device", "threads", "cores"},
      /*many_models=*/true);
  command
      .add_option("--on", flags->on,
                  "names of the hardware table (a part is enough), all, or this (this machine)")
      ->type_name("CHIP,...")
      ->allow_extra_args(false);
  command.add_option("--rank", flags->rank, "order of the chips: time, throughput, fits or joule")
      ->capture_default_str();
  command.add_flag("--validate", flags->validate,
                   "predict the measured phases that the model of time was fitted to");
  command.add_flag("--json", flags->json, "print JSON (ridgeline-prediction/1)");
  command.callback([flags, &context] {
    const Result<int> code = run(*flags, context);
    context.exit_code = code ? *code : fail(code.error());
  });
}

}  // namespace ridgeline::cli
