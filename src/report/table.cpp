// Lays out a table.
#include "report/table.hpp"

#include <algorithm>

#include "report/text.hpp"

namespace ridgeline::report {
namespace {

std::string clean_cell(const std::string& text) {
  std::string escaped;
  for (const char c : cut(printable(text), Table::kMaxCell)) {
    if (c == '|') escaped += '\\';
    escaped += c;
  }
  return escaped;
}

}  // namespace

Table::Table(std::vector<Column> columns) : columns_(std::move(columns)) {
  for (Column& column : columns_) column.header = clean_cell(column.header);
}

void Table::add_row(const std::vector<std::string>& cells) {
  std::vector<std::string> row;
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    row.push_back(i < cells.size() ? clean_cell(cells[i]) : std::string());
  }
  rows_.push_back(std::move(row));
}

std::string Table::text() const {
  // Three is the shortest rule that every Markdown reader takes.
  std::vector<std::size_t> widths;
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    std::size_t width = std::max<std::size_t>(3, display_width(columns_[i].header));
    for (const auto& row : rows_) width = std::max(width, display_width(row[i]));
    widths.push_back(width);
  }
  const auto is_right = [&](std::size_t i) { return columns_[i].align == Align::kRight; };

  std::string header;
  std::string rule;
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    header += "| " + pad(columns_[i].header, widths[i], is_right(i)) + " ";
    rule += is_right(i) ? "| " + std::string(widths[i] - 1, '-') + ": "
                        : "| " + std::string(widths[i], '-') + " ";
  }
  std::string lines = header + "|\n" + rule + "|\n";
  for (const auto& row : rows_) {
    for (std::size_t i = 0; i < columns_.size(); ++i) {
      lines += "| " + pad(row[i], widths[i], is_right(i)) + " ";
    }
    lines += "|\n";
  }
  return lines;
}

}  // namespace ridgeline::report
