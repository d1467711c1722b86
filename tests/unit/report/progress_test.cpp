// Progress on a terminal and elsewhere.
#include "report/progress.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <unistd.h>

#include "report/text.hpp"

namespace ridgeline::report {
namespace {

constexpr std::int64_t kMs = 1'000'000;

ProgressState some_state() {
  return {.elapsed_seconds = 12.4,
          .budget_seconds = 60,
          .case_number = 1,
          .cases = 3,
          .case_label = "bert 1×128",
          .invocation = 2,
          .invocations = 5,
          .stage = Stage::kMeasure,
          .median_seconds = 0.01234,
          .half_width_seconds = 0.00005};
}

struct Capture {
  std::string text;
  int writes = 0;
  Progress::Write sink() {
    return [this](std::string_view part) {
      text += part;
      ++writes;
    };
  }
};

TEST(Progress_Line, tells_where_the_run_stands) {
  EXPECT_EQ(Progress::line(some_state()),
            "[12/60 s] case 1/3 bert 1×128 · invocation 2/5 · measure · 12.34 ± 0.05 ms");
  EXPECT_EQ(Progress::line({.elapsed_seconds = 1}), "[1 s] · start");
}

TEST(Progress_Live, draws_at_most_four_times_a_second) {
  Capture capture;
  Progress progress({Progress::Mode::kLive, false, 80}, capture.sink());
  for (std::int64_t t = 0; t < 1000; t += 10) progress.update(some_state(), t * kMs);
  EXPECT_EQ(capture.writes, 4);
}

TEST(Progress_Live, redraws_one_line_that_never_wraps) {
  Capture capture;
  Progress progress({Progress::Mode::kLive, false, 30}, capture.sink());
  progress.update(some_state(), 0);
  EXPECT_EQ(capture.text.find('\n'), std::string::npos);
  EXPECT_EQ(capture.text.substr(0, 4), "\r\x1b[K");
  EXPECT_EQ(display_width(capture.text.substr(4)), 29u);
}

TEST(Progress_Live, messages_stay_above_the_line) {
  Capture capture;
  Progress progress({Progress::Mode::kLive, true, 80}, capture.sink());
  progress.update(some_state(), 0);
  capture.text.clear();
  progress.message("failed: \x1b[2J", true);
  EXPECT_EQ(capture.text, "\r\x1b[K\x1b[31mfailed: ?[2J\x1b[0m\n");
  capture.text.clear();
  progress.clear();
  EXPECT_EQ(capture.text, "") << "nothing is drawn any more";
}

TEST(Progress_Live, shows_a_finished_invocation_at_once) {
  Capture capture;
  Progress progress({Progress::Mode::kLive, false, 80}, capture.sink());
  progress.update(some_state(), 0);
  progress.finish_invocation(some_state());
  EXPECT_EQ(capture.writes, 2);
}

TEST(Progress_Plain, writes_one_line_for_an_invocation_and_no_escapes) {
  Capture capture;
  Progress progress({Progress::Mode::kPlain, false, 80}, capture.sink());
  progress.update(some_state(), 0);
  EXPECT_EQ(capture.text, "");
  progress.finish_invocation(some_state());
  progress.message("failed: x", true);
  progress.clear();
  EXPECT_EQ(capture.text,
            "[12/60 s] case 1/3 bert 1×128 · invocation 2/5 done · 12.34 ± 0.05 ms\nfailed: x\n");
}

TEST(Progress_Quiet, writes_nothing) {
  Capture capture;
  Progress progress({Progress::Mode::kQuiet, true, 80}, capture.sink());
  progress.update(some_state(), 0);
  progress.finish_invocation(some_state());
  progress.message("x", true);
  progress.clear();
  EXPECT_EQ(capture.writes, 0);
}

// A pseudo terminal stands for a real one.
class ProgressTerminal : public ::testing::Test {
 protected:
  void SetUp() override {
    main_ = ::posix_openpt(O_RDWR | O_NOCTTY);
    ASSERT_GE(main_, 0);
    ASSERT_EQ(::grantpt(main_), 0);
    ASSERT_EQ(::unlockpt(main_), 0);
    terminal_ = ::open(::ptsname(main_), O_RDWR | O_NOCTTY);
    ASSERT_GE(terminal_, 0);
    keep("TERM", term_);
    keep("NO_COLOR", no_color_);
    ::setenv("TERM", "xterm", 1);
    ::unsetenv("NO_COLOR");
  }
  void TearDown() override {
    restore("TERM", term_);
    restore("NO_COLOR", no_color_);
    if (terminal_ >= 0) ::close(terminal_);
    if (main_ >= 0) ::close(main_);
  }

  static void keep(const char* name, std::optional<std::string>& value) {
    if (const char* text = ::getenv(name)) value = text;
  }
  static void restore(const char* name, const std::optional<std::string>& value) {
    value ? ::setenv(name, value->c_str(), 1) : ::unsetenv(name);
  }

  int main_ = -1;
  int terminal_ = -1;
  std::optional<std::string> term_;
  std::optional<std::string> no_color_;
};

TEST_F(ProgressTerminal, is_live_and_coloured) {
  const auto options = progress_options(terminal_, false);
  EXPECT_EQ(options.mode, Progress::Mode::kLive);
  EXPECT_TRUE(options.color);
}

TEST_F(ProgressTerminal, honours_no_color_and_dumb_terminals) {
  ::setenv("NO_COLOR", "1", 1);
  EXPECT_FALSE(progress_options(terminal_, false).color);
  EXPECT_EQ(progress_options(terminal_, false).mode, Progress::Mode::kLive);
  ::setenv("TERM", "dumb", 1);
  EXPECT_EQ(progress_options(terminal_, false).mode, Progress::Mode::kPlain);
}

TEST_F(ProgressTerminal, quiet_wins_and_files_are_plain) {
  EXPECT_EQ(progress_options(terminal_, true).mode, Progress::Mode::kQuiet);
  const int file = ::open("/dev/null", O_WRONLY);
  EXPECT_EQ(progress_options(file, false).mode, Progress::Mode::kPlain);
  EXPECT_FALSE(progress_options(file, false).color);
  ::close(file);
}

}  // namespace
}  // namespace ridgeline::report
