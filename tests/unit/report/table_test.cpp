// The text table.
#include "report/table.hpp"

#include <gtest/gtest.h>

namespace ridgeline::report {
namespace {

TEST(Table_Text, aligns_and_is_markdown) {
  Table table({{"model", Table::Align::kLeft}, {"ms", Table::Align::kRight}});
  table.add_row({"bert", "1.5"});
  table.add_row({"模型", "12345"});
  EXPECT_EQ(table.text(),
            "| model |    ms |\n"
            "| ----- | ----: |\n"
            "| bert  |   1.5 |\n"
            "| 模型  | 12345 |\n");
}

TEST(Table_Text, keeps_hostile_cells_in_their_cell) {
  Table table({{"a", Table::Align::kLeft}});
  table.add_row({"x|y\n\x1b[1m", "dropped"});
  table.add_row({});
  EXPECT_EQ(table.text(),
            "| a         |\n"
            "| --------- |\n"
            "| x\\|y??[1m |\n"
            "|           |\n");
}

TEST(Table_Text, cuts_very_long_cells) {
  Table table({{"a", Table::Align::kLeft}});
  table.add_row({std::string(100000, 'x')});
  EXPECT_LT(table.text().size(), 4 * Table::kMaxCell);
}

}  // namespace
}  // namespace ridgeline::report
