// The tokenizer of a folder. Ids are what transformers 5.23 gives for the same folders.
#include "engines/native/inputs/text/text_tokenizer.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <stdexcept>

namespace ridgeline::native {
namespace {

using Ids = std::vector<std::int64_t>;

const char* const kLines =
    "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\nthe\nenergy\n##s\nÉ\ne\n,\n東\ncafe\ncafé\n";

// The same vocabulary and the stages of `stages` in a tokenizer.json.
std::string tokenizer_json(const std::string& stages) {
  return R"({"version":"1.0","model":{"type":"WordPiece","unk_token":"[UNK]",
    "continuing_subword_prefix":"##","max_input_chars_per_word":100,"vocab":{"[PAD]":0,"[UNK]":1,
    "[CLS]":2,"[SEP]":3,"[MASK]":4,"the":5,"energy":6,"##s":7,"É":8,"e":9,",":10,"東":11,
    "cafe":12,"café":13}})" +
         stages + "}";
}

class TextTokenizerTest : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = testing::TempDir() + "ridgeline_tokenizer_" + std::to_string(::getpid());
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directories(folder_);
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  void write(const std::string& name, std::string_view text) const {
    std::ofstream(folder_ + "/" + name, std::ios::binary) << text;
  }

  TextTokenizer load() const {
    auto tokenizer = TextTokenizer::load(folder_);
    if (!tokenizer) throw std::runtime_error(tokenizer.error().line());
    return *std::move(tokenizer);
  }

  std::string problem() const {
    const auto tokenizer = TextTokenizer::load(folder_);
    return tokenizer ? "" : tokenizer.error().line();
  }

  static Ids ids(const TextTokenizer& tokenizer, const std::string& text) {
    const auto batch = tokenizer.encode(std::span(&text, 1));
    return batch ? batch->input_ids : Ids{};
  }

  std::string folder_;
};

TEST_F(TextTokenizerTest, reads_a_list_of_tokens_alone) {
  write("vocab.txt", kLines);
  const TextTokenizer tokenizer = load();
  EXPECT_EQ(ids(tokenizer, "The ENERGYS, café 東東 x"), (Ids{2, 5, 6, 7, 10, 12, 11, 11, 1, 3}));
  EXPECT_EQ(ids(tokenizer, "the[MASK] [SEP]"), (Ids{2, 5, 4, 3, 3}));
  EXPECT_EQ(ids(tokenizer, ""), (Ids{2, 3}));
  EXPECT_EQ(ids(tokenizer, " \t\u3000"), (Ids{2, 3}));
  EXPECT_EQ(tokenizer.vocab_size(), 14);
  EXPECT_EQ(tokenizer.id_limit(), 14);
  EXPECT_EQ(tokenizer.pad_id(), 0);
  EXPECT_EQ(tokenizer.model_max_length(), std::nullopt);
  EXPECT_EQ(tokenizer.special_ids(), (Ids{0, 1, 2, 3, 4}));
}

TEST_F(TextTokenizerTest, follows_tokenizer_config) {
  write("vocab.txt", kLines);
  write("tokenizer_config.json",
        R"({"do_lower_case":false,"model_max_length":4,"tokenizer_class":"BertTokenizerFast"})");
  const TextTokenizer tokenizer = load();
  EXPECT_EQ(ids(tokenizer, "É The"), (Ids{2, 8, 1, 3}));
  EXPECT_EQ(ids(tokenizer, "the the the the"), (Ids{2, 5, 5, 3}));
  EXPECT_EQ(tokenizer.model_max_length(), 4);
}

TEST_F(TextTokenizerTest, pads_several_texts_to_the_longest) {
  write("vocab.txt", kLines);
  const std::vector<std::string> texts = {"the energy", "the"};
  const auto batch = load().encode(texts);
  ASSERT_TRUE(batch);
  EXPECT_EQ(batch->batch, 2);
  EXPECT_EQ(batch->sequence, 4);
  EXPECT_EQ(batch->input_ids, (Ids{2, 5, 6, 3, 2, 5, 3, 0}));
  EXPECT_EQ(batch->attention_mask, (Ids{1, 1, 1, 1, 1, 1, 1, 0}));
  EXPECT_EQ(batch->token_type_ids, Ids(8, 0));
}

TEST_F(TextTokenizerTest, pads_and_truncates_on_the_left_when_told) {
  write("vocab.txt", kLines);
  write("tokenizer_config.json",
        R"({"model_max_length":4,"padding_side":"left","truncation_side":"left"})");
  const std::vector<std::string> texts = {"e the energy", "the"};
  const auto batch = load().encode(texts);
  ASSERT_TRUE(batch);
  EXPECT_EQ(batch->input_ids, (Ids{2, 5, 6, 3, 0, 2, 5, 3}));
  EXPECT_EQ(batch->attention_mask, (Ids{1, 1, 1, 1, 0, 1, 1, 1}));
}

