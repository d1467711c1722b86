// Normalizers, as tokenizer.json describes them.
#include "engines/native/inputs/text/normalizer.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace ridgeline::native {
namespace {

std::string normalized(std::string_view spec, std::string_view text) {
  const auto normalizer = parse_normalizer(*parse_json(spec, "test"), "test");
  if (!normalizer) return normalizer.error().line();
  std::string out;
  const Status status = (*normalizer)->normalize(text, out);
  return status ? out : status.error().line();
}

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
  const auto other = parse_normalizer(*parse_json(R"({"type":"Precompiled"})", "t"), "t");
  ASSERT_FALSE(other);
  EXPECT_EQ(other.error().error_class, ErrorClass::kUnsupported);
  EXPECT_NE(other.error().message.find("'Precompiled'"), std::string::npos);
  for (const char* spec :
       {"3", "[]", "{}", R"({"type":7})", R"({"type":"Sequence"})",
        R"({"type":"Sequence","normalizers":[3]})",
        R"({"type":"BertNormalizer","lowercase":"yes"})",
        R"({"type":"BertNormalizer","strip_accents":1})", R"({"type":"Replace"})",
        R"({"type":"Prepend"})", R"({"type":"Replace","pattern":"a","content":"b"})",
        R"({"type":"Replace","pattern":{"Regex":"("},"content":"b"})",
        R"({"type":"Strip","strip_left":1})"}) {
    EXPECT_FALSE(parse_normalizer(*parse_json(spec, "t"), "t")) << spec;
  }
  EXPECT_EQ(*parse_normalizer(Json(), "t"), nullptr);
}

TEST(Normalizer_Replace, puts_the_content_for_every_match) {
  const auto replace = [](std::string_view pattern, std::string_view text) {
    return normalized(
        R"({"type":"Replace","pattern":)" + std::string(pattern) + R"(,"content":"x"})", text);
  };
  EXPECT_EQ(replace(R"({"String":"."})", "a.b..é"), "axbxxé");
  EXPECT_EQ(replace(R"({"Regex":"\\s+"})", "a \u3000b\t"), "axbx");
  EXPECT_EQ(replace(R"({"Regex":"a*"})", "baac"), "xbxcx");
  EXPECT_EQ(replace(R"({"String":""})", "é1"), "xéx1x");
  EXPECT_EQ(replace(R"({"String":""})", ""), "");
}

TEST(Normalizer_Replace, bounds_what_it_makes) {
  const std::string step =
      R"({"type":"Replace","pattern":{"String":"a"},"content":")" + std::string(4096, 'a') + "\"}";
  const std::string spec =
      R"({"type":"Sequence","normalizers":[)" + step + "," + step + "," + step + "]}";
  const auto normalizer = parse_normalizer(*parse_json(spec, "t"), "t");
  ASSERT_TRUE(normalizer);
  std::string out;
  const Status status = (*normalizer)->normalize("aaaaaaaa", out);
  ASSERT_FALSE(status);
  EXPECT_NE(status.error().line().find("grows above"), std::string::npos);
}

TEST(Normalizer_Sequence, bounds_what_it_makes) {
  std::string steps = R"({"type":"ByteLevel"})";
  for (int i = 0; i < 60; ++i) steps += R"(,{"type":"ByteLevel"})";
  const std::string out = normalized(R"({"type":"Sequence","normalizers":[)" + steps + "]}", "é");
  EXPECT_NE(out.find("grows above"), std::string::npos);
}

TEST(Normalizer_Rewriting, prepends_strips_and_spells_bytes) {
  const char* prepend = R"({"type":"Prepend","prepend":"▁"})";
  EXPECT_EQ(normalized(prepend, "a"), "▁a");
  EXPECT_EQ(normalized(prepend, ""), "");
  EXPECT_EQ(normalized(R"({"type":"Strip","strip_left":true,"strip_right":true})", " é \u3000"),
            "é");
  EXPECT_EQ(normalized(R"({"type":"Strip","strip_left":false,"strip_right":true})", " a "), " a");
  EXPECT_EQ(normalized(R"({"type":"Strip","strip_left":true,"strip_right":false})", " \n"), "");
  EXPECT_EQ(normalized(R"({"type":"ByteLevel"})", " é\u3000"), "ĠÃ©ãĢĢ");
}

}  // namespace
}  // namespace ridgeline::native
