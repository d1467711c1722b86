// One native worker that answers `cost`, and what becomes of its answers.
#include "measure/native_cost.hpp"

#include <fmt/format.h>

#include <memory>
#include <nlohmann/json.hpp>

#include "base/json_values.hpp"
#include "measure/engine_locator.hpp"
#include "protocol/client.hpp"

namespace ridgeline::measure {
namespace {

constexpr const char* kNative = "native";

bool is_wanted(const CaseState& state) {
  return state.facts && !text_in(*state.facts, "cost_reason").empty() &&
         text_in(*state.facts, "cost_engine").empty();
}

Result<Json> native_phases(protocol::Worker& worker, const Configuration& configuration,
                           const CaseState& state) {
  Configuration asked = configuration;
  asked.engine = kNative;
  asked.weights = "meta";
  asked.knobs.clear();
  Json fields = load_fields(asked);
  RIDGELINE_TRY(fields["workload"],
                cost_workload(state.workload, entry_of(*state.facts, "workload")));
  RIDGELINE_TRY(const Json reply,
                worker.request("cost", fields, protocol::usual_deadlines("cost")));
  const Json& phases = entry_of(reply, "phases");
  if (phases.is_object() && !phases.empty()) return phases;
  return unsupported("it names no phase");
}

void put(CaseState& state, const Result<Json>& phases) {
  Json facts = *state.facts;
  if (phases) {
    facts["cost"] = *phases;
    facts["cost_engine"] = kNative;
  } else {
    facts["cost_reason"] = fmt::format("{}; nor does the native engine: {}",
                                       text_in(facts, "cost_reason"), phases.error().line());
  }
  state.facts = std::make_shared<const Json>(std::move(facts));
}

}  // namespace

Result<Json> cost_workload(const Workload& asked, const Json& actual) {
  Json workload = to_json(asked);
  const auto take = [&](const char* key) {
    const Json& size = entry_of(actual, key);
    if (size.is_number_integer() && size.get<std::int64_t>() > 0) workload[key] = size;
  };
  for (const char* key : {"batch", "sequence", "depth", "new_tokens", "image_size"}) take(key);
  if (!asked.texts.empty() && workload.at("sequence").is_null()) {
    return unsupported("its engine does not say how long the texts are");
  }
  for (const char* data : {"text", "image", "audio", "chat"}) workload.erase(data);
  return workload;
}

Status add_native_costs(const Configuration& configuration, const std::vector<CaseState*>& states,
                        const Interrupt* interrupt) {
  std::unique_ptr<protocol::Worker> worker;
  for (CaseState* state : states) {
    if (!is_wanted(*state)) continue;
    if (!worker || !worker->alive()) {
      const auto command = engine_command(kNative, {});
      auto started = command ? protocol::Worker::start(*command, interrupt)
                             : Result<std::unique_ptr<protocol::Worker>>(command.error());
      if (!started) {
        if (started.error().error_class == ErrorClass::kInterrupted) return started.error();
        put(*state, started.error());
        continue;
      }
      worker = *std::move(started);
    }
    const Result<Json> phases = native_phases(*worker, configuration, *state);
    if (!phases && phases.error().error_class == ErrorClass::kInterrupted) return phases.error();
    put(*state, phases);
  }
  if (worker) (void)worker->quit();  // the answers are here; how it ends does not matter
  return {};
}

}  // namespace ridgeline::measure
