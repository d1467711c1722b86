// The WordPiece model and its vocabulary.
#include "engines/native/inputs/text/word_piece.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>

namespace ridgeline::native {
namespace {

using Ids = std::vector<std::int64_t>;

const std::vector<VocabularyEntry> kEntries = {
    {"[UNK]", 0}, {"un", 1}, {"##aff", 2}, {"##able", 3}, {"a", 4},
    {"##a", 5},   {"é", 6},  {"##é", 7},   {"##ab", 8},   {"affable", 9},
};

Ids ids(const TokenModelPtr& model, std::string_view word) {
  Ids out = {77};
  const Status status = model->tokenize(word, out);
  EXPECT_TRUE(status);
  out.erase(out.begin());
  return out;
}

TEST(WordPiece, takes_the_longest_pieces_first) {
  const TokenModelPtr model = make_word_piece(kEntries, {});
  EXPECT_EQ(ids(model, "unaffable"), (Ids{1, 2, 3}));
  EXPECT_EQ(ids(model, "affable"), (Ids{9}));
  EXPECT_EQ(ids(model, "aab"), (Ids{4, 8}));
  EXPECT_EQ(ids(model, "aéé"), (Ids{4, 7, 7}));
}

TEST(WordPiece, is_unknown_as_a_whole) {
  const TokenModelPtr model = make_word_piece(kEntries, {});
  EXPECT_EQ(ids(model, "unaffablex"), (Ids{0}));
  EXPECT_EQ(ids(model, "x"), (Ids{0}));
}

TEST(WordPiece, takes_a_continuation_for_a_start_when_it_is_spelled_out) {
  EXPECT_EQ(ids(make_word_piece(kEntries, {}), "##a"), (Ids{5}));
}

TEST(WordPiece, counts_characters_and_not_bytes) {
  WordPieceOptions options;
  options.max_input_chars_per_word = 3;
  const TokenModelPtr model = make_word_piece(kEntries, options);
  EXPECT_EQ(ids(model, "ééé"), (Ids{6, 7, 7}));
  EXPECT_EQ(ids(model, "éééé"), (Ids{0}));
}

TEST(WordPiece, takes_another_prefix) {
  WordPieceOptions options;
  options.continuing_subword_prefix = "";
  const TokenModelPtr model = make_word_piece(kEntries, options);
  EXPECT_EQ(ids(model, "unaé"), (Ids{1, 4, 6}));
}

TEST(WordPiece, fails_without_an_unknown_token_only_when_it_needs_one) {
  const TokenModelPtr model = make_word_piece({{"a", 0}}, {});
  EXPECT_EQ(ids(model, "a"), (Ids{0}));
  Ids out;
  const Status status = model->tokenize("b", out);
  ASSERT_FALSE(status);
  EXPECT_NE(status.error().message.find("'[UNK]'"), std::string::npos);
}

TEST(Vocabulary, last_of_two_counts) {
  const Vocabulary vocabulary(std::vector<VocabularyEntry>{{"a", 3}, {"b", 9}, {"a", 5}});
  EXPECT_EQ(vocabulary.find("a"), 5);
  EXPECT_EQ(vocabulary.size(), 2u);
  EXPECT_EQ(vocabulary.largest_id(), 9);
  EXPECT_FALSE(vocabulary.find("c"));
}

TEST(Vocabulary, survives_being_moved) {
  Vocabulary first(std::vector<VocabularyEntry>{{"a", 3}});
  const Vocabulary second(std::move(first));
  EXPECT_EQ(second.find("a"), 3);
}

class VocabularyLines : public testing::Test {
 protected:
  Result<std::vector<VocabularyEntry>> read(std::string_view text) {
    const std::string path = testing::TempDir() + "ridgeline_lines_" + std::to_string(::getpid());
    std::ofstream(path, std::ios::binary) << text;
    return read_vocabulary_lines(path);
  }
};

TEST_F(VocabularyLines, are_numbered_and_trimmed) {
  const auto entries = read("a\r\n\n b \t\nc\u3000");
  ASSERT_TRUE(entries);
  ASSERT_EQ(entries->size(), 4u);
  EXPECT_EQ((*entries)[0].token, "a");
  EXPECT_EQ((*entries)[1].token, "");
  EXPECT_EQ((*entries)[2].token, " b");
  EXPECT_EQ((*entries)[3].token, "c");
  EXPECT_EQ((*entries)[3].id, 3);
}

TEST_F(VocabularyLines, must_be_utf8_and_not_empty) {
  EXPECT_FALSE(read(""));
  const auto invalid = read("a\n\xFF\n");
  ASSERT_FALSE(invalid);
  EXPECT_NE(invalid.error().message.find("UTF-8 at byte 2"), std::string::npos);
  EXPECT_FALSE(read_vocabulary_lines(testing::TempDir() + "no_such_file.txt"));
}

}  // namespace
}  // namespace ridgeline::native
