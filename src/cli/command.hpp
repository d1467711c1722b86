// What the commands share: exit codes, error lines, the table of commands.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "base/interrupt.hpp"

namespace CLI {
class App;
}

namespace ridgeline::cli {

enum ExitCode : int {
  kDone = 0,
  kCaseFailed = 1,   ///< a case failed, or a gate tripped
  kWrongUsage = 2,   ///< wrong flags or values, a missing or unusable file
  kEnvironment = 3,  ///< the machine lacks something
  kInterrupted = 130,
};

/// The exit code that an error ends a command with.
int exit_code_for(const Error& error);

/// Prints "ridgeline: message; remedy" on stderr and gives the exit code.
int fail(const Error& error);

/// Handed to every command.
struct Context {
  Interrupt* interrupt = nullptr;
  std::string command_line;  ///< as typed, quoted for a shell; for records
  int exit_code = kDone;     ///< set by the command that ran
};

/// Adds a command to the program; its callback runs it and sets context.exit_code.
using AddCommand = void (*)(CLI::App& app, Context& context);

void add_run(CLI::App& app, Context& context);
void add_list(CLI::App& app, Context& context);
void add_machine(CLI::App& app, Context& context);
void add_peaks(CLI::App& app, Context& context);
void add_cost(CLI::App& app, Context& context);
void add_generate(CLI::App& app, Context& context);
void add_prepare(CLI::App& app, Context& context);
void add_forward(CLI::App& app, Context& context);
void add_synthesize(CLI::App& app, Context& context);
void add_verify(CLI::App& app, Context& context);
void add_compare(CLI::App& app, Context& context);
void add_predict(CLI::App& app, Context& context);
void add_report(CLI::App& app, Context& context);

}  // namespace ridgeline::cli
