// Normalizers and pre-tokenizers, as tokenizer.json describes them.
#include "engines/native/inputs/text/normalizer.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "engines/native/inputs/text/pre_tokenizer.hpp"

namespace ridgeline::native {
namespace {

std::string normalized(std::string_view spec, std::string_view text) {
  const auto normalizer = parse_normalizer(*parse_json(spec, "test"), "test");
  if (!normalizer) return normalizer.error().line();
  std::string out;
  (*normalizer)->normalize(text, out);
  return out;
}

std::vector<std::string> words(std::string_view spec, std::string_view text) {
  const auto pre_tokenizer = parse_pre_tokenizer(*parse_json(spec, "test"), "test");
  if (!pre_tokenizer) return {pre_tokenizer.error().line()};
  std::vector<std::string_view> views;
  (*pre_tokenizer)->split(text, views);
  return {views.begin(), views.end()};
}

using Words = std::vector<std::string>;

TEST(Normalizer_Bert, cleans_and_lowers_and_strips) {
  const auto bert = [](std::string_view text) {
    return normalized(R"({"type":"BertNormalizer"})", text);
  };
  EXPECT_EQ(bert("Résumé\tÀ"), "resume a");
  EXPECT_EQ(bert(std::string_view("a\0b\x7f\u200d\ufeff", 8)), "ab");
  EXPECT_EQ(bert("x東京"), "x 東  京 ");
  EXPECT_EQ(bert("İ"), "i");
  EXPECT_EQ(bert("한"), "\u1112\u1161\u11ab");
  EXPECT_EQ(bert("\u3000"), " ");
  EXPECT_EQ(bert(""), "");
}

TEST(Normalizer_Bert, accents_follow_lowercase_unless_told) {
  const auto bert = [](bool lower, std::string_view accents) {
    return normalized(std::string(R"({"type":"BertNormalizer","lowercase":)") +
                          (lower ? "true" : "false") + R"(,"strip_accents":)" +
                          std::string(accents) + "}",
                      "É");
  };
  EXPECT_EQ(bert(true, "null"), "e");
  EXPECT_EQ(bert(false, "null"), "É");
  EXPECT_EQ(bert(true, "false"), "é");
  EXPECT_EQ(bert(false, "true"), "E");
}

TEST(Normalizer_Bert, options_can_be_off) {
  EXPECT_EQ(normalized(R"({"type":"BertNormalizer","clean_text":false,"lowercase":false,
                           "handle_chinese_chars":false})",
                       "A\t\u200b東"),
            "A\t\u200b東");
}

TEST(Normalizer_Sequence, runs_in_order) {
  EXPECT_EQ(normalized(R"({"type":"Sequence","normalizers":[{"type":"NFD"},
                           {"type":"StripAccents"},{"type":"Lowercase"}]})",
                       "ÀÉ"),
            "ae");
  EXPECT_EQ(normalized(R"({"type":"Sequence","normalizers":[]})", "À"), "À");
  EXPECT_EQ(normalized(R"({"type":"NFKC"})", "ﬁe\u0301"), "fié");
  EXPECT_EQ(normalized(R"({"type":"NFKD"})", "ﬁé"), "fie\u0301");
  EXPECT_EQ(normalized(R"({"type":"NFC"})", "ﬁe\u0301"), "ﬁé");
}

TEST(Normalizer_Parse, refuses_what_it_does_not_know) {
  const auto replace = parse_normalizer(*parse_json(R"({"type":"Replace"})", "t"), "t");
  ASSERT_FALSE(replace);
  EXPECT_EQ(replace.error().error_class, ErrorClass::kUnsupported);
  EXPECT_NE(replace.error().message.find("'Replace'"), std::string::npos);
  for (const char* spec : {"3", "[]", "{}", R"({"type":7})", R"({"type":"Sequence"})",
                           R"({"type":"Sequence","normalizers":[3]})",
                           R"({"type":"BertNormalizer","lowercase":"yes"})",
                           R"({"type":"BertNormalizer","strip_accents":1})"}) {
    EXPECT_FALSE(parse_normalizer(*parse_json(spec, "t"), "t")) << spec;
  }
  EXPECT_EQ(*parse_normalizer(Json(), "t"), nullptr);
}

TEST(PreTokenizer_Bert, splits_at_space_and_around_punctuation) {
  const char* spec = R"({"type":"BertPreTokenizer"})";
  EXPECT_EQ(words(spec, " Hey friend!  How?!"), (Words{"Hey", "friend", "!", "How", "?", "!"}));
  EXPECT_EQ(words(spec, "a\u3000b—c$€"), (Words{"a", "b", "—", "c", "$", "€"}));
  EXPECT_EQ(words(spec, ""), Words{});
  EXPECT_EQ(words(spec, " \n "), Words{});
}

TEST(PreTokenizer_Whitespace, groups_letters_and_others) {
  EXPECT_EQ(words(R"({"type":"Whitespace"})", "it's a_1 ++c"),
            (Words{"it", "'", "s", "a_1", "++", "c"}));
  EXPECT_EQ(words(R"({"type":"WhitespaceSplit"})", " it's\tok "), (Words{"it's", "ok"}));
}

TEST(PreTokenizer_Sequence, splits_the_words_again) {
  EXPECT_EQ(words(R"({"type":"Sequence","pretokenizers":[{"type":"WhitespaceSplit"},
                      {"type":"BertPreTokenizer"}]})",
                  "a.b c"),
            (Words{"a", ".", "b", "c"}));
}

TEST(PreTokenizer_Parse, refuses_what_it_does_not_know) {
  const auto split = parse_pre_tokenizer(*parse_json(R"({"type":"ByteLevel"})", "t"), "t");
  ASSERT_FALSE(split);
  EXPECT_EQ(split.error().error_class, ErrorClass::kUnsupported);
  EXPECT_NE(split.error().message.find("'ByteLevel'"), std::string::npos);
  EXPECT_FALSE(parse_pre_tokenizer(*parse_json(R"({"type":"Sequence"})", "t"), "t"));
  EXPECT_FALSE(parse_pre_tokenizer(*parse_json("[1]", "t"), "t"));
  EXPECT_EQ(*parse_pre_tokenizer(Json(), "t"), nullptr);
}

}  // namespace
}  // namespace ridgeline::native
