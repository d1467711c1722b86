// Folders with byte-pair encodings, class by class. Ids and texts are what transformers 5.23 gives.
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "base/json.hpp"
#include "engines/native/inputs/text/text_tokenizer.hpp"

namespace ridgeline::native {
namespace {

using Ids = std::vector<std::int64_t>;

const char* const kLlama3 = R"({"model":{"type":"BPE","vocab":{"<s>":0,"a":1,"b":2,"c":3,"Ġ":4,
  "Ã":5,"©":6,"ab":7,"Ġab":8,"abc":9,"cab":10,"1":11,"<pad>":12},
  "merges":[["a","b"],["Ġ","ab"],["ab","c"]],"ignore_merges":true},
  "pre_tokenizer":{"type":"Sequence","pretokenizers":[
    {"type":"Split","pattern":{"Regex":" ?\\p{L}+|\\p{N}{1,3}|\\s+"},"behavior":"Isolated",
     "invert":false},
    {"type":"ByteLevel","add_prefix_space":false,"trim_offsets":true,"use_regex":false}]},
  "post_processor":{"type":"Sequence","processors":[
    {"type":"ByteLevel","add_prefix_space":true,"trim_offsets":false,"use_regex":true},
    {"type":"TemplateProcessing",
     "single":[{"SpecialToken":{"id":"<s>","type_id":0}},{"Sequence":{"id":"A","type_id":0}}],
     "pair":[{"SpecialToken":{"id":"<s>","type_id":0}},{"Sequence":{"id":"A","type_id":0}},
             {"SpecialToken":{"id":"<s>","type_id":1}},{"Sequence":{"id":"B","type_id":1}}],
     "special_tokens":{"<s>":{"id":"<s>","ids":[0],"tokens":["<s>"]}}}]},
  "decoder":{"type":"ByteLevel","add_prefix_space":true,"trim_offsets":true,"use_regex":true},
  "added_tokens":[{"id":0,"content":"<s>","special":true,"normalized":false}]})";

const char* const kLlama2 = R"({"model":{"type":"BPE","vocab":{"<unk>":0,"<s>":1,"</s>":2,
  "<0xC3>":3,"<0xA9>":4,"▁":5,"a":6,"b":7,"▁a":8,"ab":9,"▁ab":10,"<0x20>":11},
  "merges":["▁ a","a b","▁a b","▁ ab"],"unk_token":"<unk>","fuse_unk":true,"byte_fallback":true},
  "normalizer":{"type":"Sequence","normalizers":[{"type":"Prepend","prepend":"▁"},
    {"type":"Replace","pattern":{"String":" "},"content":"▁"}]},"pre_tokenizer":null,
  "post_processor":{"type":"TemplateProcessing",
    "single":[{"SpecialToken":{"id":"<s>","type_id":0}},{"Sequence":{"id":"A","type_id":0}}],
    "pair":[{"Sequence":{"id":"A","type_id":0}},{"Sequence":{"id":"B","type_id":1}}],
    "special_tokens":{"<s>":{"id":"<s>","ids":[1],"tokens":["<s>"]}}},
  "decoder":{"type":"Sequence","decoders":[
    {"type":"Replace","pattern":{"String":"▁"},"content":" "},{"type":"ByteFallback"},
    {"type":"Fuse"},{"type":"Strip","content":" ","start":1,"stop":0}]},
  "added_tokens":[{"id":0,"content":"<unk>","special":true,"normalized":false},
    {"id":1,"content":"<s>","special":true,"normalized":false},
    {"id":2,"content":"</s>","special":true,"normalized":false}]})";

const char* const kWhisper = R"({"model":{"type":"BPE","vocab":{"a":0,"b":1,"Ġ":2,"Ġa":3,
  "<|endoftext|>":4,"<|startoftranscript|>":5,"<|en|>":6,"<|zh|>":7,"<|translate|>":8,
  "<|transcribe|>":9,"<|startofprev|>":10,"<|notimestamps|>":11,"<|0.00|>":12},"merges":["Ġ a"]}})";

const char* const kClip = R"({"model":{"type":"BPE","vocab":{"a":0,"t":1,"a</w>":2,"t</w>":3,
  "at</w>":4,"1</w>":5,"<|startoftext|>":6,"<|endoftext|>":7,"!</w>":8,"!":9},
  "merges":["a t</w>"]}})";

