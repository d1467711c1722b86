// list: what there is: families, presets, suites, optimizations, engines, metrics.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "catalog/families.hpp"
#include "catalog/presets.hpp"
#include "catalog/suites.hpp"
#include "cli/command.hpp"
#include "cli/one_shot.hpp"
#include "measure/engine_locator.hpp"
#include "report/metric_glossary.hpp"
#include "report/table.hpp"

namespace ridgeline::cli {
namespace {

struct Flags {
  std::string what;
  std::string engine = "native";
  std::string engine_python;
  bool json = false;
};

Result<Json> families() {
  Json rows = Json::array();
  for (const catalog::Architecture& row : catalog::architectures()) {
    rows.push_back({{"family", row.family},
                    {"modality", row.modality},
                    {"architecture", row.architecture},
                    {"task", row.task}});
  }
  return rows;
}

Result<Json> presets() {
  RIDGELINE_TRY(const auto all, catalog::presets());
  Json rows = Json::array();
  for (const catalog::Preset& preset : all) {
    rows.push_back({{"preset", preset.name},
                    {"family", preset.architecture.family},
                    {"architecture", preset.architecture.architecture},
                    {"stands for", preset.reference},
                    {"description", preset.description}});
  }
  return rows;
}

Result<Json> suites() {
  Json rows = Json::array();
  for (const std::string_view name : catalog::suite_names()) {
    const auto models = catalog::suite_presets(name);
    std::string text;
    for (const std::string& model : models ? *models : std::vector<std::string>()) {
      text += (text.empty() ? "" : ", ") + model;
    }
    rows.push_back({{"suite", name}, {"presets", models ? text : "none yet"}});
  }
  return rows;
}

// Each engine is asked for its modes; one that cannot start here stays in the list, with its
// reason.
Result<Json> engines(const Flags& flags, const Context& context) {
  Json rows = Json::array();
  for (const std::string& name : measure::installed_engines()) {
    RIDGELINE_TRY(const std::string path, measure::locate_engine(name));
    const Result<Json> hello = engine_hello(name, flags.engine_python, context);
    if (!hello && hello.error().error_class == ErrorClass::kInterrupted) return hello.error();
    const Json modes = hello ? entry_of(entry_of(*hello, "abilities"), "modes") : Json();
    rows.push_back({{"engine", name},
                    {"modes", modes.is_array() ? modes : Json()},
                    {"program", path},
                    {"unusable", hello ? Json() : Json(hello.error().line())}});
  }
  return rows;
}

Result<Json> optimizations(const Flags& flags, const Context& context) {
  RIDGELINE_TRY(const Json hello, engine_hello(flags.engine, flags.engine_python, context));
  Json rows = Json::array();
  if (!hello.contains("knobs")) return rows;
  for (const Json& knob : hello.at("knobs")) {
    Json row = Json::object();
    for (const char* key : {"id", "values", "default", "stage", "lossless", "description"}) {
      if (knob.contains(key)) row[key] = knob.at(key);
    }
    rows.push_back(std::move(row));
  }
  return rows;
}

Json metrics() {
  Json rows = Json::array();
  for (const report::MetricEntry& entry : report::metric_glossary()) {
    rows.push_back({{"metric", entry.key},
                    {"unit", entry.unit},
                    {"definition", entry.definition},
                    {"formula", entry.formula.empty() ? Json() : Json(entry.formula)},
                    {"source", entry.source}});
  }
  return rows;
}

std::string cell(const Json& value) {
  if (value.is_string()) return value.get<std::string>();
  return value.is_null() ? "" : to_line(value);
}

// "eager, compile" of a list of words.
std::string words_cell(const Json& words) {
  std::string text;
  for (const Json& word : words) text += (text.empty() ? "" : ", ") + cell(word);
  return text;
}

// The columns in which some row says something.
std::vector<std::string> columns_of(const Json& rows) {
  std::vector<std::string> columns;
  for (const auto& [key, value] : rows.front().items()) {
    const bool any = std::any_of(rows.begin(), rows.end(), [&, &name = key](const Json& row) {
      return row.contains(name) && !row.at(name).is_null();
    });
    if (any) columns.push_back(key);
  }
  return columns;
}

void print(const Json& rows, bool json) {
  if (json) {
    std::puts(rows.dump(2).c_str());
    return;
  }
  if (rows.empty()) return;
  const std::vector<std::string> names = columns_of(rows);
  std::vector<report::Table::Column> columns;
  for (const std::string& name : names) columns.push_back({name});
  report::Table table(std::move(columns));
  for (const Json& row : rows) {
    std::vector<std::string> cells;
    for (const std::string& name : names) {
      const Json& value = row.contains(name) ? row.at(name) : Json();
      cells.push_back(name == "modes" ? words_cell(value) : cell(value));
    }
    table.add_row(cells);
  }
  std::fputs(table.text().c_str(), stdout);
}

Result<Json> rows_of(const std::string& what, const Flags& flags, const Context& context) {
  if (what == "families") return families();
  if (what == "presets") return presets();
  if (what == "suites") return suites();
  if (what == "engines") return engines(flags, context);
  if (what == "metrics") return metrics();
  return optimizations(flags, context);
}

Result<int> run(Flags& flags, const Context& context) {
  if (!flags.engine_python.empty()) {
    RIDGELINE_TRY(flags.engine_python,
                  measure::find_python(flags.engine_python, "--engine-python"));
  }
  if (!flags.what.empty()) {
    RIDGELINE_TRY(const Json rows, rows_of(flags.what, flags, context));
    print(rows, flags.json);
    return kDone;
  }
  Json all = Json::object();
  for (const char* what :
       {"families", "presets", "suites", "engines", "optimizations", "metrics"}) {
    RIDGELINE_TRY(all[what], rows_of(what, flags, context));
  }
  if (flags.json) {
    print(all, true);
    return kDone;
  }
  for (const auto& [what, rows] : all.items()) {
    std::printf("%s\n", what.c_str());
    print(rows, false);
    std::printf("\n");
  }
  return kDone;
}

}  // namespace

void add_list(CLI::App& app, Context& context) {
  CLI::App& command = *app.add_subcommand(
      "list", "Show the families, presets, suites, optimizations, engines and metrics there are");
  auto flags = std::make_shared<Flags>();
  command
      .add_option("WHAT", flags->what,
                  "families, presets, suites, optimizations, engines or metrics")
      ->check(
          CLI::IsMember({"families", "presets", "suites", "optimizations", "engines", "metrics"}));
  command.add_option("--engine", flags->engine, "whose optimizations")->capture_default_str();
  command.add_option("--engine-python", flags->engine_python, "Python of engines written in it")
      ->type_name("FILE");
  command.add_flag("--json", flags->json, "print JSON");
  command.callback([flags, &context] {
    const Result<int> code = run(*flags, context);
    context.exit_code = code ? *code : fail(code.error());
  });
}

}  // namespace ridgeline::cli
