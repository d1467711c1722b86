// The program `ridgeline`: reads the command line and runs one command.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <cstdio>
#include <exception>
#include <string>
#include <string_view>
#include <vector>

#include "base/nearest.hpp"
#include "cli/command.hpp"

namespace ridgeline::cli {
namespace {

constexpr auto kCommands = std::to_array<AddCommand>(
    {add_run, add_machine, add_peaks, add_list, add_report, add_compare, add_cost, add_predict,
     add_prepare, add_forward, add_generate, add_synthesize, add_verify});

constexpr const char* kDescription =
    "Measures how fast Hugging Face models run on this machine, and how close to its limit.\n"
    "Start with:  ridgeline run bert-base     (ridgeline list shows what there is)";

// Quotes a word for a shell when it needs that.
std::string quoted(const std::string& word) {
  constexpr std::string_view kPlain =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./:=,@%+*";
  if (!word.empty() && word.find_first_not_of(kPlain) == std::string::npos) return word;
  std::string text = "'";
  for (const char c : word) {
    if (c == '\'')
      text += "'\\''";
    else
      text += c;
  }
  return text + "'";
}

int parse_error(const CLI::App& app, const CLI::ParseError& error) {
  if (error.get_exit_code() == 0) return app.exit(error);  // --help and --version
  std::string help = "ridgeline";
  for (const CLI::App* chosen : app.get_subcommands()) help += " " + chosen->get_name();
  std::string message = error.what();
  for (char& c : message) {
    if (static_cast<unsigned char>(c) < 0x20) c = ' ';
  }
  std::fprintf(stderr, "ridgeline: %s; see `%s --help`\n", message.c_str(), help.c_str());
  return kWrongUsage;
}

// CLI11 only says that a command is required; a typing error deserves its name.
int unknown_command(const CLI::App& app, int argc, char** argv) {
  if (argc < 2 || argv[1][0] == '-') return kDone;
  std::vector<std::string_view> names;
  for (const CLI::App* command : app.get_subcommands([](const CLI::App*) { return true; })) {
    names.push_back(command->get_name());
  }
  if (std::find(names.begin(), names.end(), argv[1]) != names.end()) return kDone;
  return fail(
      bad_input(std::string("unknown command '") + argv[1] + "'", suggestion(argv[1], names)));
}

int run_program(int argc, char** argv) {
  static Interrupt interrupt;
  interrupt_on_signals(interrupt);
  Context context;
  context.interrupt = &interrupt;
  context.command_line = "ridgeline";
  for (int i = 1; i < argc; ++i) context.command_line += " " + quoted(argv[i]);

  CLI::App app(kDescription, "ridgeline");
  app.set_version_flag("--version", std::string("ridgeline ") + RIDGELINE_VERSION);
  app.require_subcommand(1);
  app.get_formatter()->column_width(36);
  for (const AddCommand add : kCommands) add(app, context);
  if (const int wrong = unknown_command(app, argc, argv)) return wrong;
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return parse_error(app, error);
  }
  return context.exit_code;
}

}  // namespace
}  // namespace ridgeline::cli

int main(int argc, char** argv) {
  try {
    return ridgeline::cli::run_program(argc, argv);
  } catch (const std::exception& error) {
    return ridgeline::cli::fail({ridgeline::ErrorClass::kInternal, error.what(),
                                 "this is a defect: please report it with the command"});
  }
}
