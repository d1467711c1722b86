// Pre-tokenizers, as tokenizer.json describes them. Words are what tokenizers 0.23 gives.
#include "engines/native/inputs/text/pre_tokenizer.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace ridgeline::native {
namespace {

using Words = std::vector<std::string>;

Words words(std::string_view spec, std::string_view text, bool at_start = true) {
  const auto pre_tokenizer = parse_pre_tokenizer(*parse_json(spec, "test"), "test");
  if (!pre_tokenizer) return {pre_tokenizer.error().line()};
  WordList list;
  const Status status = (*pre_tokenizer)->split({text, at_start}, list);
  if (!status) return {status.error().line()};
  Words out;
  for (const Word& word : list.words) out.emplace_back(word.text);
  return out;
}

Words split(std::string_view pattern, std::string_view behavior, bool invert,
            std::string_view text) {
  const Json spec = {{"type", "Split"},
                     {"pattern", *parse_json(pattern, "t")},
                     {"behavior", behavior},
                     {"invert", invert}};
  return words(spec.dump(), text);
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

TEST(PreTokenizer_Split, has_five_behaviors) {
  const char* dots = R"({"String":"."})";
  EXPECT_EQ(split(dots, "Removed", false, "a..b."), (Words{"a", "b"}));
  EXPECT_EQ(split(dots, "Isolated", false, "a..b."), (Words{"a", ".", ".", "b", "."}));
  EXPECT_EQ(split(dots, "MergedWithPrevious", false, "a..b."), (Words{"a.", ".", "b."}));
  EXPECT_EQ(split(dots, "MergedWithNext", false, "a..b."), (Words{"a", ".", ".b", "."}));
  EXPECT_EQ(split(dots, "Contiguous", false, "a..b."), (Words{"a", "..", "b", "."}));
  EXPECT_EQ(split(dots, "Removed", true, "a..b."), (Words{".", ".", "."}));
  EXPECT_EQ(split(R"({"String":"a."})", "Contiguous", true, "é a.a.ba.12"),
            (Words{"é ", "a.a.", "b", "a.", "12"}));
}

TEST(PreTokenizer_Split, takes_regular_expressions_and_empty_patterns) {
  const char* llama =
      R"({"Regex":"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}|)"
      R"( ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"})";
  EXPECT_EQ(split(llama, "Isolated", false, "It'S  1234 (a)\n\n b "),
            (Words{"It", "'S", " ", " ", "123", "4", " (", "a", ")\n\n", " b", " "}));
  EXPECT_EQ(split(R"({"String":""})", "Isolated", false, "éb"), (Words{"é", "b"}));
}

TEST(PreTokenizer_Characters, splits_at_digits_and_punctuation) {
  EXPECT_EQ(words(R"({"type":"Digits","individual_digits":true})", "a12½ c"),
            (Words{"a", "1", "2", "½", " c"}));
  EXPECT_EQ(words(R"({"type":"Digits","individual_digits":false})", "a12½ c"),
            (Words{"a", "12½", " c"}));
  EXPECT_EQ(words(R"({"type":"Punctuation"})", "a!!—b"), (Words{"a", "!", "!", "—", "b"}));
  EXPECT_EQ(words(R"({"type":"Punctuation","behavior":"Contiguous"})", "a!!b"),
            (Words{"a", "!!", "b"}));
}

TEST(PreTokenizer_ByteLevel, spells_bytes_after_splitting) {
  const auto level = [](bool prefix, bool regex, std::string_view text) {
    const Json spec = {{"type", "ByteLevel"}, {"add_prefix_space", prefix}, {"use_regex", regex}};
    return words(spec.dump(), text);
  };
  EXPECT_EQ(level(true, true, "é a.12½c!!"), (Words{"ĠÃ©", "Ġa", ".", "12Â½", "c", "!!"}));
  EXPECT_EQ(level(true, true, " a\n"), (Words{"Ġa", "Ċ"}));
  EXPECT_EQ(level(false, true, "  x"), (Words{"Ġ", "Ġx"}));
  EXPECT_EQ(level(true, false, "  x"), (Words{"ĠĠx"}));
  EXPECT_EQ(level(true, false, "x"), (Words{"Ġx"}));
  EXPECT_EQ(level(false, false, std::string_view("\0\x7f\u00ad", 4)), (Words{"ĀġÂŃ"}));
}

