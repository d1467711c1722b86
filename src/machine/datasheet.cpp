// Reads the table of datasheet values.
#include "machine/datasheet.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <nlohmann/json.hpp>

#include "embedded/hardware.hpp"

namespace ridgeline::machine {
namespace {

constexpr double kTera = 1e12;
constexpr double kGiga = 1e9;
constexpr double kGib = 1024.0 * 1024 * 1024;

constexpr std::array<std::string_view, 23> kColumns = {"vendor",    "name",
                                                       "kind",      "match_regex",
                                                       "mem_gib",   "mem_bw_gbs",
                                                       "fp64_tf",   "fp64_matrix_tf",
                                                       "fp32_tf",   "fp32_matrix_tf",
                                                       "tf32_tf",   "fp16_tf",
                                                       "bf16_tf",   "fp8_tf",
                                                       "int8_tops", "fp4_tf",
                                                       "tdp_w",     "cores",
                                                       "devices",   "evidence",
                                                       "source",    "example_device_name",
                                                       "pci_ids"};

struct RateColumn {
  std::string_view column;
  std::string_view dtype;
};
constexpr std::array<RateColumn, 10> kRates = {{{"fp64_tf", "float64"},
                                                {"fp64_matrix_tf", "float64.matrix"},
                                                {"fp32_tf", "float32"},
                                                {"fp32_matrix_tf", "float32.matrix"},
                                                {"tf32_tf", "tfloat32"},
                                                {"fp16_tf", "float16"},
                                                {"bf16_tf", "bfloat16"},
                                                {"fp8_tf", "float8_e4m3"},
                                                {"int8_tops", "int8"},
                                                {"fp4_tf", "float4_e2m1"}}};

using Fields = std::vector<std::string>;

// One line of RFC 4180 without line ends inside quotes.
std::optional<Fields> split_line(std::string_view line) {
  Fields fields(1);
  bool quoted = false;
  for (std::size_t i = 0; i < line.size(); ++i) {
    const char c = line[i];
    if (quoted && c == '"' && i + 1 < line.size() && line[i + 1] == '"') {
      fields.back() += '"';
      ++i;
    } else if (c == '"') {
      quoted = !quoted;
    } else if (c == ',' && !quoted) {
      fields.emplace_back();
    } else {
      fields.back() += c;
    }
  }
  if (quoted) return std::nullopt;
  return fields;
}

std::vector<std::string> split(std::string_view text, char separator) {
  std::vector<std::string> parts;
  while (!text.empty()) {
    const auto end = text.find(separator);
    parts.emplace_back(text.substr(0, end));
    if (end == std::string_view::npos) break;
    text.remove_prefix(end + 1);
  }
  return parts;
}

// The named fields of one line.
class Line {
 public:
  Line(Fields fields, std::size_t number) : fields_(std::move(fields)), number_(number) {}

  const std::string& text(std::string_view column) const {
    const auto at = std::find(kColumns.begin(), kColumns.end(), column) - kColumns.begin();
    return fields_[static_cast<std::size_t>(at)];
  }

  Error wrong(std::string_view column) const {
    return bad_input(
        fmt::format("hardware table, line {}: '{}' is no {}", number_, text(column), column));
  }

  // A number above 0, or nothing where the field is empty.
  Result<std::optional<double>> number(std::string_view column) const {
    const std::string& field = text(column);
    if (field.empty()) return std::optional<double>();
    RIDGELINE_TRY(const double value, parse(field, column));
    return std::optional<double>(value);
  }

  Result<std::vector<double>> numbers(std::string_view column) const {
    std::vector<double> values;
    for (const std::string& part : split(text(column), ';')) {
      RIDGELINE_TRY(values.emplace_back(), parse(part, column));
    }
    return values;
  }

 private:
  Result<double> parse(const std::string& field, std::string_view column) const {
    double value = 0;
    const auto [end, error] = std::from_chars(field.data(), field.data() + field.size(), value);
    const bool whole = error == std::errc() && end == field.data() + field.size();
    if (!whole || !std::isfinite(value) || value <= 0) return wrong(column);
    return value;
  }

