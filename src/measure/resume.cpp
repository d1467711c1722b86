// Invocations to lines and back.
#include "measure/resume.hpp"

#include <span>

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "protocol/sample_file.hpp"
#include "results/read_invocation.hpp"

namespace ridgeline::measure {
namespace {

constexpr std::string_view kWhat = "invocations.jsonl";

Status read_phase_samples(const results::RunFolder& folder, CaseInvocation& invocation) {
  for (const results::InvocationPhase& phase : invocation.part.phases) {
    RIDGELINE_TRY(const std::string path, folder.absolute(phase.samples));
    RIDGELINE_TRY(const auto rows, protocol::read_samples(path));
    const auto end = static_cast<std::size_t>(phase.end_row);
    if (phase.first_row < 0 || phase.first_row > phase.end_row || end > rows.size()) {
      return bad_input(fmt::format("{}: rows of {} are not in the file", kWhat, phase.samples));
    }
    const auto first = static_cast<std::size_t>(phase.first_row);
    const std::span settled(rows.data() + first, end - first);
    add_samples(phase.name, call_seconds(settled), token_series(settled), invocation);
  }
  return {};
}

Status apply_case(const Json& entry, const results::RunFolder& folder, CaseState& state) {
  if (!entry.is_object() || !entry.contains("invocation")) {
    return bad_input(fmt::format("{}: a case has no invocation", kWhat));
  }
  CaseInvocation invocation;
  RIDGELINE_TRY(invocation.part, results::invocation_from_json(entry.at("invocation"), kWhat));
  RIDGELINE_CHECK(read_phase_samples(folder, invocation));
  const auto& error = invocation.part.outcome.error;
  if (error && is_final(error->error_class)) state.hopeless = true;
  if (entry.contains("facts") && entry.at("facts").is_object() && !state.facts) {
    state.facts = std::make_shared<const Json>(entry.at("facts"));
  }
  // The sum so far: the last line's is the whole.
  if (entry.contains("harness")) state.timing_harness = harness_from_json(entry.at("harness"));
  state.invocations.push_back(std::move(invocation));
  return {};
}

}  // namespace

Json invocation_line(const std::string& configuration_id, std::int64_t index,
                     const std::vector<CaseState>& cases, const ConfigurationBudget& budget) {
  Json entries = Json::object();
  for (const CaseState& state : cases) {
    if (state.invocations.empty() || state.invocations.back().part.index != index) continue;
    // Facts stand in the first line only; the harness's cost is the sum so far.
    const bool first = state.facts && state.succeeded() == 1;
    entries[state.id] = {{"invocation", results::to_json(state.invocations.back().part)},
                         {"facts", first ? *state.facts : Json()},
                         {"harness", to_json(state.timing_harness)}};
  }
  Json slices = Json::object();
  for (const auto& [id, seconds] : budget.slice_seconds) slices[id] = seconds;
  return {{"configuration", configuration_id},
          {"index", index},
          {"cases", std::move(entries)},
          {"budget",
           {{"invocations", budget.invocations},
            {"slice_seconds", std::move(slices)},
            {"reason", budget.reason}}}};
}

Result<Resumed> read_resumed(const results::RunFolder& folder) {
  return folder.invocations();
}

Status apply_resumed(const Resumed& lines, const results::RunFolder& folder,
                     const std::string& configuration_id, std::vector<CaseState>& cases,
                     ConfigurationBudget& budget, std::int64_t& next) {
  for (const Json& line : lines) {
    RIDGELINE_TRY(const std::string id, get_string(line, "configuration", kWhat));
    if (id != configuration_id) continue;
    RIDGELINE_TRY(const std::int64_t index, get_int(line, "index", kWhat));
    next = std::max(next, index + 1);
    const Json& entries = line.contains("cases") ? line.at("cases") : Json::object();
    for (CaseState& state : cases) {
      if (entries.is_object() && entries.contains(state.id)) {
        RIDGELINE_CHECK(apply_case(entries.at(state.id), folder, state));
      }
    }
    const Json& decided = line.contains("budget") ? line.at("budget") : Json::object();
    RIDGELINE_TRY(budget.invocations, get_int(decided, "invocations", kWhat, 0));
    RIDGELINE_TRY(budget.reason, get_string(decided, "reason", kWhat, ""));
    if (decided.contains("slice_seconds") && decided.at("slice_seconds").is_object()) {
      for (const auto& [case_id, seconds] : decided.at("slice_seconds").items()) {
        if (seconds.is_number()) budget.slice_seconds[case_id] = seconds.get<double>();
      }
    }
  }
  return {};
}

}  // namespace ridgeline::measure