TEST(PreTokenizer_Metaspace, prepends_as_its_scheme_says) {
  const auto meta = [](std::string_view scheme, bool cuts, std::string_view text, bool at_start) {
    const Json spec = {
        {"type", "Metaspace"}, {"replacement", "▁"}, {"prepend_scheme", scheme}, {"split", cuts}};
    return words(spec.dump(), text, at_start);
  };
  EXPECT_EQ(meta("always", true, "a  b", false), (Words{"▁a", "▁", "▁b"}));
  EXPECT_EQ(meta("always", true, " a▁c", false), (Words{"▁a", "▁c"}));
  EXPECT_EQ(meta("first", false, "a b", true), (Words{"▁a▁b"}));
  EXPECT_EQ(meta("first", false, "a b", false), (Words{"a▁b"}));
  EXPECT_EQ(meta("never", false, "a b", true), (Words{"a▁b"}));
  EXPECT_EQ(words(R"({"type":"Metaspace","replacement":"_","add_prefix_space":true})", "a b"),
            (Words{"_a", "_b"}));
}

TEST(PreTokenizer_Sequence, splits_the_words_again) {
  EXPECT_EQ(words(R"({"type":"Sequence","pretokenizers":[{"type":"WhitespaceSplit"},
                      {"type":"BertPreTokenizer"}]})",
                  "a.b c"),
            (Words{"a", ".", "b", "c"}));
}

TEST(PreTokenizer_Sequence, knows_where_the_text_starts) {
  const char* spec = R"({"type":"Sequence","pretokenizers":[{"type":"Whitespace"},
                         {"type":"Metaspace","replacement":"▁","prepend_scheme":"first"}]})";
  EXPECT_EQ(words(spec, "a b"), (Words{"▁a", "b"}));
  EXPECT_EQ(words(spec, " a b"), (Words{"a", "b"}));
  EXPECT_EQ(words(spec, "a b", false), (Words{"a", "b"}));
}

TEST(PreTokenizer_Sequence, bounds_what_it_makes) {
  std::string steps;
  for (int i = 0; i < 60; ++i) steps += R"({"type":"ByteLevel","use_regex":false},)";
  steps.pop_back();
  const Words out = words(R"({"type":"Sequence","pretokenizers":[)" + steps + "]}", "é");
  ASSERT_EQ(out.size(), 1u);
  EXPECT_NE(out[0].find("grows above"), std::string::npos);
}

TEST(PreTokenizer_Parse, refuses_what_it_does_not_know) {
  const auto other = parse_pre_tokenizer(*parse_json(R"({"type":"UnicodeScripts"})", "t"), "t");
  ASSERT_FALSE(other);
  EXPECT_EQ(other.error().error_class, ErrorClass::kUnsupported);
  EXPECT_NE(other.error().message.find("'UnicodeScripts'"), std::string::npos);
  for (const char* spec :
       {"[1]", R"({"type":"Sequence"})", R"({"type":"Split"})",
        R"({"type":"Split","pattern":"a","behavior":"Removed","invert":false})",
        R"({"type":"Split","pattern":{"Regex":"("},"behavior":"Removed"})",
        R"({"type":"Split","pattern":{"Regex":"a"},"behavior":"removed"})",
        R"({"type":"Split","pattern":{"Regex":"a"},"behavior":"Removed","invert":1})",
        R"({"type":"Punctuation","behavior":7})", R"({"type":"Digits","individual_digits":7})",
        R"({"type":"Metaspace"})", R"({"type":"Metaspace","replacement":"ab"})",
        R"({"type":"Metaspace","replacement":"▁","prepend_scheme":"last"})",
        R"({"type":"Metaspace","replacement":"▁","add_prefix_space":false})"}) {
    EXPECT_FALSE(parse_pre_tokenizer(*parse_json(spec, "t"), "t")) << spec;
  }
  EXPECT_EQ(*parse_pre_tokenizer(Json(), "t"), nullptr);
}

}  // namespace
}  // namespace ridgeline::native
