// machine: what this machine is, what is missing, and how to enable it.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "cli/command.hpp"
#include "cli/one_shot.hpp"
#include "machine/inventory.hpp"
#include "machine/validity.hpp"
#include "report/machine_text.hpp"
#include "telemetry/null_source.hpp"

namespace ridgeline::cli {
namespace {

int run(bool json, const Context& context) {
  const machine::Machine here = machine::inventory();
  Json inventory = machine::to_json(here);
  inventory["fingerprint"] = machine::fingerprint(here);
  const Json flags = machine::to_json(machine::environment_flags(here));
  const Json sensors = telemetry::to_json(telemetry::null_source()->probe().absences);
  // The torch build is known to the engine alone; without one the rest still stands.
  const auto hello = engine_hello("native", context);
  if (!hello && hello.error().error_class == ErrorClass::kInterrupted) return fail(hello.error());
  inventory["engine native"] =
      hello ? hello->value("versions", Json::object()) : Json{{"missing", hello.error().line()}};
  if (json) {
    inventory["flags"] = flags;
    inventory["sensors"] = sensors;
    std::puts(inventory.dump(2).c_str());
  } else {
    std::fputs(report::machine_text(inventory, flags, sensors).c_str(), stdout);
  }
  return kDone;
}

}  // namespace

void add_machine(CLI::App& app, Context& context) {
  CLI::App& command = *app.add_subcommand(
      "machine", "Show this machine: processor, memory, accelerators, sensors, torch build");
  auto json = std::make_shared<bool>(false);
  command.add_flag("--json", *json, "print JSON");
  command.callback([json, &context] { context.exit_code = run(*json, context); });
}

}  // namespace ridgeline::cli