class BpeTokenizerTest : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = testing::TempDir() + "ridgeline_bpe_" + std::to_string(::getpid());
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directories(folder_);
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  void write(const std::string& name, std::string_view text) const {
    std::ofstream(folder_ + "/" + name, std::ios::binary) << text;
  }

  TextTokenizer load(std::string_view file, std::string_view config) const {
    write("tokenizer.json", file);
    write("tokenizer_config.json", config);
    auto tokenizer = TextTokenizer::load(folder_);
    if (!tokenizer) throw std::runtime_error(tokenizer.error().line());
    return *std::move(tokenizer);
  }

  std::string problem() const {
    const auto tokenizer = TextTokenizer::load(folder_);
    return tokenizer ? "" : tokenizer.error().line();
  }

  static Ids ids(const TextTokenizer& tokenizer, const std::string& text, bool special = true) {
    EncodeOptions options;
    options.add_special_tokens = special;
    const auto batch = tokenizer.encode(std::span(&text, 1), {}, options);
    return batch ? batch->input_ids : Ids{-1};
  }

  static Ids pair(const TextTokenizer& tokenizer, const std::string& a, const std::string& b) {
    return tokenizer.encode(std::span(&a, 1), std::span(&b, 1))->input_ids;
  }

  std::string folder_;
};

TEST_F(BpeTokenizerTest, takes_a_byte_level_file_as_it_is_though_it_names_llama) {
  const TextTokenizer tokenizer = load(kLlama3, R"({"tokenizer_class":"LlamaTokenizer"})");
  EXPECT_EQ(ids(tokenizer, "ab abc cab"), (Ids{0, 7, 8, 3, 4, 3, 7}));
  EXPECT_EQ(ids(tokenizer, "é11 <s>ab"), (Ids{0, 5, 6, 11, 11, 4, 0, 7}));
  EXPECT_EQ(ids(tokenizer, "é11 <s>ab", false), (Ids{5, 6, 11, 11, 4, 0, 7}));
  EXPECT_EQ(pair(tokenizer, "ab", "c"), (Ids{0, 7, 0, 3}));
  EXPECT_EQ(*tokenizer.decode(Ids{0, 8, 5, 6, 1}, false), "<s> abéa");
  EXPECT_EQ(*tokenizer.decode(Ids{5, 1, 0, 6}, false), "\uFFFDa<s>\uFFFD");
  EXPECT_EQ(*tokenizer.decode(Ids{5, 1, 0, 6}, true), "\uFFFDa\uFFFD");
  EXPECT_EQ(*tokenizer.decode(Ids{99, 1}, false), "a");
  EXPECT_EQ(tokenizer.token_id("<s>"), 0);
  EXPECT_EQ(tokenizer.token_id("Ġab"), 8);
}

TEST_F(BpeTokenizerTest, rebuilds_llama_with_a_metaspace_for_the_start) {
  const TextTokenizer tokenizer =
      load(kLlama2, R"({"tokenizer_class":"LlamaTokenizer","add_bos_token":false})");
  EXPECT_EQ(ids(tokenizer, "ab ab"), (Ids{1, 10, 10}));
  EXPECT_EQ(ids(tokenizer, "</s>ab"), (Ids{1, 2, 9}));
  EXPECT_EQ(ids(tokenizer, "é ü"), (Ids{1, 5, 3, 4, 5}));  // without an unknown token
  EXPECT_EQ(ids(tokenizer, "ab</s> a"), (Ids{1, 10, 2, 8}));
  EXPECT_EQ(*tokenizer.decode(Ids{1, 10, 10, 2}, false), "<s> ab ab</s>");
  EXPECT_EQ(*tokenizer.decode(Ids{1, 10, 10, 2}, true), "ab ab");
  EXPECT_EQ(*tokenizer.decode(Ids{5, 3, 4, 3, 6}, true), "\uFFFD\uFFFD\uFFFDa");
  // This class pads on the left.
  const std::vector<std::string> texts = {"ab ab", "ab"};
  EncodeOptions options;
  options.pad_fallback = 2;
  const auto batch = tokenizer.encode(texts, {}, options);
  EXPECT_EQ(batch->input_ids, (Ids{1, 10, 10, 2, 1, 10}));
  EXPECT_FALSE(batch->has_token_type_ids);
}

TEST_F(BpeTokenizerTest, follows_llamas_settings) {
  const TextTokenizer legacy =
      load(kLlama2, R"({"tokenizer_class":"LlamaTokenizerFast","legacy":true})");
  EXPECT_EQ(ids(legacy, "</s>ab"), (Ids{1, 2, 10}));
  const TextTokenizer bare =
      load(kLlama2, R"({"tokenizer_class":"LlamaTokenizer","add_prefix_space":false})");
  EXPECT_EQ(ids(bare, "ab ab"), (Ids{1, 9, 10}));
  EXPECT_EQ(*bare.decode(Ids{10, 2, 10}, true), " ab ab");
}