TEST_F(TextTokenizerTest, encodes_pairs) {
  write("vocab.txt", kLines);
  write("tokenizer_config.json", R"({"model_max_length":6})");
  const std::vector<std::string> texts = {"the"};
  const std::vector<std::string> pairs = {"energy energy energy"};
  const auto batch = load().encode(texts, pairs);
  ASSERT_TRUE(batch);
  EXPECT_EQ(batch->input_ids, (Ids{2, 5, 3, 6, 6, 3}));
  EXPECT_EQ(batch->token_type_ids, (Ids{0, 0, 0, 1, 1, 1}));
  EXPECT_FALSE(load().encode(texts, std::vector<std::string>(2)));
}

TEST_F(TextTokenizerTest, shortens_the_longer_text_of_a_pair) {
  write("vocab.txt", kLines);
  write("tokenizer_config.json", R"({"model_max_length":8})");
  const std::vector<std::string> texts = {"the", "the the the the", "the the the the"};
  const std::vector<std::string> pairs = {"e e e e e e", "e", "e e e e"};
  const auto batch = load().encode(texts, pairs);
  ASSERT_TRUE(batch);
  EXPECT_EQ(batch->input_ids, (Ids{2, 5, 3, 9, 9, 9, 9, 3,  //
                                   2, 5, 5, 5, 5, 3, 9, 3,  //
                                   2, 5, 5, 3, 9, 9, 9, 3}));
}

TEST_F(TextTokenizerTest, gives_the_odd_place_to_the_longer_text_of_a_pair) {
  write("vocab.txt", kLines);
  write("tokenizer_config.json", R"({"model_max_length":6})");
  const std::vector<std::string> texts = {"the the the the the", "the the the the"};
  const std::vector<std::string> pairs = {"e e e e", "e e e e e"};
  const auto batch = load().encode(texts, pairs);
  ASSERT_TRUE(batch);
  EXPECT_EQ(batch->input_ids, (Ids{2, 5, 5, 3, 9, 3, 2, 5, 3, 9, 9, 3}));
}

TEST_F(TextTokenizerTest, decodes_words_with_blanks_between) {
  write("vocab.txt", kLines);
  write("tokenizer_config.json", R"({"additional_special_tokens":["<e>"]})");
  const TextTokenizer tokenizer = load();
  const Ids tokens = {2, 5, 6, 7, 10, 14, 99, 3};
  EXPECT_EQ(*tokenizer.decode(tokens, false), "[CLS] the energys, <e> [SEP]");
  EXPECT_EQ(*tokenizer.decode(tokens, true), "the energys,");
  EXPECT_EQ(*tokenizer.decode({}, true), "");
  EXPECT_FALSE(tokenizer.decode(Ids{5, -1}, true));
  EXPECT_EQ(tokenizer.token_id("<e>"), 14);
  EXPECT_EQ(tokenizer.token_id("##s"), 7);
  EXPECT_EQ(tokenizer.token_id("nothing"), std::nullopt);
}

TEST_F(TextTokenizerTest, decodes_normalized_added_tokens_as_they_are_found) {
  write("vocab.txt", kLines);
  write("added_tokens.json", R"({"ÉCOLE":14})");
  EXPECT_EQ(*load().decode(Ids{5, 14}, false), "the ecole");
}

TEST_F(TextTokenizerTest, can_leave_the_special_tokens_out) {
  write("vocab.txt", kLines);
  write("tokenizer_config.json", R"({"model_max_length":3})");
  const std::vector<std::string> texts = {"[SEP] the energy e", "e"};
  const std::vector<std::string> none;
  EncodeOptions options;
  options.add_special_tokens = false;
  EXPECT_EQ(load().encode(texts, none, options)->input_ids, (Ids{3, 5, 6, 9, 0, 0}));
}

TEST_F(TextTokenizerTest, pads_with_the_fallback_without_a_token_of_its_own) {
  write("vocab.txt", kLines);
  write("tokenizer_config.json", R"({"pad_token":null})");
  const std::vector<std::string> texts = {"the energy", "e"};
  const std::vector<std::string> none;
  EXPECT_FALSE(load().encode(texts));
  EncodeOptions options;
  options.pad_fallback = 11;
  EXPECT_EQ(load().encode(texts, none, options)->input_ids, (Ids{2, 5, 6, 3, 2, 9, 3, 11}));
}

