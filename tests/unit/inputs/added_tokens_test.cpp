// Added tokens: how they are numbered and found.
#include "engines/native/inputs/text/added_tokens.hpp"

#include <gtest/gtest.h>

#include "engines/native/inputs/text/word_piece.hpp"

namespace ridgeline::native {
namespace {

AddedToken token(std::string content) {
  AddedToken out;
  out.content = std::move(content);
  return out;
}

class AddedVocabularyTest : public testing::Test {
 protected:
  TokenModelPtr model_ = make_word_piece({{"a", 0}, {"[UNK]", 1}, {"b", 2}}, {});
  AddedVocabulary added_;

  void add(std::vector<AddedToken> tokens, const NormalizerPtr& normalizer = nullptr) {
    ASSERT_TRUE(added_.add(tokens, *model_, normalizer.get()));
  }

  // "text|<id>|text"
  std::string split(std::string_view text, bool normalized = false) {
    std::vector<AddedVocabulary::Piece> pieces;
    added_.split(text, normalized, pieces);
    std::string out;
    for (const auto& piece : pieces) {
      if (!out.empty()) out += '|';
      out += piece.id ? '<' + std::to_string(*piece.id) + '>' : std::string(piece.text);
    }
    return out;
  }
};

TEST_F(AddedVocabularyTest, takes_ids_of_the_model_or_new_ones) {
  add({token("b"), token("x"), token(""), token("y"), token("x")});
  EXPECT_EQ(added_.id_of("b", *model_), 2);
  EXPECT_EQ(added_.id_of("x", *model_), 3);
  EXPECT_EQ(added_.id_of("y", *model_), 4);
  EXPECT_EQ(added_.id_of("a", *model_), 0);
  EXPECT_FALSE(added_.id_of("", *model_));
  add({token("z")});
  EXPECT_EQ(added_.id_of("z", *model_), 5);
}

TEST_F(AddedVocabularyTest, finds_the_leftmost_and_then_the_longest) {
  add({token("x"), token("xyz"), token("yzw")});
  EXPECT_EQ(split("axyzw"), "a|<4>|w");
  EXPECT_EQ(split("xyxyz"), "<3>|y|<4>");
  EXPECT_EQ(split("xx"), "<3>|<3>");
  EXPECT_EQ(split(""), "");
  EXPECT_EQ(split("abc"), "abc");
}

TEST_F(AddedVocabularyTest, strips_white_space) {
  AddedToken left = token("L");
  left.lstrip = true;
  AddedToken right = token("R");
  right.rstrip = true;
  add({left, right});
  EXPECT_EQ(split("a \u3000L b"), "a|<3>| b");
  EXPECT_EQ(split("a R \t b"), "a |<4>|b");
  EXPECT_EQ(split("R  L"), "<4>|<3>");
  EXPECT_EQ(split("  L"), "<3>");
}

TEST_F(AddedVocabularyTest, keeps_single_words_single) {
  AddedToken word = token("x");
  word.single_word = true;
  add({word});
  EXPECT_EQ(split("x xa éx x_ x-x x"), "<3>| xa éx x_ |<3>|-|<3>| |<3>");
  EXPECT_EQ(split("xx"), "xx");
}

TEST_F(AddedVocabularyTest, looks_for_normalized_tokens_in_normalized_text) {
  AddedToken normalized = token("ÉA");
  normalized.normalized = true;
  add({normalized, token("ÉB")}, make_bert_normalizer({}));
  EXPECT_EQ(split("ea ÉA", true), "<3>| ÉA");
  EXPECT_EQ(split("eb ÉB", false), "eb |<4>");
}

TEST_F(AddedVocabularyTest, can_leave_special_tokens_to_the_model) {
  AddedToken special = token("[S]");
  special.special = true;
  add({special, token("[T]")});
  added_.split_special_tokens(true);
  EXPECT_EQ(split("[S][T]"), "[S]|<4>");
}

TEST_F(AddedVocabularyTest, refuses_tokens_that_cannot_be_found) {
  AddedToken accent = token("\u0301");
  accent.normalized = true;
  const std::vector<AddedToken> tokens = {accent};
  const NormalizerPtr bert = make_bert_normalizer({});
  EXPECT_FALSE(added_.add(tokens, *model_, bert.get()));
}

TEST_F(AddedVocabularyTest, refuses_more_than_memory_should_hold) {
  const std::vector<AddedToken> tokens = {token(std::string(5u << 20, 'x'))};
  EXPECT_FALSE(added_.add(tokens, *model_, nullptr));
}

}  // namespace
}  // namespace ridgeline::native
