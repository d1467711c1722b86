// Reads the tables of measured phases and of constants.
#include "study/predict_validation.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>

#include "embedded/validation.hpp"

namespace ridgeline::study {
namespace {

constexpr std::string_view kRowColumns =
    "device,class,model,phase,dtype,batch,sequence,depth,recorded,flops_rate,bytes_rate,measured,"
    "predicted,source";
constexpr std::string_view kFitColumns =
    "class,basis,compute,memory,kernel_seconds,launch_seconds,ceiling_compute,ceiling_memory";
constexpr double kMostSize = 1e9;

// The fields of a line; commas only part them.
std::vector<std::string_view> split(std::string_view line) {
  std::vector<std::string_view> fields;
  for (;;) {
    const auto end = line.find(',');
    fields.push_back(line.substr(0, end));
    if (end == std::string_view::npos) return fields;
    line.remove_prefix(end + 1);
  }
}

// One line of a table, its fields read from left to right.
class Line {
 public:
  Line(std::string_view table, std::size_t number, std::vector<std::string_view> fields)
      : table_(table), number_(number), fields_(std::move(fields)) {}

  std::string text() { return std::string(fields_[next_++]); }

  Result<std::optional<double>> number_or_none() {
    const std::string_view field = fields_[next_++];
    if (field.empty()) return std::optional<double>();
    double value = 0;
    const auto [end, error] = std::from_chars(field.data(), field.data() + field.size(), value);
    const bool whole = error == std::errc() && end == field.data() + field.size();
    if (!whole || !std::isfinite(value) || value < 0) {
      return bad_input(fmt::format("{}, line {}: '{}' is no number", table_, number_, field));
    }
    return std::optional(value);
  }

  Result<double> number() {
    RIDGELINE_TRY(const std::optional<double> value, number_or_none());
    if (value) return *value;
    return bad_input(fmt::format("{}, line {}: field {} is empty", table_, number_, next_));
  }

  Result<std::optional<std::int64_t>> size_or_none() {
    RIDGELINE_TRY(const std::optional<double> value, number_or_none());
    if (!value) return std::optional<std::int64_t>();
    if (*value < 1 || *value > kMostSize) {
      return bad_input(fmt::format("{}, line {}: {} is no size", table_, number_, *value));
    }
    return std::optional(static_cast<std::int64_t>(*value));
  }

 private:
  std::string_view table_;
  std::size_t number_;
  std::vector<std::string_view> fields_;
  std::size_t next_ = 0;
};

template <typename T>
Result<std::vector<T>> parse_table(std::string_view csv, std::string_view table,
                                   std::string_view columns, Result<T> (*parse)(Line&)) {
  std::vector<T> rows;
  std::size_t number = 0;
  while (!csv.empty()) {
    const auto end = csv.find('\n');
    std::string_view text = csv.substr(0, end);
    csv.remove_prefix(end == std::string_view::npos ? csv.size() : end + 1);
    if (!text.empty() && text.back() == '\r') text.remove_suffix(1);
    ++number;
    if (text.empty()) continue;
    if (number == 1) {
      if (text == columns) continue;
      return bad_input(fmt::format("{}: the first line does not name the columns", table));
    }
    auto fields = split(text);
    if (fields.size() != split(columns).size()) {
      return bad_input(
          fmt::format("{}, line {}: not {} columns", table, number, split(columns).size()));
    }
    Line line(table, number, std::move(fields));
    RIDGELINE_TRY(rows.emplace_back(), parse(line));
  }
  if (number == 0) return bad_input(fmt::format("{}: it is empty", table));
  return rows;
}

Result<ValidationRow> parse_row(Line& line) {
  ValidationRow row;
  row.device = line.text();
  row.device_class = line.text();
  row.model = line.text();
  row.phase = line.text();
  row.dtype = line.text();
  RIDGELINE_TRY(const auto batch, line.size_or_none());
  row.batch = batch.value_or(1);
  RIDGELINE_TRY(row.sequence, line.size_or_none());
  RIDGELINE_TRY(row.depth, line.size_or_none());
  row.recorded = line.text() == "yes";
  RIDGELINE_TRY(row.flops_rate, line.number());
  RIDGELINE_TRY(row.bytes_rate, line.number());
  RIDGELINE_TRY(row.measured, line.number());
  RIDGELINE_TRY(row.predicted, line.number());
  row.source = line.text();
  const bool can_be =
      row.flops_rate > 0 && row.bytes_rate > 0 && row.measured > 0 && row.predicted > 0;
  if (!can_be) return bad_input("table of validation: a rate or a time is 0");
  return row;
}

Result<FittedClass> parse_class(Line& line) {
  FittedClass fitted;
  TimeConstants& constants = fitted.constants;
  fitted.device_class = line.text();
  constants.basis = line.text() == "measured" ? Basis::kMeasured : Basis::kDatasheet;
  RIDGELINE_TRY(constants.compute, line.number());
  RIDGELINE_TRY(constants.memory, line.number());
  RIDGELINE_TRY(constants.kernel_seconds, line.number());
  RIDGELINE_TRY(constants.launch_seconds, line.number());
  RIDGELINE_TRY(constants.ceiling_compute, line.number_or_none());
  RIDGELINE_TRY(constants.ceiling_memory, line.number_or_none());
  if (!(constants.compute > 0) || !(constants.memory > 0)) {
    return bad_input("table of constants: a share is 0");
  }
  return fitted;
}

std::string_view embedded_text(std::string_view stem) {
  for (const embedded::File& file : embedded::validation()) {
    if (file.stem == stem) return file.text;
  }
  return {};
}

}  // namespace

std::string ValidationRow::describe() const {
  std::string text = fmt::format("{} {}", model, batch);
  if (sequence) text += fmt::format("×{}", *sequence);
  text += fmt::format(" {} {}", dtype, phase);
  if (phase == "decode" && depth) text += fmt::format(" at {}", *depth);
  return text;
}

Result<std::vector<ValidationRow>> parse_validation(std::string_view csv) {
  return parse_table<ValidationRow>(csv, "table of validation", kRowColumns, parse_row);
}

Result<std::vector<FittedClass>> parse_fit(std::string_view csv) {
  return parse_table<FittedClass>(csv, "table of constants", kFitColumns, parse_class);
}

const Result<std::vector<ValidationRow>>& validation_table() {
  static const auto table = parse_validation(embedded_text("validation"));
  return table;
}

const Result<std::vector<FittedClass>>& fit_table() {
  static const auto table = parse_fit(embedded_text("validation_fit"));
  return table;
}

std::optional<ValidationError> error_of(const std::vector<ValidationRow>& rows,
                                        std::string_view device_class) {
  ValidationError error;
  std::vector<double> shares;
  for (const ValidationRow& row : rows) {
    if (row.device_class != device_class) continue;
    shares.push_back(std::abs(row.predicted / row.measured - 1));
    if (shares.back() >= error.worst) {
      error.worst = shares.back();
      error.worst_row = row.describe();
    }
    double& longest = row.recorded ? error.longest_recorded : error.longest_plain;
    longest = std::max(longest, row.measured / row.predicted);
    if (std::find(error.devices.begin(), error.devices.end(), row.device) == error.devices.end()) {
      error.devices.push_back(row.device);
    }
  }
  if (shares.empty()) return std::nullopt;
  std::sort(shares.begin(), shares.end());
  const std::size_t middle = shares.size() / 2;
  error.rows = shares.size();
  error.median =
      shares.size() % 2 == 1 ? shares[middle] : 0.5 * (shares[middle - 1] + shares[middle]);
  return error;
}

}  // namespace ridgeline::study