TEST_F(BpeTokenizerTest, takes_the_file_for_mistral_and_for_the_plain_class) {
  const TextTokenizer plain = load(kLlama2, R"({"tokenizer_class":"PreTrainedTokenizerFast"})");
  EXPECT_EQ(ids(plain, "</s>ab"), (Ids{1, 2, 10}));
  EXPECT_EQ(ids(plain, "é ü"), (Ids{1, 5, 3, 4, 5, 0}));
  EXPECT_EQ(ids(plain, "ab</s> a"), (Ids{1, 10, 2, 5, 8}));
  write("config.json", R"({"model_type":"mistral"})");
  const TextTokenizer mistral = load(kLlama2, R"({"tokenizer_class":"LlamaTokenizer"})");
  EXPECT_EQ(ids(mistral, "ab</s> a"), (Ids{1, 10, 2, 5, 8}));
}

TEST_F(BpeTokenizerTest, puts_whispers_prompt_in_front) {
  const TextTokenizer plain = load(kWhisper, R"({"tokenizer_class":"WhisperTokenizer"})");
  EXPECT_EQ(ids(plain, "a a"), (Ids{5, 11, 0, 3, 4}));
  EXPECT_EQ(ids(plain, "a a", false), (Ids{0, 3}));
  EXPECT_EQ(pair(plain, "a", "b"), (Ids{5, 11, 0, 1, 4}));
  const TextTokenizer chinese = load(kWhisper, R"({"tokenizer_class":"WhisperTokenizer",
    "language":"Mandarin","task":"translate","predict_timestamps":true,"add_prefix_space":true})");
  EXPECT_EQ(ids(chinese, "a a"), (Ids{5, 7, 8, 3, 3, 4}));
  for (const char* wrong : {R"("language":"klingon")", R"("task":"sing")", R"("language":"su")"}) {
    write("tokenizer_config.json",
          std::string(R"({"tokenizer_class":"WhisperTokenizer",)") + wrong + "}");
    EXPECT_NE(problem(), "") << wrong;
  }
}

TEST_F(BpeTokenizerTest, decodes_whisper_without_prompt_and_time_stamps) {
  std::string file(kWhisper);
  file.pop_back();
  file += R"(,"added_tokens":[{"id":4,"content":"<|endoftext|>","special":true},
    {"id":5,"content":"<|startoftranscript|>","special":true},
    {"id":10,"content":"<|startofprev|>","special":true},{"id":12,"content":"<|0.00|>"}]})";
  const TextTokenizer tokenizer = load(file, R"({"tokenizer_class":"WhisperTokenizer"})");
  const Ids tokens = {10, 0, 5, 12, 1, 4};
  EXPECT_EQ(*tokenizer.decode(tokens, false),
            "<|startofprev|>a<|startoftranscript|>b<|endoftext|>");
  EXPECT_EQ(*tokenizer.decode(tokens, true), "b");
  EXPECT_EQ(*tokenizer.decode(Ids{10, 0}, true), "");
  EXPECT_EQ(*tokenizer.decode(Ids{5, 12, 0}, true), "a");
}

TEST_F(BpeTokenizerTest, builds_clip_from_either_kind_of_files) {
  const char* config = R"({"tokenizer_class":"CLIPTokenizer"})";
  const auto check = [](const TextTokenizer& tokenizer) {
    EXPECT_EQ(ids(tokenizer, "A  aT 11!?"), (Ids{6, 2, 4, 5, 5, 9, 7, 7}));
    EXPECT_EQ(ids(tokenizer, ""), (Ids{6, 7}));
    EXPECT_EQ(ids(tokenizer, "<|startoftext|>A"), (Ids{6, 6, 2, 7}));
    EXPECT_EQ(pair(tokenizer, "a", "t"), (Ids{6, 2, 7, 7, 3, 7}));
    EXPECT_EQ(*tokenizer.decode(Ids{6, 4, 2, 7}, false), "<|startoftext|>at a <|endoftext|>");
    EXPECT_EQ(*tokenizer.decode(Ids{6, 4, 2, 7}, true), "at a");
    EXPECT_EQ(tokenizer.pad_id(), 7);
  };
  check(load(kClip, config));
  const Json vocabulary = (*parse_json(kClip, "t"))["model"]["vocab"];
  std::filesystem::remove(folder_ + "/tokenizer.json");
  EXPECT_NE(problem().find("no vocab.json with merges.txt"), std::string::npos);
  write("vocab.json", to_line(vocabulary));
  write("merges.txt", "#version: 0.2\na t</w>\n");
  const auto tokenizer = TextTokenizer::load(folder_);
  ASSERT_TRUE(tokenizer) << tokenizer.error().line();
  check(*tokenizer);
}

