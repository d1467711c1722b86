// forward, generate, prepare and synthesize: tensors in files in, tensors in files out.
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
  std::int64_t max_new_tokens = 0;
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

bool has_data(const measure::Workload& workload) {
  return !workload.texts.empty() || !workload.images.empty() || !workload.audio.empty();
}

// The inputs of `generate`: a file of tensors, or texts, pictures and sounds.
Result<Json> generate_fields(const Flags& flags, const measure::Workload& workload) {
  Json fields = Json::object();
  if (has_data(workload)) {
    if (!flags.inputs.empty()) {
      return bad_input("--inputs and --text, --image or --audio exclude each other");
    }
    fields = measure::to_json(workload);
  } else if (flags.inputs.empty()) {
    return bad_input("nothing to start from", "give --inputs, --text or --audio");
  } else if (!std::filesystem::exists(flags.inputs)) {
    return bad_input(fmt::format("no such file: {}", flags.inputs));
  } else {
    fields["inputs"] = absolute_path(flags.inputs);
    if (flags.outputs.empty()) return bad_input("--inputs needs --outputs");
  }
  if (!flags.outputs.empty()) {
    RIDGELINE_CHECK(check_output_folder(flags.outputs));
    fields["outputs"] = absolute_path(flags.outputs);
  }
  fields["max_new_tokens"] = flags.max_new_tokens;
  return fields;
}

Result<int> generate(const Flags& flags, const Context& context) {
  if (flags.max_new_tokens < 1) {
    return bad_input(
        fmt::format("--max-new-tokens: {} is below the minimum 1", flags.max_new_tokens));
  }
  RIDGELINE_TRY(const auto one, single_case(flags.plan->assignments()));
  RIDGELINE_TRY(Json fields, generate_fields(flags, one.cases.front().workload));
  RIDGELINE_TRY(const Json reply, ask_engine(one.configuration, "generate", std::move(fields),
                                             /*load_first=*/true, context));
  const Json texts = reply.value("texts", Json());
  if (!flags.inputs.empty() || !texts.is_array()) {
    for (const auto& [name, shape] : reply.at("outputs").items()) {
      std::printf("%s %s\n", name.c_str(), to_line(shape).c_str());
    }
  } else {
    for (const Json& text : texts) {
      // A text may hold any byte, zero too.
      const std::string line = (text.is_string() ? text.get<std::string>() : "") + "\n";
      std::fwrite(line.data(), 1, line.size(), stdout);
    }
  }
  if (!flags.outputs.empty()) {
    std::fprintf(stderr, "ridgeline: wrote %s\n", flags.outputs.c_str());
  }
  return kDone;
}

Result<int> prepare(const Flags& flags, const Context& context) {
  RIDGELINE_TRY(const auto one, single_case(flags.plan->assignments()));
  const measure::Workload& workload = one.cases.front().workload;
  if (!has_data(workload)) {
    return bad_input("nothing to prepare",
                     "give --text, --image or --audio (several make a batch)");
  }
  RIDGELINE_CHECK(check_output_folder(flags.outputs));
  Json fields = measure::to_json(workload);
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
  auto flags = add_flags(command, {"models", "engine", "engine_python", "architecture", "weights",
                                   "dtype", "device", "threads", "cores", "optimize", "seed"});
  command.add_option("--inputs", flags->inputs, "safetensors file")->required();
  command.add_option("--outputs", flags->outputs, "safetensors file to write")->required();
  run_with(command, flags, context, forward);
}

void add_generate(CLI::App& app, Context& context) {
  CLI::App& command = *app.add_subcommand(
      "generate", "Continue a prompt or transcribe a sound, greedily, as HF's generate() does");
  auto flags = add_flags(
      command, {"models", "engine", "engine_python", "architecture", "weights", "dtype", "device",
                "threads", "cores", "optimize", "seed", "text", "text_file", "audio", "chat"});
  command.add_option("--inputs", flags->inputs, "safetensors file, instead of --text or --audio");
  command.add_option("--outputs", flags->outputs, "safetensors file to write `sequences` to");
  command.add_option("--max-new-tokens", flags->max_new_tokens, "tokens at most")->required();
  run_with(command, flags, context, generate);
}

void add_prepare(CLI::App& app, Context& context) {
  CLI::App& command = *app.add_subcommand(
      "prepare",
      "Turn text, pictures and sounds into a model's inputs, as its Hugging Face processor does");
  auto flags = add_flags(command, {"models", "engine", "engine_python", "architecture", "text",
                                   "text_file", "image", "audio", "chat"});
  command.add_option("--outputs", flags->outputs, "safetensors file to write")->required();
  run_with(command, flags, context, prepare);
}

void add_synthesize(CLI::App& app, Context& context) {
  CLI::App& command = *app.add_subcommand(
      "synthesize", "Write the synthetic weights as a checkpoint that any engine can load");
  auto flags =
      add_flags(command, {"models", "engine", "engine_python", "architecture", "dtype", "seed"});
  command.add_option("--outputs", flags->outputs, "new folder")->required();
  run_with(command, flags, context, synthesize);
}

}  // namespace ridgeline::cli
