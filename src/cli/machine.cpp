// machine: what this machine is and can measure, what is missing, and how to enable it.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>

#include "cli/command.hpp"
#include "cli/one_shot.hpp"
#include "machine/ceilings.hpp"
#include "machine/inventory.hpp"
#include "machine/settings.hpp"
#include "machine/validity.hpp"
#include "measure/busy.hpp"
#include "measure/device_flags.hpp"
#include "measure/flags.hpp"
#include "report/machine_text.hpp"
#include "telemetry/meter.hpp"
#include "telemetry/sources.hpp"

namespace ridgeline::cli {
namespace {

using telemetry::Sources;

Json sources_json(const Sources& sources) {
  Json list = Json::array();
  for (const auto& source : sources) {
    const telemetry::Probe& probe = source->probe();
    list.push_back({{"name", source->name()},
                    {"domains", telemetry::to_json(source->name(), probe.domains)},
                    {"absences", telemetry::to_json(source->name(), probe.absences)}});
  }
  return list;
}

Json devices_json(const std::vector<telemetry::DeviceState>& devices) {
  Json list = Json::array();
  for (const telemetry::DeviceState& device : devices) list.push_back(telemetry::to_json(device));
  return list;
}

// What `ridgeline peaks` left for this machine.
Json ceilings_json(const std::string& fingerprint) {
  const auto path = machine::ceilings_path(fingerprint);
  if (!path) return {{"missing", path.error().line()}};
  const auto ceilings = machine::read_ceilings(*path, fingerprint);
  return ceilings ? machine::to_json(*ceilings) : Json{{"missing", ceilings.error().line()}};
}

// Everything that a run would flag before it starts.
Result<std::vector<results::Flag>> flags_of(const machine::Machine& here,
                                            const machine::Settings& settings,
                                            const Sources& sources,
                                            const std::vector<telemetry::DeviceState>& devices,
                                            const Context& context) {
  measure::BusyOptions options;
  options.cpus = static_cast<double>(machine::physical_cores(here).size());
  RIDGELINE_TRY(std::vector<results::Flag> busy,
                measure::check_busy(options, measure::this_world(context.interrupt, [&sources] {
                                      return measure::devices_of(sources);
                                    })));
  auto flags = measure::record_flags(machine::environment_flags(here, 0, settings));
  for (results::Flag& flag : busy) flags.push_back(std::move(flag));
  for (results::Flag& flag : measure::device_flags(devices)) {
    flags.push_back(std::move(flag));
  }
  return flags;
}

// The inventory with all that is known beside it.
Result<Json> describe_machine(const Context& context) {
  const machine::Machine here = machine::inventory();
  const machine::Settings settings = machine::read_settings(here);
  RIDGELINE_TRY(const Sources sources, telemetry::open_sources({"auto"}, {}));
  // Before the engine starts, whose loading would be the work that is seen.
  const auto devices = measure::devices_of(sources);
  RIDGELINE_TRY(const auto flags, flags_of(here, settings, sources, devices, context));
  Json json = machine::to_json(here);
  json["settings"] = machine::to_json(settings);
  // The torch build is known to the engine alone; without one the rest still stands.
  const auto hello = engine_hello("native", {}, context);
  if (!hello && hello.error().error_class == ErrorClass::kInterrupted) return hello.error();
  json["engine native"] =
      hello ? hello->value("versions", Json::object()) : Json{{"missing", hello.error().line()}};
  json["sources"] = sources_json(sources);
  json["devices"] = devices_json(devices);
  json["ceilings"] = ceilings_json(machine::fingerprint(here));
  json["flags"] = measure::flags_json(flags);
  return json;
}

int run(bool as_json, const Context& context) {
  const auto json = describe_machine(context);
  if (!json) return fail(json.error());
  if (as_json) {
    // Names come from drivers and files: bytes that are no UTF-8 must not end the program.
    std::puts(json->dump(2, ' ', false, Json::error_handler_t::replace).c_str());
  } else {
    std::fputs(report::machine_text(*json).c_str(), stdout);
  }
  return kDone;
}

}  // namespace

void add_machine(CLI::App& app, Context& context) {
  CLI::App& command = *app.add_subcommand(
      "machine",
      "Show this machine: processor, memory, accelerators, sensors, what spoils measurements");
  auto json = std::make_shared<bool>(false);
  command.add_flag("--json", *json, "print JSON");
  command.callback([json, &context] { context.exit_code = run(*json, context); });
}

}  // namespace ridgeline::cli
