// Reading tokenizer.json, hostile ones included.
#include "engines/native/inputs/text/tokenizer_json.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <chrono>
#include <fstream>
#include <nlohmann/json.hpp>

namespace ridgeline::native {
namespace {

Result<TokenizerFile> read(const std::string& text) {
  const std::string path = testing::TempDir() + "ridgeline_json_" + std::to_string(::getpid());
  std::ofstream(path, std::ios::binary) << text;
  return read_tokenizer_file(path);
}

std::string problem(const std::string& text) {
  const auto file = read(text);
  return file ? "" : file.error().line();
}

TEST(TokenizerJson, keeps_the_vocabulary_apart) {
  const auto file = read(R"({"a":[1,{"b":null}],"model":{"type":"WordPiece",
                             "vocab":{"x":3,"y":0,"x":5},"after":true},"z":-1.5})");
  ASSERT_TRUE(file);
  ASSERT_EQ(file->vocabulary.size(), 3u);
  EXPECT_EQ(file->vocabulary[0].token, "x");
  EXPECT_EQ(file->vocabulary[2].id, 5);
  EXPECT_EQ(file->root->dump(),
            R"({"a":[1,{"b":null}],"model":{"type":"WordPiece","after":true},"z":-1.5})");
  EXPECT_EQ(*model_type(*file), "WordPiece");
}

TEST(TokenizerJson, takes_only_the_models_vocabulary_for_one) {
  const auto file = read(R"({"vocab":{"x":"y"},"other":{"vocab":{"x":[]}},
                             "model":{"inner":{"vocab":{"x":1.5}},"vocab":[["x",0.5]]}})");
  ASSERT_TRUE(file) << file.error().line();
  EXPECT_TRUE(file->vocabulary.empty());
}

TEST(TokenizerJson, keeps_the_merges_apart) {
  const auto file = read(R"({"merges":["x"],"model":{"vocab":{"a":0},"merges":["a b",["c d","é"]],
                             "x":1},"decoder":{"type":"ByteLevel"}})");
  ASSERT_TRUE(file) << file.error().line();
  ASSERT_EQ(file->merges.size(), 2u);
  EXPECT_EQ(file->merges[0].right, "b");
  EXPECT_EQ(file->merges[1].left, "c d");
  EXPECT_EQ(file->root->dump(),
            R"({"merges":["x"],"model":{"x":1},"decoder":{"type":"ByteLevel"}})");
  EXPECT_EQ(*model_type(*file), "BPE");  // files of old name no type
  EXPECT_TRUE(file->mentions_byte_level);
  EXPECT_FALSE(read(R"({"a":"Metaspace"})")->mentions_byte_level);
}

TEST(TokenizerJson, refuses_merges_that_are_not_two_tokens) {
  for (const char* merges :
       {R"(["a"])", R"(["a b c"])", R"(["a  b"])", R"([["a"]])", R"([["a","b","c"]])",
        R"([[["a"]]])", "[3]", "[null]", "[{}]", R"([["a",3]])", R"([["a",{}]])"}) {
    const std::string line = problem(std::string(R"({"model":{"merges":)") + merges + "}}");
    EXPECT_NE(line, "") << merges;
    EXPECT_EQ(line.find('\n'), std::string::npos);
  }
}

TEST(TokenizerJson, says_in_one_line_what_is_wrong) {
  EXPECT_NE(problem("").find("not valid JSON"), std::string::npos);
  EXPECT_NE(problem("{\"model\":{\"vocab\":{\"a\":1").find("not valid JSON"), std::string::npos);
  EXPECT_NE(problem("{} x").find("not valid JSON"), std::string::npos);
  EXPECT_NE(problem("{\"a\":\"\xFF\"}").find("not valid JSON"), std::string::npos);
  EXPECT_NE(problem("{\"a\":\"\\ud800\"}").find("not valid JSON"), std::string::npos);
  EXPECT_NE(problem("[1]").find("not a JSON object"), std::string::npos);
  EXPECT_NE(problem("3").find("not a JSON object"), std::string::npos);
  EXPECT_NE(problem(R"({"a":1,"a":2})").find("'a' stands twice"), std::string::npos);
  EXPECT_NE(problem(R"({"model":{"vocab":{"a":-1}}})").find("-1"), std::string::npos);
  EXPECT_NE(problem(R"({"model":{"vocab":{"a":4294967296}}})").find("4294967296"),
            std::string::npos);
  EXPECT_NE(problem(R"({"model":{"vocab":{"a":18446744073709551615}}})").find("'a'"),
            std::string::npos);
  for (const char* id : {"1.5", "\"1\"", "null", "true", "[]", "{}", "1e99"}) {
    EXPECT_NE(problem(std::string(R"({"model":{"vocab":{"a":)") + id + "}}}"), "") << id;
  }
}

TEST(TokenizerJson, bounds_depth) {
  EXPECT_NE(problem(std::string(2'000'000, '[')).find("nested deeper"), std::string::npos);
  std::string objects;
  for (int i = 0; i < 100'000; ++i) objects += R"({"model":)";
  EXPECT_NE(problem(objects).find("nested deeper"), std::string::npos);
}

TEST(TokenizerJson, takes_time_in_proportion_to_its_size) {
  std::string text = "{";
  for (int i = 0; i < 200'000; ++i) text += '"' + std::to_string(i) + "\":0,";
  text += "\"last\":0}";
  const auto begin = std::chrono::steady_clock::now();
  EXPECT_EQ(problem(text), "");
  // A search for every key would take minutes.
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(10));
}

TEST(TokenizerJson, reads_added_tokens) {
  const auto file = read(R"({"added_tokens":[{"id":4,"content":"x","special":true},
                             {"id":5,"content":"y","lstrip":true}]})");
  ASSERT_TRUE(file);
  const auto tokens = added_tokens_of(*file);
  ASSERT_TRUE(tokens);
  EXPECT_EQ((*tokens)[0].id, 4);
  EXPECT_FALSE((*tokens)[0].token.normalized);
  EXPECT_TRUE((*tokens)[1].token.normalized);
  EXPECT_TRUE((*tokens)[1].token.lstrip);
  for (const char* entry : {"3", "[3]", R"([{"content":"x"}])", R"([{"id":-1,"content":"x"}])",
                            R"([{"id":3000000000,"content":"x"}])", R"([{"id":1,"content":7}])",
                            R"([{"id":1,"content":"x","special":"yes"}])"}) {
    const auto bad = read(std::string(R"({"added_tokens":)") + entry + "}");
    ASSERT_TRUE(bad);
    EXPECT_FALSE(added_tokens_of(*bad)) << entry;
  }
}

}  // namespace
}  // namespace ridgeline::native
