// The flat table: stable columns, RFC 4180, and no formulas.
#include "report/csv.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <set>

#include "support/approved.hpp"
#include "support/report_fixture.hpp"

namespace ridgeline::report {
namespace {

using ::testing::Contains;
using ::testing::Each;
using ::testing::SizeIs;

// Rows of cells, by the letter of RFC 4180.
std::vector<std::vector<std::string>> parsed(const std::string& text) {
  std::vector<std::vector<std::string>> rows = {{""}};
  bool quoted = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    std::string& cell = rows.back().back();
    if (text[i] == '"') {
      if (quoted && i + 1 < text.size() && text[i + 1] == '"') {
        cell += text[++i];
      } else {
        quoted = !quoted;
      }
    } else if (!quoted && text[i] == ',') {
      rows.back().emplace_back();
    } else if (!quoted && text[i] == '\r' && text[i + 1] == '\n') {
      ++i;
      rows.push_back({""});
    } else {
      cell += text[i];
    }
  }
  rows.pop_back();
  return rows;
}

std::string cell_of(const Json& payload, std::size_t row, const std::string& column) {
  const auto rows = parsed(csv_report(payload));
  const auto at = std::find(rows.at(0).begin(), rows.at(0).end(), column);
  EXPECT_NE(at, rows.at(0).end()) << column;
  return rows.at(row + 1).at(static_cast<std::size_t>(at - rows.at(0).begin()));
}

TEST(Csv_Text, is_quoted_where_it_must_be) {
  EXPECT_EQ(csv_text("plain text"), "plain text");
  EXPECT_EQ(csv_text("a,b"), "\"a,b\"");
  EXPECT_EQ(csv_text("say \"x\""), "\"say \"\"x\"\"\"");
  EXPECT_EQ(csv_text("two\nlines"), "\"two\nlines\"");
  EXPECT_EQ(csv_text(""), "");
}

TEST(Csv_Text, is_no_formula) {
  EXPECT_EQ(csv_text("=1+1"), "'=1+1");
  EXPECT_EQ(csv_text("+1"), "'+1");
  EXPECT_EQ(csv_text("-1"), "'-1");
  EXPECT_EQ(csv_text("@SUM(A1)"), "'@SUM(A1)");
  EXPECT_EQ(csv_text("  =cmd|' /C calc'!A0"), "'  =cmd|' /C calc'!A0");
  EXPECT_EQ(csv_text("\t=1"), "'\t=1");
}

TEST(Csv_Number, keeps_all_digits_and_its_sign) {
  EXPECT_EQ(csv_number(0.021972272), "0.021972272");
  EXPECT_EQ(csv_number(-1.5), "-1.5");
  EXPECT_EQ(csv_number(1.0 / 3), "0.3333333333333333");
  EXPECT_EQ(csv_number(1.0 / 0.0), "");
}

TEST(Csv, has_a_row_for_each_case_and_phase) {
  const auto rows = parsed(csv_report(test::mixed_payload()));
  ASSERT_EQ(rows.size(), 4u);
  EXPECT_THAT(rows, Each(SizeIs(rows.front().size())));
  const std::set<std::string> names(rows[0].begin(), rows[0].end());
  EXPECT_EQ(names.size(), rows[0].size());
  const Json payload = test::mixed_payload();
  EXPECT_EQ(cell_of(payload, 0, "phase"), "forward");
  EXPECT_EQ(cell_of(payload, 0, "phase.latency"), "0.05361");
  EXPECT_EQ(cell_of(payload, 0, "phase.latency.source"), "timed");
  EXPECT_EQ(cell_of(payload, 0, "synthetic"), "true");
  EXPECT_EQ(cell_of(payload, 0, "phase.energy.gross"), "");
  EXPECT_EQ(cell_of(payload, 0, "limit"), "memory");
  EXPECT_EQ(cell_of(payload, 2, "status"), "failed");
  EXPECT_EQ(cell_of(payload, 2, "phase"), "");
}

TEST(Csv, has_the_same_columns_whatever_was_measured) {
  const auto few = csv_columns(Json::object());
  EXPECT_EQ(csv_columns(test::mixed_payload()), few);
  EXPECT_THAT(few, Contains("phase.energy_per_token.gross"));
  EXPECT_THAT(few, Contains("load.total"));
  Json other = test::mixed_payload();
  other["cases"][0]["record"]["phases"][0]["metrics"]["throughput.page"] = {{"value", 3}};
  auto more = few;
  more.emplace_back("phase.throughput.page");
  EXPECT_EQ(csv_columns(other), more);
}

TEST(Csv, guards_what_comes_from_records) {
  Json payload = test::mixed_payload();
  Json& record = payload["cases"][0]["record"];
  record["model"]["reference"] = "=HYPERLINK(\"http://x\",\"y\")";
  record["phases"][0]["name"] = "-x,\r\n\"";
  record["phases"][0]["metrics"]["latency"]["value"] = -2.5;
  EXPECT_EQ(cell_of(payload, 0, "model"), "'=HYPERLINK(\"http://x\",\"y\")");
  EXPECT_EQ(cell_of(payload, 0, "phase"), "'-x,\r\n\"");
  EXPECT_EQ(cell_of(payload, 0, "phase.latency"), "-2.5");
}

TEST(Csv, is_as_approved) {
  test::expect_approved("report_mixed.csv", csv_report(test::mixed_payload()));
}

}  // namespace
}  // namespace ridgeline::report
