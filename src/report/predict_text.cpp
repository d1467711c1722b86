// Tables of predictions.
#include "report/predict_text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <vector>

#include "report/format.hpp"
#include "report/record_view.hpp"
#include "report/table.hpp"
#include "report/text.hpp"

namespace ridgeline::report {
namespace {

using Align = Table::Align;

// With more chips than this a table has one phase of each.
constexpr std::size_t kChipsInFull = 3;
constexpr std::size_t kMaxLine = 400;

constexpr std::string_view kMeaning =
    "Everything here is modelled, nothing was run. A range goes from what the chip cannot beat to "
    "what the\nworst miss of a measured phase would make of the time. Energy is that at the "
    "vendor's "
    "power limit: no more\nis drawn. What fits leaves 1 GiB and 5 % free for the driver's context "
    "and for fragmentation.\n";

std::string line(std::string_view text) {
  return cut(printable(text), kMaxLine) + "\n";
}

std::string text_of(const Json& json, std::initializer_list<std::string_view> path) {
  return text_at(json, path).value_or(std::string(kNone));
}

const Json& element(const Json& list, const std::optional<double>& index) {
  static const Json none;
  if (!list.is_array() || !index || *index < 0) return none;
  const auto at = static_cast<std::size_t>(*index);
  return at < list.size() ? list[at] : none;
}

// "1×512, 512 in the cache".
std::string shape_of(const Json& workload) {
  std::string shape = format_optional(number_at(workload, {"batch"}),
                                      [](double value) { return fmt::format("{:.0f}", value); });
  if (const auto sequence = number_at(workload, {"sequence"})) {
    shape += fmt::format("×{:.0f}", *sequence);
  }
  if (const auto depth = number_at(workload, {"depth"})) {
    shape += fmt::format(", {:.0f} in the cache", *depth);
  }
  if (const auto pixels = number_at(workload, {"image_size"})) {
    shape += fmt::format(", {:.0f} px", *pixels);
  }
  return shape;
}

std::string label_of(const Json& one) {
  std::string label =
      fmt::format("{} {} {}", text_of(one, {"configuration", "model"}),
                  shape_of(member(one, {"workload"})), text_of(one, {"configuration", "dtype"}));
  if (bool_at(one, {"int8_weights"}).value_or(false)) label += ", int8 weights";
  return label;
}

std::string limit_text(const Json& phase) {
  std::string text = text_of(phase, {"limit", "id"});
  std::string among;
  for (const Json& id : list_at(phase, {"limit", "among"})) {
    if (id.is_string()) among += (among.empty() ? "" : ", ") + id.get<std::string>();
  }
  return among.empty() ? text : fmt::format("{} ({})", text, among);
}

std::string range_text(const Json& metric) {
  const auto low = number_at(metric, {"low"});
  if (!low) return std::string(kNone);
  return fmt::format("{} – {}", format_time(*low),
                     format_optional(number_at(metric, {"high"}),
                                     [](double value) { return format_time(value); }));
}

// "259.1 token/s"; the first throughput that there is.
std::string throughput_text(const Json& metrics) {
  if (!metrics.is_object()) return std::string(kNone);
  for (const auto& [name, metric] : metrics.items()) {
    const auto value = number_at(metric, {"value"});
    if (!name.starts_with("throughput.") || !value) continue;
    return fmt::format("{} {}", format_rate(*value), text_of(metric, {"unit"}));
  }
  return std::string(kNone);
}

std::string fits_text(const Json& prediction) {
  const auto fits = bool_at(prediction, {"fits"});
  if (!fits) return "not known";
  const std::string size = format_optional(number_at(prediction, {"capacity"}), format_capacity);
  if (*fits) return "into " + size;
  return fmt::format("no: {} short of {}",
                     format_optional(number_at(prediction, {"missing"}), format_capacity), size);
}

std::string largest_text(const Json& largest) {
  const auto value = number_at(largest, {"value"});
  if (!value) return std::string(kNone);
  const bool model = text_at(largest, {"limited_by"}).value_or("") == "model";
  return fmt::format("{:.0f}{}", *value, model ? " (model)" : "");
}

Table table_of(bool with_case) {
  std::vector<Table::Column> columns = {{"chip"}};
  if (with_case) columns.push_back({"case"});
  for (const Table::Column& column : {Table::Column{"fits"},
                                      {"largest batch", Align::kRight},
                                      {"context", Align::kRight},
                                      {"phase"},
                                      {"time", Align::kRight},
                                      {"range", Align::kRight},
                                      {"limit"},
                                      {"throughput", Align::kRight},
                                      {"at full power", Align::kRight}}) {
    columns.push_back(column);
  }
  return Table(std::move(columns));
}

void add_rows(const Json& all, const Json& prediction, bool with_case, bool in_full, Table& table) {
  const Json& chip = element(member(all, {"chips"}), number_at(prediction, {"chip"}));
  const Json& one = element(member(all, {"cases"}), number_at(prediction, {"case"}));
  const Json& phases = member(prediction, {"phases"});
  if (!phases.is_object()) return;
  bool first = true;
  const std::string main = phases.contains("decode")    ? "decode"
                           : phases.contains("forward") ? "forward"
                           : phases.empty()             ? ""
                                                        : phases.begin().key();
  for (const auto& [name, phase] : phases.items()) {
    if (!in_full && name != main) continue;
    const Json& metrics = member(phase, {"metrics"});
    const Json& latency = member(metrics, {"latency"});
    const auto seconds = number_at(latency, {"value"});
    std::vector<std::string> cells = {first ? text_of(chip, {"name"}) : ""};
    if (with_case) cells.push_back(first ? label_of(one) : "");
    const std::vector<std::string> rest = {
        first ? fits_text(prediction) : "",
        first ? largest_text(member(prediction, {"largest_batch"})) : "",
        first ? largest_text(member(prediction, {"largest_context"})) : "",
        name,
        seconds ? format_time(*seconds) : std::string(kNone),
        range_text(latency),
        seconds ? limit_text(phase) : text_of(latency, {"reason"}),
        throughput_text(metrics),
        format_optional(number_at(metrics, {"energy.at_power_limit", "value"}), format_energy)};
    cells.insert(cells.end(), rest.begin(), rest.end());
    table.add_row(cells);
    first = false;
  }
}

// The case in a line, and where its memory goes.
std::string head_of(const Json& one, const Json& prediction) {
  const Json& cost = member(one, {"cost"});
  const Json& any = cost.is_object() && !cost.empty() ? cost.begin().value() : cost;
  std::string text = label_of(one);
  if (const auto parameters = number_at(any, {"parameters"})) {
    text += fmt::format(": {} parameters", format_rate(*parameters));
  }
  const auto bytes = [&](const char* part) {
    return format_optional(number_at(prediction, {"memory", part, "value"}), format_bytes);
  };
  text += fmt::format("; {} at the peak (weights {}, cache {}, inputs {}, activations {})",
                      bytes("peak"), bytes("weights"), bytes("cache"), bytes("inputs"),
                      bytes("activations"));
  std::string head = line(text);
  const double second = number_at(prediction, {"memory", "second_layout", "value"}).value_or(0);
  if (second > 0) {
    head += line(fmt::format("and {} for a second layout of the weights, where there is room",
                             format_bytes(second)));
  }
  return head;
}

std::string validation_line(const std::string& kind, const Json& entry) {
  const auto median = number_at(entry, {"median"});
  if (!median) {
    return line(
        fmt::format("validation, {}: no measured phase of this class; its times take the "
                    "shares that a GPU reaches, and have no upper end",
                    kind));
  }
  std::string devices;
  for (const Json& device : list_at(entry, {"devices"})) {
    if (device.is_string()) devices += (devices.empty() ? "" : ", ") + device.get<std::string>();
  }
  return line(fmt::format(
      "validation, {}: {:.0f} measured phases on {}: off by {} (median), {} at "
      "worst ({})",
      kind, number_at(entry, {"rows"}).value_or(0), devices, format_percent(*median),
      format_optional(number_at(entry, {"worst"}), format_percent), text_of(entry, {"worst_row"})));
}

std::string notes_of(const Json& all) {
  std::string text(kMeaning);
  const Json& validation = member(all, {"validation"});
  if (validation.is_object()) {
    for (const auto& [kind, entry] : validation.items()) text += validation_line(kind, entry);
  }
  for (const Json& note : list_at(all, {"notes"})) {
    if (note.is_string()) text += line("note: " + note.get<std::string>());
  }
  return text;
}

}  // namespace

std::string predict_text(const Json& predictions) {
  const Json& list = list_at(predictions, {"predictions"});
  const bool together = text_at(predictions, {"rank"}).value_or("") == "throughput";
  const bool in_full = list_at(predictions, {"chips"}).size() <= kChipsInFull;
  std::string text;
  for (std::size_t from = 0; from < list.size();) {
    const auto of = number_at(list[from], {"case"});
    std::size_t to = from;
    while (to < list.size() && (together || number_at(list[to], {"case"}) == of)) ++to;
    const bool with_case = together && list_at(predictions, {"cases"}).size() > 1;
    if (!with_case) {
      text += head_of(element(member(predictions, {"cases"}), of), list[from]) + "\n";
    }
    Table table = table_of(with_case);
    for (; from < to; ++from) add_rows(predictions, list[from], with_case, in_full, table);
    text += table.text() + "\n";
  }
  return text + notes_of(predictions);
}

std::string validation_text(const Json& validation) {
  Table rows({{"device"},
              {"phase"},
              {"recorded"},
              {"measured", Align::kRight},
              {"predicted", Align::kRight},
              {"off by", Align::kRight}});
  for (const Json& row : list_at(validation, {"rows"})) {
    const double measured = number_at(row, {"measured"}).value_or(0);
    const double predicted = number_at(row, {"predicted"}).value_or(0);
    std::string name = fmt::format("{} {} {} {}", text_of(row, {"model"}), shape_of(row),
                                   text_of(row, {"dtype"}), text_of(row, {"phase"}));
    rows.add_row({text_of(row, {"device"}), std::move(name),
                  bool_at(row, {"recorded"}).value_or(false) ? "yes" : "no", format_time(measured),
                  format_time(predicted),
                  measured > 0 ? fmt::format("{:+.1f} %", 100 * (predicted / measured - 1))
                               : std::string(kNone)});
  }
  Table classes({{"class"},
                 {"shares of"},
                 {"products", Align::kRight},
                 {"memory", Align::kRight},
                 {"a kernel", Align::kRight},
                 {"a launch", Align::kRight},
                 {"phases", Align::kRight},
                 {"median error", Align::kRight},
                 {"worst", Align::kRight}});
  const Json& fitted = member(validation, {"classes"});
  if (fitted.is_object()) {
    for (const auto& [name, entry] : fitted.items()) {
      const auto share = [&, &of = entry](const char* key) {
        return format_optional(number_at(of, {key}), format_percent);
      };
      const auto seconds = [&, &of = entry](const char* key) {
        const auto value = number_at(of, {key});
        return value && *value > 0 ? format_time(*value) : std::string(kNone);
      };
      classes.add_row({name, text_of(entry, {"basis"}), share("compute"), share("memory"),
                       seconds("kernel_seconds"), seconds("launch_seconds"),
                       format_optional(number_at(entry, {"error", "rows"}),
                                       [](double value) { return fmt::format("{:.0f}", value); }),
                       format_optional(number_at(entry, {"error", "median"}), format_percent),
                       format_optional(number_at(entry, {"error", "worst"}), format_percent)});
    }
  }
  return rows.text() + "\n" + classes.text();
}

}  // namespace ridgeline::report
