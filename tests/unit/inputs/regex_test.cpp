// Regular expressions: Oniguruma's meaning, and hostile ones. Parts are what tokenizers 0.23 gives.
#include "engines/native/inputs/text/regex.hpp"

#include <gtest/gtest.h>

namespace ridgeline::native {
namespace {

using Parts = std::vector<std::string>;

Parts parts(std::string_view pattern, std::string_view text) {
  const auto regex = Regex::compile(pattern, "test");
  if (!regex) return {regex.error().line()};
  std::vector<Segment> segments;
  const Status status = regex->find(text, segments);
  if (!status) return {status.error().line()};
  Parts out;
  for (const auto& [begin, end, is_match] : segments) {
    const std::string part(text.substr(begin, end - begin));
    out.push_back(is_match ? "<" + part + ">" : part);
  }
  return out;
}

TEST(Regex, covers_the_text_with_matches_and_what_is_between) {
  EXPECT_EQ(parts("b+", "abbcb"), (Parts{"a", "<bb>", "c", "<b>"}));
  EXPECT_EQ(parts("x", "abc"), (Parts{"abc"}));
  EXPECT_EQ(parts("x", ""), Parts{});
}

TEST(Regex, takes_no_empty_match_right_behind_a_match) {
  EXPECT_EQ(parts("a*", "baac"), (Parts{"<>", "b", "<aa>", "c", "<>"}));
  EXPECT_EQ(parts("", "é1"), (Parts{"<>", "é", "<>", "1", "<>"}));
}

TEST(Regex, sees_classes_as_oniguruma_does) {
  EXPECT_EQ(parts(R"(\w+)", "a²½ⅷ_Ⓐ!"), (Parts{"<a²½ⅷ_Ⓐ>", "!"}));
  EXPECT_EQ(parts(R"([\w]+)", "a²½ⅷ"), (Parts{"<a>", "²½", "<ⅷ>"}));
  EXPECT_EQ(parts(R"(\d+)", "1٣²"), (Parts{"<1٣>", "²"}));
  EXPECT_EQ(parts(R"(\h+)", "zaF9"), (Parts{"z", "<aF9>"}));
  EXPECT_EQ(parts(R"(\v)", "\v\n"), (Parts{"<\v>", "\n"}));
  EXPECT_EQ(parts(R"(\p{^L}+|\P{Han})", "a1漢"), (Parts{"<a>", "<1>", "漢"}));
  EXPECT_EQ(parts(R"(\p{Letter}\p{lc}\p{nd})", "aB1"), (Parts{"<aB1>"}));
  // U+180E is no blank; U+31350 is a letter since Unicode 15, U+1E4F0 a digit, U+33FFF nothing.
  EXPECT_EQ(parts(R"(\s)", "a\u180e"), (Parts{"a\u180e"}));
  EXPECT_EQ(parts(R"(\p{Han}+|\p{Nd})", "\U00031350\U00033fff\U0001e4f0"),
            (Parts{"<\U00031350>", "\U00033fff", "<\U0001e4f0>"}));
}

TEST(Regex, reads_repetitions_as_oniguruma_does) {
  EXPECT_EQ(parts("a{2}+", "aaaaa"), (Parts{"<aaaa>", "a"}));
  EXPECT_EQ(parts("(?:ab){,2}c", "ababc"), (Parts{"<ababc>"}));
  EXPECT_EQ(parts("a++b|a+?", "aab"), (Parts{"<aab>"}));
  EXPECT_EQ(parts("a{x}{", "a{x}{"), (Parts{"<a{x}{>"}));
}

TEST(Regex, anchors_at_lines_and_words) {
  EXPECT_EQ(parts("^a", "aa\na"), (Parts{"<a>", "a\n", "<a>"}));
  EXPECT_EQ(parts("a$", "a\na"), (Parts{"<a>", "\n", "<a>"}));
  EXPECT_EQ(parts(R"(\bcd\b)", "ab cd"), (Parts{"ab ", "<cd>"}));
  EXPECT_EQ(parts(R"(\s+(?!\S)|\s+)", "a  b "), (Parts{"a", "< >", "< >", "b", "< >"}));
}

TEST(Regex, ignores_case_where_that_means_the_same) {
  EXPECT_EQ(parts("(?i:'s|'K)S", "'SS 'ſS 'ss"), (Parts{"<'SS>", " ", "<'ſS>", " 'ss"}));
  EXPECT_EQ(parts("(?i)a(?-i:b)", "Ab AB"), (Parts{"<Ab>", " AB"}));
}

TEST(Regex, refuses_by_name_what_pcre2_would_take_otherwise) {
  for (const char* pattern : {"(?i:ss)",
                              "(?i:s(?:t))",
                              "(?i:é)",
                              R"((?i:\p{Lu}))",
                              "a{2}?",
                              R"(\pL)",
                              "[a&&b]",
                              "[a[b]]",
                              "[[:alpha:]]",
                              "x(?i)a",
                              "(?m:.)",
                              R"(\p{L&})",
                              R"(\p{Klingon})",
                              R"((a)\1)",
                              "[]a]",
                              R"(\R)",
                              R"(\X)",
                              R"(\G)",
                              R"(\K)",
                              R"([\W])",
                              R"(\xe9)",
                              R"(\x{110000})",
                              R"(\ud800)",
                              "a**",
                              "*a",
                              "(a",
                              "a)",
                              "[a",
                              "\\",
                              "(?<n>a)",
                              "(*UTF)a",
                              "(?(1)a)",
                              "(?R)",
                              R"(\Qa)",
                              R"([\d-z])"}) {
    const auto regex = Regex::compile(pattern, "test");
    ASSERT_FALSE(regex) << pattern;
    EXPECT_EQ(regex.error().error_class, ErrorClass::kUnsupported);
    EXPECT_EQ(regex.error().line().find('\n'), std::string::npos);
  }
  EXPECT_FALSE(Regex::compile(std::string(100'000, '('), "test"));
  EXPECT_FALSE(Regex::compile(std::string(60'000, '('), "test"));
  EXPECT_FALSE(Regex::compile("a" + std::string(100'000, 'a'), "test"));
}

TEST(Regex, gives_up_on_hostile_searches) {
  for (const char* pattern : {"(a+)+$", "(?:a|a)*b", "(?:(?:a{1,200}){1,200}){1,200}b"}) {
    const Parts out = parts(pattern, std::string(5'000, 'a') + "cb");
    ASSERT_EQ(out.size(), 1u) << pattern;
    EXPECT_NE(out[0].find("regular expression"), std::string::npos) << out[0].substr(0, 100);
  }
  const auto long_run = parts(R"(\s*[\r\n]+|\s+(?!\S)|\s+)", std::string(2'000'000, ' ') + "x");
  EXPECT_EQ(long_run.size(), 3u);
}

}  // namespace
}  // namespace ridgeline::native
