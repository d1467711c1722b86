// A text table that reads well on a terminal and is Markdown when pasted.
#pragma once

#include <string>
#include <vector>

namespace ridgeline::report {

class Table {
 public:
  enum class Align { kLeft, kRight };

  struct Column {
    std::string header;
    Align align = Align::kLeft;
  };

  explicit Table(std::vector<Column> columns);

  /// Cells beyond the columns are dropped, missing ones are empty. Cells are made printable, '|' is
  /// escaped, and text wider than kMaxCell is cut.
  void add_row(const std::vector<std::string>& cells);

  std::size_t rows() const { return rows_.size(); }

  /// Lines that end in '\n': header, rule, rows.
  std::string text() const;

  static constexpr std::size_t kMaxCell = 60;

 private:
  std::vector<Column> columns_;
  std::vector<std::vector<std::string>> rows_;
};

}  // namespace ridgeline::report
