// The report for GitHub, against an approved text, and with hostile names.
#include "report/markdown.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "support/approved.hpp"
#include "support/report_fixture.hpp"

namespace ridgeline::report {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TEST(Markdown, is_as_approved) {
  test::expect_approved("report_mixed.md", markdown_report(test::mixed_payload()));
}

TEST(Markdown_Text, stands_as_it_is) {
  EXPECT_EQ(markdown_text("audio_second"), "audio_second");
  EXPECT_EQ(markdown_text("_x_"), "\\_x\\_");
  EXPECT_EQ(markdown_text("<b>*a* `c` [l](u) & ~"),
            "&lt;b&gt;\\*a\\* \\`c\\` \\[l\\](u) &amp; \\~");
  EXPECT_EQ(markdown_text("a\nb\x1b[1m"), "a?b?\\[1m");
}

TEST(Markdown_Code, holds_its_backticks) {
  EXPECT_EQ(markdown_code("ridgeline run"), "`ridgeline run`");
  EXPECT_EQ(markdown_code("a `b` ``c``"), "``` a `b` ``c`` ```");
  EXPECT_EQ(markdown_code("two\nlines"), "`two?lines`");
}

TEST(Markdown, lets_no_markup_of_data_through) {
  Json payload = test::mixed_payload();
  payload["title"] = "<script>alert(1)</script>";
  payload["notes"].push_back("<img src=x> [click](http://x)");
  payload["cases"][0]["label"] = "a | b <script>";
  const std::string text = markdown_report(payload);
  EXPECT_THAT(text, Not(HasSubstr("<script")));
  EXPECT_THAT(text, Not(HasSubstr("<img")));
  EXPECT_THAT(text, Not(HasSubstr("[click](")));
  EXPECT_THAT(text, HasSubstr("a \\| b &lt;script&gt;"));
}

TEST(Markdown, takes_any_payload) {
  EXPECT_THAT(markdown_report(Json()), HasSubstr("# Ridgeline"));
  const Json damaged = {{"cases", Json::array({1, {{"record", 3}, {"analysis", {{"phases", 1}}}}})},
                        {"comparisons", Json::array({1})},
                        {"machines", Json::array({1})},
                        {"notes", Json::array({1})},
                        {"runs", Json::array({1})}};
  EXPECT_THAT(markdown_report(damaged), HasSubstr("Results: 2 cases"));
}

TEST(Markdown, shows_engines_side_by_side) {
  Json payload = test::mixed_payload();
  payload["comparisons"] = Json::array(
      {{{"model", "bert"},
        {"phase", "forward"},
        {"workload", {{"batch", 1}, {"sequence", 128}}},
        {"rows", Json::array({{{"engine", "peer"}, {"is_baseline", true}},
                              {{"engine", "native"},
                               {"speedup", {{"value", 1.5}, {"ci95", Json::array({1.4, 1.6})}}},
                               {"energy_ratio", {{"value", nullptr}}}}})}}});
  const std::string text = markdown_report(payload);
  EXPECT_THAT(text, HasSubstr("1×128"));
  EXPECT_THAT(text, HasSubstr("1.500× \\[1.400, 1.600\\]"));
}

}  // namespace
}  // namespace ridgeline::report
