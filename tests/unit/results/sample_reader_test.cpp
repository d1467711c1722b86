// Sample files as reports read them: what a worker wrote comes back, anything else is a reason.
#include "results/sample_reader.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "support/report_fixture.hpp"
#include "support/temp_folder.hpp"

namespace ridgeline::results {
namespace {

using ::testing::DoubleEq;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(SampleReader, gives_the_calls_of_the_asked_rows) {
  const test::TempFolder folder;
  test::write_samples(folder.path("s.bin"), {1000, 2000, 3000, 4000});
  const auto seconds = read_call_seconds(folder.path("s.bin"), 1, 3);
  ASSERT_TRUE(seconds) << seconds.error().line();
  EXPECT_THAT(*seconds, ElementsAre(DoubleEq(2e-6), DoubleEq(3e-6)));
}

TEST(SampleReader, leaves_rows_of_tokens_out) {
  const test::TempFolder folder;
  test::write_samples(folder.path("s.bin"), {1000, 2000}, protocol::kRowOfToken);
  const auto seconds = read_call_seconds(folder.path("s.bin"), 0, 2);
  ASSERT_TRUE(seconds);
  EXPECT_TRUE(seconds->empty());
}

TEST(SampleReader, says_what_is_wrong_with_a_file) {
  const test::TempFolder folder;
  const std::string path = folder.path("s.bin");
  const auto reason = [&](std::int64_t first, std::int64_t end) {
    const auto seconds = read_call_seconds(path, first, end);
    return seconds ? std::string("none") : seconds.error().message;
  };
  EXPECT_THAT(reason(0, 1), HasSubstr("No such file"));
  test::write_samples(path, {1000, 2000, 3000});
  EXPECT_THAT(reason(0, 4), HasSubstr("has 3 rows, not the 4"));
  EXPECT_THAT(reason(2, 1), HasSubstr("cannot be"));
  EXPECT_THAT(reason(-1, 1), HasSubstr("cannot be"));
  EXPECT_THAT(reason(0, kMostRowsRead + 1), HasSubstr("above the limit"));
  std::filesystem::resize_file(path, 64 + 48);
  EXPECT_THAT(reason(0, 1), HasSubstr("cut short"));
  std::filesystem::resize_file(path, 20);
  EXPECT_THAT(reason(0, 1), HasSubstr("cut short: no header"));
  folder.write("s.bin", std::string(200, 'x'));
  EXPECT_THAT(reason(0, 1), HasSubstr("not a sample file"));
}

TEST(SampleReader, leaves_the_run_folder_for_no_path) {
  EXPECT_EQ(*path_in_folder("/run", "samples/a/0-x.bin"), "/run/samples/a/0-x.bin");
  for (const char* path : {"", "/etc/passwd", "../x", "samples/../../x"}) {
    EXPECT_FALSE(path_in_folder("/run", path)) << path;
  }
  EXPECT_FALSE(path_in_folder("/run", std::string("a\0b", 3)));
}

}  // namespace
}  // namespace ridgeline::results
