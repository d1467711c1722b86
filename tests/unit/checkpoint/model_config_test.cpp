// config.json in its old and new spellings, and broken ones.
#include "engines/native/checkpoint/model_config.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <nlohmann/json.hpp>
#include <string>

#include "support/temp_folder.hpp"

namespace ridgeline::native {
namespace {

std::optional<std::string> dtype(const char* text) {
  const Result<std::optional<std::string>> name = saved_dtype_of(Json::parse(text), "config");
  EXPECT_TRUE(name) << text;
  return name ? *name : "error";
}

TEST(ModelConfig_Read, gives_the_object) {
  const test::TempFolder folder;
  folder.write("config.json", R"({"model_type":"bert","architectures":["BertModel","Other"]})");
  const Result<Json> config = read_model_config(folder.path());
  ASSERT_TRUE(config) << config.error().line();
  EXPECT_EQ(*model_type_of(*config, "config"), "bert");
  EXPECT_EQ(*architectures_of(*config, "config"), (std::vector<std::string>{"BertModel", "Other"}));
}

TEST(ModelConfig_Read, names_the_file_when_it_is_broken) {
  const test::TempFolder folder;
  EXPECT_NE(read_model_config(folder.path()).error().message.find(folder.path()),
            std::string::npos);
  const std::string good = R"({"model_type":"bert","hidden_size":768})";
  for (std::size_t size = 0; size < good.size(); ++size) {
    folder.write("config.json", good.substr(0, size));
    const Result<Json> config = read_model_config(folder.path());
    ASSERT_FALSE(config) << size;
    EXPECT_NE(config.error().message.find("config.json"), std::string::npos);
  }
  const std::string deep(1'000'000, '[');
  for (const std::string& text :
       {std::string("[]"), std::string("null"), std::string("\"x\""), std::string("{\"a\":NaN}"),
        std::string("{\"a\":1e999}"), std::string("{\"\xff\":1}"), "{\"a\":" + deep}) {
    folder.write("config.json", text);
    EXPECT_FALSE(read_model_config(folder.path())) << text.substr(0, 50);
  }
}

TEST(ModelConfig_Read, does_not_wait_for_a_fifo_nor_read_a_huge_file) {
  const test::TempFolder folder;
  ASSERT_EQ(::mkfifo(folder.path("config.json").c_str(), 0600), 0);
  EXPECT_FALSE(read_model_config(folder.path()));
  std::filesystem::remove(folder.path("config.json"));
  folder.write("config.json", "{}");
  std::filesystem::resize_file(folder.path("config.json"), std::uintmax_t{1} << 40);
  const Result<Json> config = read_model_config(folder.path());
  ASSERT_FALSE(config);
  EXPECT_NE(config.error().message.find("larger"), std::string::npos);
}

TEST(ModelConfig_Architectures, must_be_a_list_of_names) {
  for (const char* text : {"{}", R"({"architectures":null})", R"({"architectures":[]})",
                           R"({"architectures":"BertModel"})", R"({"architectures":[1]})", "[]"}) {
    const auto names = architectures_of(Json::parse(text), "config");
    ASSERT_FALSE(names) << text;
    EXPECT_NE(names.error().remedy.find("--architecture"), std::string::npos);
  }
  EXPECT_FALSE(model_type_of(Json::parse(R"({"model_type":1})"), "config"));
  EXPECT_FALSE(model_type_of(Json::parse("{}"), "config"));
}

TEST(ModelConfig_Dtype, reads_old_and_new_spellings) {
  EXPECT_EQ(dtype(R"({"dtype":"bfloat16"})"), "bfloat16");
  EXPECT_EQ(dtype(R"({"torch_dtype":"float16"})"), "float16");
  EXPECT_EQ(dtype(R"({"torch_dtype":"torch.float32"})"), "float32");
  EXPECT_EQ(dtype(R"({"dtype":"float32","torch_dtype":"float16"})"), "float32");
  EXPECT_EQ(dtype(R"({"dtype":null,"torch_dtype":"float16"})"), "float16");
  EXPECT_EQ(dtype("{}"), std::nullopt);
  EXPECT_FALSE(saved_dtype_of(Json::parse(R"({"dtype":16})"), "config"));
}

}  // namespace
}  // namespace ridgeline::native
