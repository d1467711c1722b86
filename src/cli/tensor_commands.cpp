// forward, prepare and synthesize: tensors in files in, tensors in files out.
#include <fmt/format.h>
#include <CLI/CLI.hpp>
#include <cstdio>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "cli/command.hpp"
#include "cli/one_shot.hpp"
#include "cli/plan_flags.hpp"

namespace ridgeline::cli {
namespace {

struct Flags {
  std::unique_ptr<PlanFlags> plan;
  std::string inputs;
  std::string outputs;
};

std::shared_ptr<Flags> add_flags(CLI::App& command, const std::vector<std::string_view>& keys) {
  auto flags = std::make_shared<Flags>();
  flags->plan = std::make_unique<PlanFlags>(command, keys, /*many_models=*/false);
  return flags;
}

Status check_output_folder(const std::string& path) {
  const auto parent = std::filesystem::path(absolute_path(path)).parent_path();
  if (std::filesystem::is_directory(parent)) return {};
  return bad_input(fmt::format("the folder {} does not exist", parent.string()));
}

// "last_hidden_state [2, 16, 32]" a line: what was written.
int print_shapes(const Json& reply, const std::string& path) {
  for (const auto& [name, shape] : reply.at("outputs").items()) {
    std::printf("%s %s\n", name.c_str(), to_line(shape).c_str());
  }
  std::fprintf(stderr, "ridgeline: wrote %s\n", path.c_str());
  return kDone;
}

Result<int> forward(const Flags& flags, const Context& context) {
  RIDGELINE_TRY(const auto one, single_case(flags.plan->assignments()));
  if (!std::filesystem::exists(flags.inputs)) {
    return bad_input(fmt::format("no such file: {}", flags.inputs));
  }
  RIDGELINE_CHECK(check_output_folder(flags.outputs));
  RIDGELINE_TRY(const Json reply, ask_engine(one.configuration, "forward",
                                             {{"inputs", absolute_path(flags.inputs)},
                                              {"outputs", absolute_path(flags.outputs)}},
                                             /*load_first=*/true, context));
  return print_shapes(reply, flags.outputs);
}

Result<int> prepare(const Flags& flags, const Context& context) {
  RIDGELINE_TRY(const auto one, single_case(flags.plan->assignments()));
  const measure::Workload& workload = one.cases.front().workload;
  if (workload.texts.empty()) {
    return bad_input("nothing to prepare", "give --text (several make a batch) or --text-file");
  }
  RIDGELINE_CHECK(check_output_folder(flags.outputs));
  Json fields = measure::wire_workload(workload);
  fields["outputs"] = absolute_path(flags.outputs);
  RIDGELINE_TRY(const Json reply, ask_engine(one.configuration, "prepare", std::move(fields),
                                             /*load_first=*/false, context));
  return print_shapes(reply, flags.outputs);
}

Result<int> synthesize(const Flags& flags, const Context& context) {
  RIDGELINE_TRY(const auto one, single_case(flags.plan->assignments()));
  RIDGELINE_CHECK(check_output_folder(flags.outputs));
  RIDGELINE_TRY(const Json reply, ask_engine(one.configuration, "synthesize",
                                             {{"outputs", absolute_path(flags.outputs)}},
                                             /*load_first=*/false, context));
  std::fprintf(stderr, "ridgeline: wrote %s tensors, %s parameters to %s\n",
               to_line(reply.at("tensors")).c_str(), to_line(reply.at("parameters")).c_str(),
               flags.outputs.c_str());
  return kDone;
}

using Run = Result<int> (*)(const Flags& flags, const Context& context);

void run_with(CLI::App& command, std::shared_ptr<Flags> flags, Context& context, Run run) {
  command.callback([flags = std::move(flags), &context, run] {
    const Result<int> code = run(*flags, context);
    context.exit_code = code ? *code : fail(code.error());
  });
}

}  // namespace

void add_forward(CLI::App& app, Context& context) {
  CLI::App& command = *app.add_subcommand(
      "forward", "Run a model once: tensors named as HF forward() arguments in, outputs out");
  auto flags = add_flags(command, {"models", "engine", "architecture", "weights", "dtype", "device",
                                   "threads", "cores", "optimize", "seed"});
  command.add_option("--inputs", flags->inputs, "safetensors file")->required();
  command.add_option("--outputs", flags->outputs, "safetensors file to write")->required();
  run_with(command, flags, context, forward);
}

void add_prepare(CLI::App& app, Context& context) {
  CLI::App& command = *app.add_subcommand(
      "prepare", "Turn text into a model's inputs, as its Hugging Face processor does");
  auto flags = add_flags(command, {"models", "engine", "text", "text_file"});
  command.add_option("--outputs", flags->outputs, "safetensors file to write")->required();
  run_with(command, flags, context, prepare);
}

void add_synthesize(CLI::App& app, Context& context) {
  CLI::App& command = *app.add_subcommand(
      "synthesize", "Write the synthetic weights as a checkpoint that any engine can load");
  auto flags = add_flags(command, {"models", "engine", "architecture", "dtype", "seed"});
  command.add_option("--outputs", flags->outputs, "new folder")->required();
  run_with(command, flags, context, synthesize);
}

}  // namespace ridgeline::cli
