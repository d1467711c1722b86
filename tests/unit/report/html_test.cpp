// The page: marks filled once, data that cannot end its script, plotly inside, beside or missing.
#include "report/html.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "support/report_fixture.hpp"

namespace ridgeline::report {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

constexpr std::string_view kPage =
    "<!doctype html>\n<html><head><meta http-equiv=\"Content-Security-Policy\" "
    "content=\"default-src 'none'; script-src 'unsafe-inline'\"><!--ridgeline:style-->"
    "<!--ridgeline:plotly--></head><body><!--ridgeline:payload--><!--ridgeline:script--></body>"
    "</html>\n";

PageParts parts(std::string_view plotly = "window.Plotly = 1 < 2;") {
  return {kPage, "b{color:red}", "run();", plotly};
}

Json payload_with(const std::string& title) {
  return {{"schema", "ridgeline-report/1"}, {"title", title}, {"cases", Json::array()}};
}

std::size_t count(const std::string& text, std::string_view word) {
  std::size_t times = 0;
  for (std::size_t at = 0; (at = text.find(word, at)) != std::string::npos; ++at) ++times;
  return times;
}

TEST(Html, fills_each_mark) {
  const auto page = html_report(payload_with("T"), parts(), Assets::kInline);
  ASSERT_TRUE(page) << page.error().line();
  EXPECT_THAT(*page, StartsWith("<!doctype html>\n<!-- ridgeline-report/1 -->"));
  EXPECT_THAT(*page, HasSubstr("<style>b{color:red}</style>"));
  EXPECT_THAT(*page, HasSubstr("<script>window.Plotly = 1 < 2;</script>"));
  EXPECT_THAT(*page, HasSubstr(R"(<script type="application/json" id="payload">{"schema")"));
  EXPECT_THAT(*page, HasSubstr("<script>run();</script>"));
  EXPECT_THAT(*page, Not(HasSubstr("<!--ridgeline:")));
  EXPECT_THAT(*page, HasSubstr("script-src 'unsafe-inline'"));
}

TEST(Html, lets_no_text_of_data_out_of_its_script) {
  const std::string evil =
      "</script><script>alert(1)</script><!-- <img src=x onerror=1> ]]> \xE2\x80\xA8 & "
      "<!--ridgeline:script-->";
  const auto page = html_report(payload_with(evil), parts(), Assets::kInline);
  ASSERT_TRUE(page);
  EXPECT_EQ(count(*page, "<script"), 3u);
  EXPECT_EQ(count(*page, "</script"), 3u);
  EXPECT_EQ(count(*page, "run();"), 1u);
  EXPECT_THAT(*page, Not(HasSubstr("<img")));
  EXPECT_THAT(*page, Not(HasSubstr("\xE2\x80\xA8")));
}

TEST(Html, escapes_to_the_same_data) {
  const Json json = {{"a<b>&", "x\xE2\x80\xA8y\xE2\x80\xA9z</script>\"\\"}};
  const std::string text = script_safe(json);
  EXPECT_EQ(text.find_first_of("<>&"), std::string::npos);
  EXPECT_EQ(Json::parse(text), json);
}

TEST(Html, shares_plotly_when_asked) {
  const auto page = html_report(payload_with("T"), parts(), Assets::kShared);
  ASSERT_TRUE(page);
  EXPECT_THAT(*page, HasSubstr(R"(<script src="plotly.min.js"></script>)"));
  EXPECT_THAT(*page, HasSubstr("script-src 'self' 'unsafe-inline'"));
  EXPECT_THAT(*page, Not(HasSubstr("window.Plotly")));
}

TEST(Html, has_pictures_where_there_is_no_plotly) {
  const auto page = html_report(test::mixed_payload(), parts(""), Assets::kShared);
  ASSERT_TRUE(page);
  EXPECT_EQ(count(*page, "<script"), 2u);
  EXPECT_THAT(*page, HasSubstr(R"("svg":{"roofline":"\u003csvg)"));
  const auto drawn = html_report(test::mixed_payload(), parts(), Assets::kInline);
  ASSERT_TRUE(drawn);
  EXPECT_THAT(*drawn, Not(HasSubstr("\\u003csvg")));
}

TEST(Html, refuses_parts_that_would_break_the_page) {
  PageParts twice = parts();
  const std::string page = std::string(kPage) + "<!--ridgeline:style-->";
  twice.page = page;
  EXPECT_FALSE(html_report(payload_with("T"), twice, Assets::kInline));
  PageParts without = parts();
  without.page = "<html></html>";
  EXPECT_FALSE(html_report(payload_with("T"), without, Assets::kInline));
  PageParts ends = parts();
  ends.script = "'</SCRIPT>'";
  EXPECT_FALSE(html_report(payload_with("T"), ends, Assets::kInline));
}

TEST(Html, is_built_in_whole) {
  const PageParts built = embedded_parts();
  const auto page = html_report(test::mixed_payload(), built, Assets::kInline);
  ASSERT_TRUE(page) << page.error().line();
  EXPECT_THAT(*page, HasSubstr("<style>"));
  EXPECT_FALSE(built.script.empty());
  EXPECT_TRUE(html_report(payload_with("T"), built, Assets::kShared));
}

}  // namespace
}  // namespace ridgeline::report
