// UTF-8, properties, lower case and normal forms.
#include "engines/native/inputs/text/unicode.hpp"

#include <gtest/gtest.h>

namespace ridgeline::native {
namespace {

std::string decomposed(std::string_view text, bool compatibility = false) {
  std::u32string code_points = to_code_points(text);
  decompose(code_points, compatibility);
  std::string out;
  append_utf8(code_points, out);
  return out;
}

std::string composed(std::string_view text) {
  std::u32string code_points = to_code_points(text);
  decompose(code_points, false);
  compose(code_points);
  std::string out;
  append_utf8(code_points, out);
  return out;
}

std::string lower(std::string_view text) {
  std::u32string code_points = to_code_points(text);
  lowercase(code_points);
  std::string out;
  append_utf8(code_points, out);
  return out;
}

TEST(Unicode_Utf8, encodes_and_decodes_every_code_point) {
  for (char32_t c = 0; c < 0x110000; ++c) {
    if (c >= 0xD800 && c <= 0xDFFF) continue;
    std::string text;
    append_utf8(c, text);
    ASSERT_FALSE(invalid_utf8_at(text)) << static_cast<unsigned>(c);
    std::size_t at = 0;
    ASSERT_EQ(decode_utf8(text, at), c);
    ASSERT_EQ(at, text.size());
  }
}

TEST(Unicode_Utf8, finds_the_first_invalid_byte) {
  EXPECT_FALSE(invalid_utf8_at(""));
  EXPECT_FALSE(invalid_utf8_at("\xF4\x8F\xBF\xBF"));
  EXPECT_EQ(invalid_utf8_at("ab\xFF"), 2u);
  EXPECT_EQ(invalid_utf8_at("a\x80"), 1u);
  EXPECT_EQ(invalid_utf8_at("\xC3"), 0u);              // cut short
  EXPECT_EQ(invalid_utf8_at("é\xE2\x82"), 2u);         // cut short after a whole one
  EXPECT_EQ(invalid_utf8_at("\xC0\xAF"), 0u);          // overlong
  EXPECT_EQ(invalid_utf8_at("\xE0\x80\x80"), 0u);      // overlong
  EXPECT_EQ(invalid_utf8_at("\xF0\x8F\xBF\xBF"), 0u);  // overlong
  EXPECT_EQ(invalid_utf8_at("\xED\xA0\x80"), 0u);      // surrogate
  EXPECT_EQ(invalid_utf8_at("\xF4\x90\x80\x80"), 0u);  // above U+10FFFF
  EXPECT_EQ(invalid_utf8_at("\xE2\x28\xA1"), 0u);      // no continuation
}

TEST(Unicode_Excerpt, keeps_whole_characters) {
  EXPECT_EQ(excerpt("short"), "short");
  const std::string text(59, 'x');
  EXPECT_EQ(excerpt(text + "éé"), text + "...");
}

TEST(Unicode_Characters, knows_properties) {
  const Characters& c = Characters::get();
  EXPECT_TRUE(c.has(U'\u3000', kWhitespace));
  EXPECT_FALSE(c.has(U'\u200b', kWhitespace));
  EXPECT_TRUE(c.has(U'\u200b', kRemoved));
  EXPECT_TRUE(c.has(U'\ufffd', kRemoved));
  EXPECT_FALSE(c.has(U'\n', kRemoved));
  EXPECT_TRUE(c.has(U'\u0301', kNonspacing));
  EXPECT_FALSE(c.has(U'\u0903', kNonspacing));  // a spacing mark
  EXPECT_TRUE(c.has(U'\u0903', kMark));
  EXPECT_TRUE(c.has(U'$', kPunctuation));
  EXPECT_FALSE(c.has(U'\u20ac', kPunctuation));
  EXPECT_TRUE(c.has(U'_', kWord));
  EXPECT_TRUE(c.has(U'\u0130', kUppercase));
  EXPECT_EQ(c[0x10FFFF], c[0x10FFFE]);
}

TEST(Unicode_Lowercase, maps_each_character_by_itself) {
  EXPECT_EQ(lower("ABC xyz"), "abc xyz");
  EXPECT_EQ(lower("ΣΑΣ"), "σασ");
  EXPECT_EQ(lower("İ"), "i\u0307");
  EXPECT_EQ(lower("ẞ Ǆ ǅ K"), "ß ǆ ǆ k");
  EXPECT_EQ(lower("𐐀"), "𐐨");
  EXPECT_EQ(lower("Ā Ő Ž"), "ā ő ž");
}

TEST(Unicode_Decompose, splits_and_orders) {
  EXPECT_EQ(decomposed("é"), "e\u0301");
  EXPECT_EQ(decomposed("ậ"), "a\u0323\u0302");
  EXPECT_EQ(decomposed("a\u0307\u0323"), "a\u0323\u0307");
  EXPECT_EQ(decomposed("각"), "\u1100\u1161\u11a8");
  EXPECT_EQ(decomposed("ﬁ"), "ﬁ");
  EXPECT_EQ(decomposed("ﬁ①", true), "fi1");
}

TEST(Unicode_Compose, undoes_decomposition) {
  EXPECT_EQ(composed("e\u0301"), "é");
  EXPECT_EQ(composed("a\u0302\u0323"), "ậ");
  EXPECT_EQ(composed("\u1100\u1161\u11a8"), "각");
  EXPECT_EQ(composed("\uac00\u11a8"), "각");
  EXPECT_EQ(composed("\u212b"), "Å");
  EXPECT_EQ(composed("\u0344"), "\u0308\u0301");          // excluded from composition
  EXPECT_EQ(composed("\u0301e\u0301"), "\u0301é");        // a mark without a letter before it
  EXPECT_EQ(composed("a\u0305\u0301"), "a\u0305\u0301");  // the same class blocks
  EXPECT_EQ(composed("a\u0327\u0301"), "á\u0327");  // another class between them does not block
}

}  // namespace
}  // namespace ridgeline::native
