// Turns the identifying parts of a record into words.
#include "report/case_view.hpp"

#include <fmt/format.h>
#include <algorithm>
#include <array>

#include <cmath>
#include <nlohmann/json.hpp>

#include "report/format.hpp"
#include "report/record_view.hpp"

namespace ridgeline::report {
namespace {

std::string or_none(const std::optional<std::string>& text) {
  return text && !text->empty() ? *text : std::string(kNone);
}

std::string short_model(std::string reference) {
  while (reference.size() > 1 && reference.back() == '/') reference.pop_back();
  const bool is_path =
      reference.starts_with('/') || reference.starts_with('.') || reference.starts_with('~');
  if (is_path && reference.rfind('/') + 1 < reference.size()) {
    reference.erase(0, reference.rfind('/') + 1);
  }
  return reference;
}

// Sequences of a text whose length nobody chose: the tokens of a call, divided by its sequences.
std::optional<double> sequence_of_phases(const Json& record) {
  for (const Json& phase : list_at(record, {"phases"})) {
    const auto tokens = number_at(phase, {"items", "token"});
    const auto sequences = number_at(phase, {"items", "sequence"});
    if (tokens && sequences && *sequences > 0 && std::fmod(*tokens, *sequences) == 0) {
      return *tokens / *sequences;
    }
  }
  return std::nullopt;
}

std::string shape_of(const Json& record) {
  const auto batch = number_at(record, {"workload", "batch"});
  auto sequence = number_at(record, {"workload", "sequence"});
  if (!sequence) sequence = sequence_of_phases(record);
  if (!batch && !sequence) return std::string(kNone);
  const auto whole = [](double value) { return fmt::format("{:.0f}", value); };
  std::string shape = format_optional(batch, whole) + "×";
  const auto size = number_at(record, {"workload", "image_size"});
  if (!sequence && size) return shape + whole(*size) + "px";
  shape += format_optional(sequence, whole);
  const auto depth = number_at(record, {"workload", "depth"});
  if (depth && depth != sequence) shape += "@" + whole(*depth);
  return shape;
}

// As the user wrote it, mode included; of a path only the name of its program.
std::string engine_of(const Json& record) {
  constexpr std::string_view kPrefix = "ridgeline-engine-";
  const auto asked = text_at(record, {"configuration", "engine"});
  if (!asked) return or_none(text_at(record, {"engine", "name"}));
  std::string name = asked->substr(asked->rfind('/') + 1);
  if (name.size() > kPrefix.size() && name.starts_with(kPrefix)) name.erase(0, kPrefix.size());
  return or_none(name);
}

bool has_own_column(const std::string& id) {
  return id == "threads" || id == "dtype";
}

// Nobody asked for it, and it changes nothing here.
bool is_silent(const Json& optimization) {
  constexpr std::array<std::string_view, 3> kNothing = {"off", "none", "serial"};
  if (!member(optimization, {"requested"}).is_null()) return false;
  const auto value = scalar_text(member(optimization, {"value"}));
  return bool_at(optimization, {"applied"}) != true ||
         (value && std::find(kNothing.begin(), kNothing.end(), *value) != kNothing.end());
}

}  // namespace

std::string optimizations_text(const Json& optimizations) {
  std::string text;
  if (!optimizations.is_array()) return std::string(kNone);
  for (const Json& optimization : optimizations) {
    const std::string id = text_at(optimization, {"id"}).value_or("");
    const bool refused = is_refused(optimization);
    if (id.empty() || (has_own_column(id) && !refused) || is_silent(optimization)) continue;
    if (!text.empty()) text += ", ";
    text += optimization_text(optimization) + (refused ? " refused" : "");
  }
  return text.empty() ? std::string(kNone) : text;
}

std::string optimization_text(const Json& optimization) {
  const std::string id = text_at(optimization, {"id"}).value_or("?");
  // What was asked for matters when it was refused, what was chosen when it was applied.
  auto value =
      scalar_text(member(optimization, {is_refused(optimization) ? "requested" : "value"}));
  if (!value || *value == "true" || *value == "false") {
    const auto other = scalar_text(member(optimization, {"value"}));
    if (other) value = other;
  }
  return value ? fmt::format("{}={}", id, *value) : id;
}

bool is_refused(const Json& optimization) {
  return bool_at(optimization, {"applied"}) == false &&
         !member(optimization, {"requested"}).is_null() &&
         bool_at(optimization, {"requested"}).value_or(true);
}

CaseView case_view(const Json& record) {
  CaseView view;
  auto reference = text_at(record, {"model", "reference"});
  if (!reference) reference = text_at(record, {"configuration", "model"});
  view.model = or_none(reference ? std::optional(short_model(*reference)) : std::nullopt);
  view.engine = engine_of(record);
  auto architecture = text_at(record, {"model", "architecture"});
  view.architecture =
      or_none(architecture ? architecture : text_at(record, {"configuration", "architecture"}));
  view.device = or_none(text_at(record, {"configuration", "device"}));
  const auto weights = text_at(record, {"model", "weights", "source"});
  view.synthetic_weights =
      bool_at(record, {"model", "synthetic"}).value_or(false) || weights == "synthetic";
  view.weights = view.synthetic_weights ? "synthetic!" : or_none(weights);
  view.synthetic_inputs = bool_at(record, {"workload", "inputs", "synthetic"}).value_or(false);
  auto dtype = text_at(record, {"configuration", "dtype"});
  view.dtype = or_none(dtype ? dtype : text_at(record, {"model", "dtype"}));
  view.threads = or_none(scalar_text(member(record, {"configuration", "threads"})));
  view.shape = shape_of(record);
  const Json& optimizations = list_at(record, {"optimizations"});
  view.optimizations = optimizations_text(optimizations);
  view.refused = std::any_of(optimizations.begin(), optimizations.end(), is_refused);
  view.status = or_none(text_at(record, {"outcome", "status"}));
  return view;
}

}  // namespace ridgeline::report
