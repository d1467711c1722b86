// Lays out a verification.
#include "report/verify_text.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <vector>

#include "report/case_view.hpp"
#include "report/format.hpp"
#include "report/record_view.hpp"
#include "report/table.hpp"
#include "report/text.hpp"

namespace ridgeline::report {
namespace {

std::string engine_line(const Json& engine) {
  std::string line = text_at(engine, {"name"}).value_or(std::string(kNone));
  if (const auto version = text_at(engine, {"version"})) line += " " + *version;
  const Json& versions = member(engine, {"versions"});
  if (!versions.is_object()) return line;
  for (const auto& [name, value] : versions.items()) {
    if (const auto version = scalar_text(value)) line += fmt::format(", {} {}", name, *version);
  }
  return line;
}

std::string work_line(const Json& json) {
  std::string line = fmt::format("{} on {}", text_at(json, {"dtype"}).value_or(std::string(kNone)),
                                 text_at(json, {"device"}).value_or(std::string(kNone)));
  const Json& workload = member(json, {"workload"});
  if (!workload.is_object()) return line;
  for (const auto& [key, value] : workload.items()) {
    if (value.is_array()) {
      line += fmt::format(", {} {}{}", value.size(), key, value.size() == 1 ? "" : "s");
    } else if (const auto text = scalar_text(value)) {
      line += fmt::format(", {} {}", key, *text);
    }
  }
  return line;
}

std::string error_cell(const std::optional<double>& value) {
  return value ? fmt::format("{:.2e}", *value) : std::string(kNone);
}

std::string shape_cell(const Json& shape) {
  std::string text;
  for (const Json& size : shape) {
    text += (text.empty() ? "" : "×") + scalar_text(size).value_or("?");
  }
  return text.empty() ? std::string(kNone) : text;
}

std::string outputs_table(const Json& json) {
  using Align = Table::Align;
  const bool short_dtype = text_at(json, {"reference"}) != text_at(json, {"dtype"});
  std::vector<Table::Column> columns = {{"output"},
                                        {"shape", Align::kRight},
                                        {"max error", Align::kRight},
                                        {"relative", Align::kRight},
                                        {"bound", Align::kRight}};
  if (short_dtype) columns.push_back({"peer's own", Align::kRight});
  columns.push_back({"cosine", Align::kRight});
  columns.push_back({"top-1", Align::kRight});
  columns.push_back({"verdict"});
  Table table(std::move(columns));
  for (const Json& output : list_at(json, {"outputs"})) {
    const auto cosine = number_at(output, {"cosine"});
    const auto top1 = number_at(output, {"top1_agreement"});
    std::vector<std::string> cells = {text_at(output, {"name"}).value_or("?"),
                                      shape_cell(list_at(output, {"shape"})),
                                      error_cell(number_at(output, {"max_error"})),
                                      error_cell(number_at(output, {"relative_error"})),
                                      error_cell(number_at(output, {"bound"}))};
    if (short_dtype) cells.push_back(error_cell(number_at(output, {"peer_error"})));
    cells.push_back(cosine ? fmt::format("{:.7f}", *cosine) : std::string(kNone));
    cells.push_back(top1 ? format_percent(*top1) : std::string(kNone));
    cells.emplace_back(bool_at(output, {"passed"}).value_or(false) ? "PASS" : "FAIL");
    table.add_row(cells);
  }
  return table.text();
}

std::string tokens_line(const Json& tokens) {
  const auto whole = [](double value) { return fmt::format("{:.0f}", value); };
  return fmt::format("{:<9} {} of {} equal, greedy: {}\n", "tokens",
                     format_optional(number_at(tokens, {"equal"}), whole),
                     format_optional(number_at(tokens, {"tokens"}), whole),
                     bool_at(tokens, {"passed"}).value_or(false) ? "PASS" : "FAIL");
}

void add_names(const Json& json, const char* key, const char* says,
               std::vector<std::string>& notes) {
  for (const Json& name : list_at(json, {key})) {
    notes.push_back(fmt::format("{} {}", scalar_text(name).value_or("?"), says));
  }
}

void add_token_notes(const Json& tokens, std::vector<std::string>& notes) {
  if (const auto reason = text_at(tokens, {"reason"})) notes.push_back("tokens: " + *reason);
  for (const Json& one : list_at(tokens, {"divergences"})) {
    const auto gap = number_at(one, {"gap"});
    const auto whole = [&](const char* key) {
      return format_optional(number_at(one, {key}),
                             [](double value) { return fmt::format("{:.0f}", value); });
    };
    notes.push_back(fmt::format(
        "tokens: row {} parts at new token {} ({} here, {} there); their logits here are {} of the "
        "largest apart: {}",
        whole("row"), whole("token"), whole("ours"), whole("theirs"), error_cell(gap),
        bool_at(one, {"is_rounding"}).value_or(false) ? "rounding swaps such a pair"
                                                      : "no rounding does that"));
  }
}

std::vector<std::string> notes_of(const Json& json) {
  std::vector<std::string> notes;
  for (const Json& output : list_at(json, {"outputs"})) {
    if (const auto reason = text_at(output, {"reason"})) {
      notes.push_back(fmt::format("{}: {}", text_at(output, {"name"}).value_or("?"), *reason));
    }
  }
  add_names(json, "only_peer", "comes from the peer only", notes);
  add_names(json, "only_native", "comes from native only", notes);
  if (list_at(json, {"outputs"}).empty()) notes.emplace_back("no output was compared");
  add_token_notes(member(json, {"tokens"}), notes);
  const std::string dtype = text_at(json, {"dtype"}).value_or("");
  if (text_at(json, {"reference"}) == dtype) {
    notes.emplace_back("relative: largest difference over the largest value; the bound of " +
                       dtype + " is fixed");
  } else {
    notes.push_back(fmt::format(
        "errors are distances from the peer in {0}; the bound is twice the distance of the peer in "
        "{1}, and at least two roundings of {1}",
        text_at(json, {"reference"}).value_or("?"), dtype));
  }
  if (text_at(json, {"weights"}) == "synthetic") {
    notes.emplace_back("synthetic!: random weights, the same ones on both sides");
  }
  return notes;
}

}  // namespace

std::string verify_text(const Json& json) {
  std::string text;
  const auto line = [&](const char* title, const std::string& value) {
    text += fmt::format("{:<9} {}\n", title, printable(value));
  };
  line("model", text_at(json, {"model"}).value_or(std::string(kNone)));
  line("native", engine_line(member(json, {"native"})));
  line("peer", engine_line(member(json, {"peer"})));
  line("work", work_line(json));
  const Json& optimizations = member(json, {"optimizations"});
  if (optimizations.is_object()) {
    line("with", optimizations_text(member(optimizations, {"forward"})));
  }
  text += "\n" + outputs_table(json);
  const Json& tokens = member(json, {"tokens"});
  if (tokens.is_object()) {
    text += "\n" + tokens_line(tokens);
    line("with", optimizations_text(member(optimizations, {"generate"})));
  }
  text += "\n";
  for (const std::string& note : notes_of(json)) {
    constexpr std::size_t kMaxNote = 500;
    text += "- " + cut(printable(note), kMaxNote) + "\n";
  }
  const bool passed = bool_at(json, {"passed"}).value_or(false);
  text += fmt::format("\n{:<9} {}\n", "verdict", passed ? "PASS" : "FAIL");
  return text;
}

}  // namespace ridgeline::report
