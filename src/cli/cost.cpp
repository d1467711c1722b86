// cost: FLOPs, bytes and parameters of a model and a workload, without weights.
#include <fmt/format.h>
#include <CLI/CLI.hpp>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "cli/command.hpp"
#include "cli/one_shot.hpp"
#include "cli/plan_flags.hpp"
#include "report/table.hpp"

namespace ridgeline::cli {
namespace {

// The totals of the phase `forward` (or the first there is) stand at the top.
Json with_totals(const Json& phases) {
  Json cost = Json::object();
  const Json& main = phases.contains("forward") ? phases.at("forward") : phases.begin().value();
  for (const auto& [key, value] : main.items()) {
    if (key != "ops") cost[key] = value;
  }
  cost["phases"] = phases;
  cost["ops"] = main.at("ops");
  return cost;
}

std::string count(const Json& value, std::string_view unit) {
  const double number = value.get<double>();
  struct Scale {
    double factor;
    const char* prefix;
  };
  constexpr Scale kScales[] = {{1e12, "T"}, {1e9, "G"}, {1e6, "M"}, {1e3, "k"}, {1, ""}};
  for (const Scale& scale : kScales) {
    if (number >= scale.factor)
      return fmt::format("{:.4g} {}{}", number / scale.factor, scale.prefix, unit);
  }
  return fmt::format("0 {}", unit);
}

void print_text(const Json& cost) {
  std::fputs(fmt::format("parameters         {}\n"
                         "flops              {}   (2·MAC of matrix products, attention in full)\n"
                         "flops_minimum      {}   (causal work as needed)\n"
                         "flops_elementwise  {}\n"
                         "bytes              {}   (weights, inputs and outputs once)\n"
                         "bytes_unfused      {}   (every op's reads and writes)\n\n",
                         count(cost.at("parameters"), ""), count(cost.at("flops"), "FLOP"),
                         count(cost.at("flops_minimum"), "FLOP"),
                         count(cost.at("flops_elementwise"), "FLOP"), count(cost.at("bytes"), "B"),
                         count(cost.at("bytes_unfused"), "B"))
                 .c_str(),
             stdout);
  if (cost.at("phases").size() > 1) {
    report::Table phases({{"phase"},
                          {"flops", report::Table::Align::kRight},
                          {"bytes", report::Table::Align::kRight},
                          {"of the cache", report::Table::Align::kRight}});
    for (const auto& [name, phase] : cost.at("phases").items()) {
      phases.add_row({name, count(phase.at("flops"), "FLOP"), count(phase.at("bytes"), "B"),
                      count(phase.value("bytes_cache", Json(0)), "B")});
    }
    std::fputs((phases.text() + "\nforward, op by op:\n").c_str(), stdout);
  }
  report::Table table({{"op"},
                       {"class"},
                       {"calls", report::Table::Align::kRight},
                       {"flops", report::Table::Align::kRight},
                       {"weights", report::Table::Align::kRight},
                       {"read", report::Table::Align::kRight},
                       {"written", report::Table::Align::kRight}});
  for (const Json& op : cost.at("ops")) {
    table.add_row({op.at("op").get<std::string>(), op.at("class").get<std::string>(),
                   to_line(op.at("calls")), count(op.at("flops"), "FLOP"),
                   count(op.at("bytes_weights"), "B"), count(op.at("bytes_read"), "B"),
                   count(op.at("bytes_written"), "B")});
  }
  std::fputs(table.text().c_str(), stdout);
}

struct Flags {
  std::unique_ptr<PlanFlags> plan;
  bool json = false;
};

Result<int> run(const Flags& flags, const Context& context) {
  RIDGELINE_TRY(const auto one, single_case(flags.plan->assignments()));
  RIDGELINE_TRY(const Json reply,
                ask_engine(one.configuration, "cost",
                           {{"workload", measure::wire_workload(one.cases.front().workload)}},
                           /*load_first=*/false, context));
  const Json& phases = entry_of(reply, "phases");
  if (!phases.is_object() || phases.empty()) {
    return unsupported(fmt::format("engine {} counts no work", one.configuration.engine),
                       "leave out --engine: the native engine counts it");
  }
  const Json cost = with_totals(phases);
  if (flags.json) {
    std::puts(cost.dump(2).c_str());
  } else {
    print_text(cost);
  }
  return kDone;
}

}  // namespace

void add_cost(CLI::App& app, Context& context) {
  CLI::App& command = *app.add_subcommand(
      "cost", "Count FLOPs, bytes and parameters of a model and workload, without weights");
  auto flags = std::make_shared<Flags>();
  flags->plan = std::make_unique<PlanFlags>(
      command,
      std::vector<std::string_view>{"models", "engine", "engine_python", "architecture", "dtype",
                                    "batch", "sequence", "depth", "new_tokens", "image_size"},
      /*many_models=*/false);
  command.add_flag("--json", flags->json, "print JSON");
  command.callback([flags, &context] {
    const Result<int> code = run(*flags, context);
    context.exit_code = code ? *code : fail(code.error());
  });
}

}  // namespace ridgeline::cli
