// Widths and cleaning of text.
#include "report/text.hpp"

#include <gtest/gtest.h>

namespace ridgeline::report {
namespace {

TEST(Text_Width, counts_columns_not_bytes) {
  EXPECT_EQ(display_width("abc"), 3u);
  EXPECT_EQ(display_width("1×128 ± 2 µs"), 12u);
  EXPECT_EQ(display_width("模型"), 4u);
  EXPECT_EQ(display_width("e\u0301"), 1u);
  EXPECT_EQ(display_width("🙂"), 2u);
  EXPECT_EQ(display_width("\xff\xfe"), 2u);
  EXPECT_EQ(display_width(""), 0u);
}

TEST(Text_Printable, lets_nothing_reach_the_terminal_that_acts_on_it) {
  EXPECT_EQ(printable("a\x1b[31mb\n\x7f"), "a?[31mb??");
  EXPECT_EQ(printable("\u009b2J"), "?2J");  // C1 control sequence introducer
  EXPECT_EQ(printable("x\u202Ey"), "x?y");  // right-to-left override
  EXPECT_EQ(printable("größe 模型"), "größe 模型");
}

TEST(Text_Printable, replaces_broken_utf8) {
  EXPECT_EQ(printable("a\xffz"), "a\uFFFDz");
  EXPECT_EQ(printable("\xe2\x82"), "\uFFFD\uFFFD");            // cut short
  EXPECT_EQ(printable("\xc0\x80"), "\uFFFD\uFFFD");            // overlong NUL
  EXPECT_EQ(printable("\xe0\x80\xaf"), "\uFFFD\uFFFD\uFFFD");  // overlong slash
  EXPECT_EQ(printable("\xed\xa0\x80"), "\uFFFD\uFFFD\uFFFD");  // surrogate
  EXPECT_EQ(printable("\xf4\x90\x80\x80").substr(0, 3), "\uFFFD");
}

TEST(Text_Cut, keeps_whole_characters_and_marks_the_cut) {
  EXPECT_EQ(cut("abcdef", 6), "abcdef");
  EXPECT_EQ(cut("abcdef", 5), "abcd…");
  EXPECT_EQ(cut("模型模型", 5), "模型…");
  EXPECT_EQ(cut("模型模型", 4), "模…");
  EXPECT_EQ(cut("abc", 0), "");
}

TEST(Text_Pad, fills_columns_on_either_side) {
  EXPECT_EQ(pad("µs", 4), "µs  ");
  EXPECT_EQ(pad("µs", 4, true), "  µs");
  EXPECT_EQ(pad("long", 2), "long");
}

}  // namespace
}  // namespace ridgeline::report