TEST_F(TextTokenizerTest, rebuilds_the_pipeline_for_bert) {
  // The normalizer, the lengths and the template of the file do not count; its sides do.
  write("tokenizer.json", tokenizer_json(R"(,"normalizer":{"type":"NFC"},"pre_tokenizer":null,
    "post_processor":null,"truncation":{"max_length":3,"direction":"Left"},
    "padding":{"strategy":{"Fixed":9},"direction":"Left"})"));
  write("tokenizer_config.json", R"({"model_max_length":4,"tokenizer_class":"BertTokenizer"})");
  const TextTokenizer tokenizer = load();
  EXPECT_EQ(ids(tokenizer, "É the, ENERGY"), (Ids{2, 10, 6, 3}));
  const std::vector<std::string> texts = {"the e", "e"};
  EXPECT_EQ(tokenizer.encode(texts)->input_ids, (Ids{2, 5, 9, 3, 0, 2, 9, 3}));
}

TEST_F(TextTokenizerTest, takes_the_file_as_it_is_for_other_classes) {
  write("tokenizer.json", tokenizer_json(R"(,"normalizer":{"type":"NFC"},
    "pre_tokenizer":{"type":"WhitespaceSplit"},
    "post_processor":{"type":"BertProcessing","sep":["[SEP]",3],"cls":["[CLS]",2]},
    "added_tokens":[{"id":99,"content":"<n>","rstrip":true}])"));
  write("tokenizer_config.json", R"({"tokenizer_class":"PreTrainedTokenizerFast"})");
  const TextTokenizer tokenizer = load();
  EXPECT_EQ(ids(tokenizer, "E\u0301 the, cafe\u0301<n>  The"), (Ids{2, 8, 1, 13, 14, 1, 3}));
  EXPECT_EQ(tokenizer.vocab_size(), 15);
  EXPECT_EQ(tokenizer.id_limit(), 15);
  const std::vector<std::string> texts = {"the", "e"};
  const auto batch = tokenizer.encode(texts);
  ASSERT_FALSE(batch);  // no pad_token
  EXPECT_FALSE(tokenizer.encode(std::span(texts).first(1))->has_token_type_ids);
}

TEST_F(TextTokenizerTest, adds_special_tokens_of_all_files) {
  write("vocab.txt", kLines);
  write("tokenizer_config.json", R"({"image_token":"<i>","additional_special_tokens":["<e>"]})");
  write("special_tokens_map.json",
        R"({"mask_token":{"content":"[MASK]","lstrip":true},"eos_token":"<s>"})");
  write("added_tokens.json", R"({"Plain":50})");
  const TextTokenizer tokenizer = load();
  // Ids follow the order in which transformers adds: declared, named, others.
  EXPECT_EQ(ids(tokenizer, "plain<s><i><e>"), (Ids{2, 14, 15, 16, 17, 3}));
  EXPECT_EQ(tokenizer.special_ids(), (Ids{0, 1, 2, 3, 4, 15, 16, 17}));
}

TEST_F(TextTokenizerTest, added_tokens_decoder_replaces_the_legacy_files) {
  write("vocab.txt", kLines);
  write("tokenizer_config.json", R"({"added_tokens_decoder":{"4":{"content":"[MASK]",
    "normalized":true,"special":true}}})");
  write("added_tokens.json", R"({"plain":50})");
  const TextTokenizer tokenizer = load();
  EXPECT_EQ(ids(tokenizer, "[mask] plain"), (Ids{2, 4, 1, 3}));
}

TEST_F(TextTokenizerTest, refuses_invalid_utf8_in_one_line) {
  write("vocab.txt", kLines);
  const std::vector<std::string> texts = {"ok", "a\xFF"};
  const auto batch = load().encode(texts);
  ASSERT_FALSE(batch);
  EXPECT_EQ(batch.error().line(), "text 2 is not valid UTF-8 at byte 1");
  EXPECT_FALSE(load().encode({}));
}