  Fields fields_;
  std::size_t number_;
};

Result<DatasheetRow> parse_row(const Line& line) {
  DatasheetRow row;
  row.vendor = line.text("vendor");
  row.name = line.text("name");
  row.kind = line.text("kind");
  row.pattern = line.text("match_regex");
  row.source = line.text("source");
  row.example = line.text("example_device_name");
  row.pci_ids = split(line.text("pci_ids"), ';');
  for (const char* needed : {"vendor", "name", "kind", "match_regex", "source"}) {
    if (line.text(needed).empty()) return line.wrong(needed);
  }
  RIDGELINE_TRY(row.memory, line.numbers("mem_gib"));
  for (double& size : row.memory) size *= kGib;
  RIDGELINE_TRY(row.bandwidth, line.number("mem_bw_gbs"));
  if (row.bandwidth) *row.bandwidth *= kGiga;
  for (const RateColumn& rate : kRates) {
    RIDGELINE_TRY(const std::optional<double> value, line.number(rate.column));
    if (value) row.rates.emplace_back(rate.dtype, *value * kTera);
  }
  RIDGELINE_TRY(row.power, line.number("tdp_w"));
  RIDGELINE_TRY(const std::optional<double> cores, line.number("cores"));
  RIDGELINE_TRY(const std::optional<double> devices, line.number("devices"));
  if (cores.value_or(0) > 65536) return line.wrong("cores");
  if (devices.value_or(1) > 64) return line.wrong("devices");
  row.cores = static_cast<int>(cores.value_or(0));
  row.devices = static_cast<int>(devices.value_or(1));
  const std::string& evidence = line.text("evidence");
  if (evidence != "C" && evidence != "R" && evidence != "D") return line.wrong("evidence");
  row.evidence = evidence.front();
  return row;
}

Json limit_json(const Limit& limit, std::string_view unit) {
  const auto text = [](const std::string& one) { return one.empty() ? Json(nullptr) : Json(one); };
  return {{"value", limit.value ? Json(*limit.value) : Json(nullptr)},
          {"unit", unit},
          {"source", text(limit.source)},
          {"reason", text(limit.reason)},
          {"enable", text(limit.enable)}};
}

}  // namespace

Result<std::vector<DatasheetRow>> parse_datasheet(std::string_view csv) {
  std::vector<DatasheetRow> rows;
  std::size_t number = 0;
  while (!csv.empty()) {
    const auto end = csv.find('\n');
    std::string_view text = csv.substr(0, end);
    csv.remove_prefix(end == std::string_view::npos ? csv.size() : end + 1);
    if (!text.empty() && text.back() == '\r') text.remove_suffix(1);
    ++number;
    if (text.empty()) continue;
    std::optional<Fields> fields = split_line(text);
    if (!fields || fields->size() != kColumns.size()) {
      return bad_input(
          fmt::format("hardware table, line {}: not {} columns", number, kColumns.size()));
    }
    if (number == 1) {
      if (!std::equal(kColumns.begin(), kColumns.end(), fields->begin())) {
        return bad_input("hardware table: the first line does not name the columns");
      }
      continue;
    }
    RIDGELINE_TRY(rows.emplace_back(), parse_row(Line(*std::move(fields), number)));
  }
  if (number == 0) return bad_input("hardware table: it is empty");
  return rows;
}

const Result<std::vector<DatasheetRow>>& datasheet_table() {
  static const Result<std::vector<DatasheetRow>> table = [] {
    const auto files = embedded::hardware();
    return parse_datasheet(files.empty() ? std::string_view{} : files.front().text);
  }();
  return table;
}

const std::vector<std::string>& datasheet_dtypes() {
  static const std::vector<std::string> dtypes = [] {
    std::vector<std::string> names;
    for (const RateColumn& rate : kRates) {
      if (rate.dtype.find('.') == std::string_view::npos) names.emplace_back(rate.dtype);
    }
    return names;
  }();
  return dtypes;
}

std::string_view rate_unit(std::string_view dtype) {
  return dtype.starts_with("int") || dtype.starts_with("uint") ? "OP/s" : "FLOP/s";
}

const Limit& Datasheet::rate(std::string_view dtype) const {
  static const Limit unknown{{}, {}, "the hardware table has no rate of this dtype", {}};
  const auto at = std::find_if(rates.begin(), rates.end(),
                               [&](const auto& entry) { return entry.first == dtype; });
  return at == rates.end() ? unknown : at->second;
}

Json to_json(const Datasheet& datasheet) {
  Json rates = Json::object();
  for (const auto& [dtype, limit] : datasheet.rates) {
    rates[dtype] = limit_json(limit, rate_unit(dtype));
  }
  const bool known = !datasheet.name.empty();
  return {{"name", known ? Json(datasheet.name) : Json(nullptr)},
          {"evidence",
           datasheet.evidence == '\0' ? Json(nullptr) : Json(std::string(1, datasheet.evidence))},
          {"source", datasheet.source.empty() ? Json(nullptr) : Json(datasheet.source)},
          {"bandwidth", limit_json(datasheet.bandwidth, "B/s")},
          {"power", limit_json(datasheet.power, "W")},
          {"rates", std::move(rates)},
          {"notes", datasheet.notes}};
}

}  // namespace ridgeline::machine
