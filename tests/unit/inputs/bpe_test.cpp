// The byte-pair encoding and its files. Ids are what tokenizers 0.23 gives.
#include "engines/native/inputs/text/bpe.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <chrono>
#include <fstream>
#include <nlohmann/json.hpp>

namespace ridgeline::native {
namespace {

using Ids = std::vector<std::int64_t>;

const std::vector<VocabularyEntry> kEntries = {{"<unk>", 0},  {"a", 1},  {"b", 2},    {"c", 3},
                                               {"ab", 4},     {"bc", 5}, {"abc", 6},  {"<0xC3>", 7},
                                               {"<0xA9>", 8}, {"é", 9},  {"abcc", 10}};
const std::vector<MergeRule> kMerges = {{"b", "c"}, {"a", "b"}, {"ab", "c"}};

TokenModelPtr model(const BpeOptions& options, std::vector<VocabularyEntry> entries = kEntries,
                    std::vector<MergeRule> merges = kMerges) {
  return *make_bpe(entries, merges, options, "test");
}

Ids ids(const TokenModelPtr& bpe, std::string_view word) {
  Ids out;
  const Status status = bpe->tokenize(word, out);
  return status ? out : Ids{-1};
}

TEST(Bpe, merges_the_earliest_rule_first_and_from_the_left) {
  const TokenModelPtr bpe = model({});
  EXPECT_EQ(ids(bpe, "abc"), (Ids{1, 5}));  // "b c" comes before "a b"
  EXPECT_EQ(ids(bpe, "abab"), (Ids{4, 4}));
  EXPECT_EQ(ids(bpe, "é"), (Ids{9}));
  EXPECT_EQ(ids(bpe, "a!b"), (Ids{4}));  // without an unknown token, what is unknown is lost
  EXPECT_EQ(bpe->id_of("abc"), 6);
  EXPECT_EQ(bpe->token_of(6), "abc");
  EXPECT_EQ(bpe->token_of(99), std::nullopt);
}

TEST(Bpe, finds_the_word_itself_where_merges_are_ignored) {
  BpeOptions options;
  EXPECT_EQ(ids(model(options), "abcc"), (Ids{1, 5, 3}));
  options.ignore_merges = true;
  EXPECT_EQ(ids(model(options), "abcc"), (Ids{10}));
  EXPECT_EQ(ids(model(options), "abccc"), (Ids{1, 5, 3, 3}));
}

TEST(Bpe, falls_back_to_bytes_in_front_of_waiting_unknowns) {
  auto entries = kEntries;
  entries.erase(entries.begin() + 9);  // é
  BpeOptions options;
  options.byte_fallback = true;
  EXPECT_EQ(ids(model(options, entries), "éa!é"), (Ids{7, 8, 1, 7, 8}));
  options.unk_token = "<unk>";
  EXPECT_EQ(ids(model(options, entries), "!éa"), (Ids{7, 8, 0, 1}));
  EXPECT_EQ(ids(model(options, entries), "!!éa"), (Ids{0, 7, 8, 0, 1}));
  options.fuse_unk = true;
  EXPECT_EQ(ids(model(options, entries), "!!éa!"), (Ids{7, 8, 0, 1, 0}));
  options.unk_token = "none";
  EXPECT_EQ(ids(model(options, entries), "!"), (Ids{-1}));
}

TEST(Bpe, marks_starts_and_ends_of_words) {
  BpeOptions options;
  options.continuing_subword_prefix = "##";
  options.end_of_word_suffix = "</w>";
  const std::vector<VocabularyEntry> entries = {{"a", 0},  {"##b", 1},     {"##b</w>", 2},
                                                {"ab", 3}, {"abb</w>", 4}, {"a</w>", 5}};
  const TokenModelPtr bpe = model(options, entries, {{"a", "##b"}, {"ab", "##b</w>"}});
  EXPECT_EQ(ids(bpe, "abb"), (Ids{4}));
  EXPECT_EQ(ids(bpe, "ab"), (Ids{0, 2}));
  EXPECT_EQ(ids(bpe, "a"), (Ids{5}));
}

TEST(Bpe, gives_the_same_for_long_words_as_for_short_ones) {
  const TokenModelPtr bpe = model({});
  std::uint32_t state = 1;
  for (const std::size_t length : {47u, 48u, 49u, 50u, 97u, 400u}) {
    std::string word;
    Ids expected;
    while (word.size() < length) {
      state = state * 1664525 + 1013904223;
      word += static_cast<char>('a' + (state >> 24) % 3);
    }
    // Rule by rule over the whole word is what merging means.
    for (const char c : word) expected.push_back(c - 'a' + 1);
    for (const Ids& rule : {Ids{2, 3, 5}, Ids{1, 2, 4}, Ids{4, 3, 6}}) {
      for (std::size_t i = 0; i + 1 < expected.size(); ++i) {
        if (expected[i] != rule[0] || expected[i + 1] != rule[1]) continue;
        expected[i] = rule[2];
        expected.erase(expected.begin() + static_cast<std::ptrdiff_t>(i) + 1);
      }
    }
    EXPECT_EQ(ids(bpe, word), expected) << length;
  }
}

TEST(Bpe, merges_runs_from_the_left) {
  const TokenModelPtr bpe = model({}, {{"a", 0}, {"aa", 1}}, {{"a", "a"}});
  for (const std::size_t pairs : {2u, 40u}) {
    Ids expected(pairs, 1);
    expected.push_back(0);
    EXPECT_EQ(ids(bpe, std::string(2 * pairs + 1, 'a')), expected);
  }
}

TEST(Bpe, takes_long_words_in_little_time) {
  const TokenModelPtr bpe = model({});
  std::string word;
  for (int i = 0; i < 300'000; ++i) word += "abc";
  const auto begin = std::chrono::steady_clock::now();
  EXPECT_EQ(ids(bpe, word).size(), 600'000u);
  // Looking for the best pair again and again would take an hour.
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(20));
}

TEST(Bpe, refuses_merges_of_unknown_tokens) {
  for (const MergeRule& rule : {MergeRule{"x", "b"}, {"a", "x"}, {"c", "a"}, {"", "b"}}) {
    const auto bpe = make_bpe(kEntries, {rule}, {}, "file");
    ASSERT_FALSE(bpe);
    EXPECT_EQ(bpe.error().line().find("file: merge 1 needs the token"), 0u);
  }
  BpeOptions options;
  options.continuing_subword_prefix = "###";
  EXPECT_FALSE(make_bpe(kEntries, {{"a", "b"}}, options, "file"));
}

TEST(Bpe, reads_its_options) {
  const auto parse = [](std::string_view text) {
    return parse_bpe_options(*parse_json(text, "t"), "t");
  };
  const auto options = parse(R"({"unk_token":null,"dropout":null,"continuing_subword_prefix":null,
                                 "end_of_word_suffix":"</w>","byte_fallback":true})");
  ASSERT_TRUE(options);
  EXPECT_EQ(options->unk_token, std::nullopt);
  EXPECT_EQ(options->end_of_word_suffix, "</w>");
  EXPECT_TRUE(options->byte_fallback);
  EXPECT_FALSE(options->fuse_unk);
  const auto random = parse(R"({"dropout":0.1})");
  ASSERT_FALSE(random);
  EXPECT_EQ(random.error().error_class, ErrorClass::kUnsupported);
  EXPECT_FALSE(parse(R"({"unk_token":3})"));
  EXPECT_FALSE(parse(R"({"fuse_unk":"yes"})"));
}

TEST(Bpe, reads_merges_txt) {
  const std::string path = testing::TempDir() + "ridgeline_merges_" + std::to_string(::getpid());
  const auto read = [&](std::string_view text) {
    std::ofstream(path, std::ios::binary) << text;
    return read_merges(path);
  };
  const auto merges = read("#version: 0.2\r\na b\r\n# c\né ##x");
  ASSERT_TRUE(merges);
  ASSERT_EQ(merges->size(), 3u);
  EXPECT_EQ((*merges)[0].right, "b");
  EXPECT_EQ((*merges)[1].left, "#");
  EXPECT_EQ((*merges)[2].left, "é");
  for (const char* text : {"a\n", "a b c\n", "\n", "a \xFF\n"}) EXPECT_FALSE(read(text)) << text;
}

}  // namespace
}  // namespace ridgeline::native