TEST_F(TextTokenizerTest, takes_long_texts) {
  write("vocab.txt", kLines);
  write("tokenizer_config.json", R"({"model_max_length":512})");
  const TextTokenizer tokenizer = load();
  std::string text;
  for (int i = 0; i < 500'000; ++i) text += "the ";
  EXPECT_EQ(ids(tokenizer, text).size(), 512u);
  EXPECT_EQ(ids(tokenizer, std::string(2'000'000, 'x')), (Ids{2, 1, 3}));
  std::string marks = "e";
  for (int i = 0; i < 200'000; ++i) marks += i % 2 == 0 ? "\u0301" : "\u0316";
  EXPECT_EQ(ids(tokenizer, marks), (Ids{2, 9, 3}));
}

TEST_F(TextTokenizerTest, refuses_batches_that_do_not_fit_memory) {
  write("vocab.txt", kLines);
  std::vector<std::string> texts(40'000);
  for (int i = 0; i < 5'000; ++i) texts[0] += "e ";
  const auto batch = load().encode(texts);
  ASSERT_FALSE(batch);
  EXPECT_EQ(batch.error().error_class, ErrorClass::kOomHost);
}

TEST_F(TextTokenizerTest, fails_only_where_the_unknown_token_is_needed) {
  write("vocab.txt", "[PAD]\n[CLS]\n[SEP]\na\n");
  const TextTokenizer tokenizer = load();
  EXPECT_EQ(ids(tokenizer, "a"), (Ids{1, 3, 2}));
  const std::string text = "b";
  const auto batch = tokenizer.encode(std::span(&text, 1));
  ASSERT_FALSE(batch);
  EXPECT_NE(batch.error().line().find("lacks the unknown token '[UNK]'"), std::string::npos);
}

TEST_F(TextTokenizerTest, names_what_it_does_not_support) {
  write("vocab.txt", kLines);
  write("tokenizer_config.json", R"({"tokenizer_class":"RobertaTokenizer"})");
  EXPECT_NE(problem().find("'RobertaTokenizer'"), std::string::npos);
  write("tokenizer_config.json", "{}");
  write("config.json", R"({"model_type":"roberta"})");
  EXPECT_NE(problem().find("'roberta'"), std::string::npos);
  write("config.json", R"({"model_type":"bert"})");
  write("tokenizer.json", R"({"model":{"type":"BPE","vocab":{"a":0}}})");
  EXPECT_NE(problem().find("'BPE'"), std::string::npos);
  write("tokenizer.json", tokenizer_json(R"(,"normalizer":{"type":"Precompiled"})"));
  write("tokenizer_config.json", R"({"tokenizer_class":"TokenizersBackend"})");
  EXPECT_NE(problem().find("'Precompiled'"), std::string::npos);
}

TEST_F(TextTokenizerTest, refuses_unusable_files_in_one_line) {
  EXPECT_NE(problem().find("no tokenizer.json and no vocab.txt"), std::string::npos);
  write("vocab.txt", "");
  EXPECT_NE(problem().find("is empty"), std::string::npos);
  write("vocab.txt", kLines);
  for (const char* config : {"[]",
                             "{",
                             R"({"do_lower_case":"no"})",
                             R"({"strip_accents":1})",
                             R"({"model_max_length":"512"})",
                             R"({"model_max_length":-1})",
                             R"({"model_max_length":2})",
                             R"({"model_max_length":10.5})",
                             R"({"padding_side":"up"})",
                             R"({"truncation_side":3})",
                             R"({"cls_token":null})",
                             R"({"sep_token":7})",
                             R"({"sep_token":{"lstrip":true}})",
                             R"({"added_tokens_decoder":[]})",
                             R"({"added_tokens_decoder":{"x":{"content":"a"}}})",
                             R"({"added_tokens_decoder":{"-1":{"content":"a"}}})",
                             R"({"added_tokens_decoder":{"1":"a"}})",
                             R"({"additional_special_tokens":"a"})",
                             R"({"additional_special_tokens":[1]})",
                             R"({"model_input_names":"input_ids"})",
                             R"({"tokenizer_class":5})",
                             R"({"split_special_tokens":"x"})"}) {
    write("tokenizer_config.json", config);
    const std::string line = problem();
    EXPECT_NE(line, "") << config;
    EXPECT_EQ(line.find('\n'), std::string::npos) << line;
  }
}

TEST_F(TextTokenizerTest, refuses_unusable_tokenizer_json) {
  for (const std::string& text :
       {std::string("{}"), std::string(R"({"model":3})"), std::string(R"({"model":{}})"),
        std::string(R"({"model":{"type":"WordPiece"}})"),
        std::string(R"({"model":{"type":"WordPiece","vocab":{}}})"),
        std::string(R"({"model":{"type":"WordPiece","vocab":["a"]}})"),
        tokenizer_json(R"(,"added_tokens":{})"),
        tokenizer_json(R"(,"added_tokens":[{"id":"1","content":"a"}])"),
        tokenizer_json("").substr(0, 200)}) {
    write("tokenizer.json", text);
    EXPECT_NE(problem(), "") << text;
  }
  // An added token without text is passed over, as the tokenizers library does.
  write("tokenizer.json", tokenizer_json(R"(,"added_tokens":[{"id":1,"content":""}])"));
  EXPECT_EQ(problem(), "");
}

}  // namespace
}  // namespace ridgeline::native