TEST_F(BpeTokenizerTest, adds_begin_and_end_only_without_a_tokenizer_json) {
  const char* config = R"({"tokenizer_class":"GPT2Tokenizer","add_bos_token":true,
    "add_eos_token":true,"bos_token":"<s>","eos_token":"a","unk_token":"<s>"})";
  write("vocab.json", R"({"<s>":0,"a":1,"b":2,"Ġ":3})");
  write("merges.txt", "");
  write("tokenizer_config.json", config);
  const auto pairs = TextTokenizer::load(folder_);
  ASSERT_TRUE(pairs) << pairs.error().line();
  EXPECT_EQ(ids(*pairs, "b"), (Ids{0, 2, 1}));
  EXPECT_EQ(pair(*pairs, "b", " b"), (Ids{0, 2, 1, 0, 3, 2, 1}));
  const TextTokenizer file = load(kLlama3, config);
  EXPECT_EQ(ids(file, "b"), (Ids{0, 2}));  // the template of the file
}

TEST_F(BpeTokenizerTest, encodes_with_a_decoder_that_it_does_not_have) {
  const TextTokenizer tokenizer = load(
      R"({"model":{"type":"BPE","vocab":{"a":0},"merges":[]},"decoder":{"type":"CTC"}})", "{}");
  EXPECT_EQ(ids(tokenizer, "aa"), (Ids{0, 0}));
  const auto text = tokenizer.decode(Ids{0}, false);
  ASSERT_FALSE(text);
  EXPECT_NE(text.error().line().find("'CTC'"), std::string::npos);
}

TEST_F(BpeTokenizerTest, joins_with_blanks_without_a_decoder) {
  const TextTokenizer tokenizer =
      load(R"({"model":{"type":"BPE","vocab":{"a":0,"b":1},"merges":[]}})", "{}");
  EXPECT_EQ(*tokenizer.decode(Ids{0, 1, 7, 0}, false), "a b a");
}

TEST_F(BpeTokenizerTest, fixes_mistrals_regular_expression_when_told) {
  std::string file = R"({"model":{"type":"BPE","merges":["b A"],"vocab":{"A":0,"b":1,"bA":2)";
  for (int i = 3; i <= 100'001; ++i) file += ",\"t" + std::to_string(i) + "\":" + std::to_string(i);
  file += R"(}},"pre_tokenizer":{"type":"Metaspace","replacement":"▁","prepend_scheme":"never"}})";
  write("config.json", R"({"model_type":"mistral","transformers_version":"4.57.1"})");
  EXPECT_EQ(ids(load(file, "{}"), "bA"), (Ids{2}));
  // Words end before capitals, so that the merge does not cross them.
  EXPECT_EQ(ids(load(file, R"({"fix_mistral_regex":true})"), "bA"), (Ids{1, 0}));
  write("config.json", R"({"model_type":"mistral","transformers_version":"5.0.1"})");
  EXPECT_EQ(ids(load(file, R"({"fix_mistral_regex":true})"), "bA"), (Ids{2}));
}

TEST_F(BpeTokenizerTest, refuses_unusable_files_in_one_line) {
  for (const char* file :
       {R"({"model":{"type":"BPE","vocab":{"a":0},"merges":["a b"]}})",
        R"({"model":{"type":"BPE","vocab":{"a":0},"merges":["a"]}})",
        R"({"model":{"type":"BPE","vocab":{},"merges":[]}})",
        R"({"model":{"type":"BPE","vocab":{"a":0},"merges":[],"dropout":0.5}})",
        R"({"model":{"type":"Unigram","vocab":[["a",0.5]]}})",
        R"({"model":{"type":"BPE","vocab":{"a":0},"merges":[]},"normalizer":{"type":"Strip"},
            "pre_tokenizer":{"type":"Metaspace","replacement":"▁","prepend_scheme":"first"}})",
        R"x({"model":{"type":"BPE","vocab":{"a":0},"merges":[]},
            "pre_tokenizer":{"type":"Split","pattern":{"Regex":"(?i:ss)"},"behavior":"Removed"
}
})x"}) {
    write("tokenizer.json", file);
    const std::string line = problem();
    EXPECT_NE(line, "") << file;
    EXPECT_EQ(line.find('\n'), std::string::npos) << line;
  }
}

}  // namespace
}  // namespace ridgeline::native
