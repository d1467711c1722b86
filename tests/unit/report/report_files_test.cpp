// Formats to files, and what they may replace.
#include "report/report_files.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "base/file.hpp"
#include "support/report_fixture.hpp"
#include "support/temp_folder.hpp"

namespace ridgeline::report {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::vector<ReportFile> all_files(Assets assets = Assets::kInline) {
  const auto formats = parse_formats("html,md,csv,json,svg");
  EXPECT_TRUE(formats);
  auto files = make_files(test::mixed_payload(), *formats, embedded_parts(), assets);
  EXPECT_TRUE(files) << files.error().line();
  return files ? *std::move(files) : std::vector<ReportFile>();
}

std::string text_of(const std::string& path) {
  const auto text = read_text_file(path);
  return text ? *text : "(none)";
}

TEST(ReportFiles_Formats, are_words_with_commas) {
  EXPECT_THAT(*parse_formats("html"), ElementsAre(ReportFormat::kHtml));
  EXPECT_THAT(*parse_formats("svg,html,html"),
              ElementsAre(ReportFormat::kHtml, ReportFormat::kRoofline, ReportFormat::kBars));
  EXPECT_THAT(*parse_formats("bars.svg"), ElementsAre(ReportFormat::kBars));
  for (const char* wrong : {"", "pdf", "html,", ",md", "HTML", "html md"}) {
    EXPECT_FALSE(parse_formats(wrong)) << wrong;
  }
}

TEST(ReportFiles, are_known_again_and_replaced) {
  const test::TempFolder folder;
  const auto files = all_files();
  const auto paths = write_files(files, folder.path("new/deep"), false);
  ASSERT_TRUE(paths) << paths.error().line();
  EXPECT_EQ(paths->size(), 6u);
  for (const std::string& path : *paths) EXPECT_TRUE(is_own_report(path)) << path;
  EXPECT_TRUE(write_files(files, folder.path("new/deep"), false));
  EXPECT_EQ(std::distance(fs::directory_iterator(folder.path("new/deep")), {}), 6);
}

TEST(ReportFiles, leave_foreign_files_alone_and_then_write_nothing) {
  const test::TempFolder folder;
  folder.write("report.csv", "my,own,table\n");
  const auto files = all_files();
  const auto refused = write_files(files, folder.path(), false);
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().line(), HasSubstr("--force"));
  EXPECT_EQ(text_of(folder.path("report.csv")), "my,own,table\n");
  EXPECT_FALSE(fs::exists(folder.path("report.html")));
  ASSERT_TRUE(write_files(files, folder.path(), true));
  EXPECT_THAT(text_of(folder.path("report.csv")), HasSubstr("schema,run,id"));
}

TEST(ReportFiles, never_replace_what_is_no_file) {
  const test::TempFolder folder;
  fs::create_directory(folder.path("report.html"));
  ASSERT_EQ(::mkfifo(folder.path("pipe").c_str(), 0600), 0);
  EXPECT_FALSE(write_files({{"report.html", "x"}}, folder.path(), true));
  EXPECT_FALSE(write_files({{"pipe", "x"}}, folder.path(), true));
  EXPECT_FALSE(write_files({{"null", "x"}}, "/dev", true));
}

TEST(ReportFiles, have_plotly_beside_a_page_that_shares_it) {
  const PageParts parts = embedded_parts();
  const auto formats = parse_formats("html");
  const auto files = make_files(test::mixed_payload(), *formats, parts, Assets::kShared);
  ASSERT_TRUE(files);
  ASSERT_EQ(files->size(), parts.plotly.empty() ? 1u : 2u);
  if (parts.plotly.empty()) return;
  EXPECT_EQ(files->at(1).name, "plotly.min.js");
  const test::TempFolder folder;
  ASSERT_TRUE(write_files(*files, folder.path(), false));
  EXPECT_TRUE(is_own_report(folder.path("plotly.min.js")));
}

TEST(ReportFiles, take_an_empty_file_for_a_place_to_write) {
  const test::TempFolder folder;
  EXPECT_TRUE(is_own_report(folder.write("a", "")));
  EXPECT_FALSE(is_own_report(folder.write("b", "x")));
  EXPECT_FALSE(is_own_report(folder.path("none")));
}

}  // namespace
}  // namespace ridgeline::report
