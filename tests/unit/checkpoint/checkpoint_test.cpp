// Model folders: one file, shards, other formats, hostile indexes.
#include "engines/native/checkpoint/checkpoint.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include "engines/native/checkpoint/shard_index.hpp"
#include "support/safetensors_text.hpp"
#include "support/temp_folder.hpp"

namespace ridgeline::native {
namespace {

/// A file with one tensor of four bytes.
std::string shard(const std::string& tensor) {
  return test::safetensors_bytes(
      "{\"" + tensor + R"(":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})", "data");
}

std::string index(const std::string& rows) {
  return R"({"metadata":{"total_size":8,"weight_map":{"x":1}},"weight_map":{)" + rows + "}}";
}

/// The error of a folder that must be refused.
Error refusal(const test::TempFolder& folder) {
  const Result<Checkpoint> checkpoint = Checkpoint::open(folder.path());
  EXPECT_FALSE(checkpoint.has_value());
  return checkpoint.has_value() ? Error{} : checkpoint.error();
}

TEST(Checkpoint_Open, takes_one_file) {
  const test::TempFolder folder;
  folder.write("model.safetensors", shard("a"));
  folder.write("other.safetensors", shard("b"));
  folder.write("model.safetensors.index.json", "not looked at");
  const Result<Checkpoint> checkpoint = Checkpoint::open(folder.path());
  ASSERT_TRUE(checkpoint) << checkpoint.error().line();
  EXPECT_EQ(checkpoint->total_bytes(), 4);
  ASSERT_NE(checkpoint->find("a"), nullptr);
  EXPECT_EQ(checkpoint->find("b"), nullptr);
  EXPECT_EQ(checkpoint->paths(), std::vector{folder.path("model.safetensors")});
  checkpoint->advise(MapAdvice::kSequential);
}

TEST(Checkpoint_Open, takes_the_only_safetensors_file_of_any_name) {
  const test::TempFolder folder;
  folder.write("weights.safetensors", shard("a"));
  folder.write("pytorch_model.bin", "x");
  const Result<Checkpoint> checkpoint = Checkpoint::open(folder.path());
  ASSERT_TRUE(checkpoint) << checkpoint.error().line();
  EXPECT_NE(checkpoint->find("a"), nullptr);
  folder.write("second.safetensors", shard("b"));
  EXPECT_NE(refusal(folder).message.find("several"), std::string::npos);
}

TEST(Checkpoint_Open, merges_shards_behind_links) {
  const test::TempFolder folder;
  folder.write("blobs/1", shard("a"));
  folder.write("blobs/2", shard("b"));
  folder.write("blobs/3", index(R"("a":"s-1","b":"s-2")"));
  std::filesystem::create_directory(folder.path("snapshot"));
  std::filesystem::create_symlink("../blobs/1", folder.path("snapshot/s-1"));
  std::filesystem::create_symlink("../blobs/2", folder.path("snapshot/s-2"));
  std::filesystem::create_symlink("../blobs/3",
                                  folder.path("snapshot/model.safetensors.index.json"));
  Result<Checkpoint> checkpoint = Checkpoint::open(folder.path("snapshot"));
  ASSERT_TRUE(checkpoint) << checkpoint.error().line();
  const Checkpoint moved = std::move(*checkpoint);
  EXPECT_EQ(moved.total_bytes(), 8);
  EXPECT_EQ(moved.tensors().size(), 2u);
  EXPECT_EQ(std::to_integer<char>(moved.find("b")->bytes[0]), 'd');
}

TEST(Checkpoint_Open, refuses_shards_that_do_not_fit_the_index) {
  const test::TempFolder folder;
  folder.write("s-1", shard("a"));
  const auto message = [&](const std::string& rows) {
    folder.write("model.safetensors.index.json", index(rows));
    return refusal(folder).message;
  };
  EXPECT_NE(message(R"("a":"s-1","b":"s-2")").find("'s-2' is missing"), std::string::npos);
  folder.write("s-2", shard("c"));
  EXPECT_NE(message(R"("a":"s-1","b":"s-2")").find("'b' is not in 's-2'"), std::string::npos);
  EXPECT_NE(message(R"("a":"s-2","c":"s-1")").find("'a' is not in 's-2'"), std::string::npos);
  folder.write("s-2", shard("a"));
  EXPECT_NE(message(R"("a":"s-1","b":"s-2")").find("another shard"), std::string::npos);
  folder.write("s-2", "broken");
  EXPECT_NE(message(R"("a":"s-1","b":"s-2")").find("s-2"), std::string::npos);
}

TEST(Checkpoint_Open, says_what_to_do_about_other_formats) {
  for (const char* name : {"pytorch_model.bin", "pytorch_model.bin.index.json", "tf_model.h5",
                           "flax_model.msgpack", "model.gguf"}) {
    const test::TempFolder folder;
    folder.write(name, "x");
    const Error error = refusal(folder);
    EXPECT_EQ(error.error_class, ErrorClass::kUnsupported) << name;
    EXPECT_NE(error.remedy.find("convert to safetensors"), std::string::npos);
  }
  const test::TempFolder empty;
  EXPECT_EQ(refusal(empty).error_class, ErrorClass::kBadInput);
  EXPECT_FALSE(Checkpoint::open(empty.path("missing")));
}

TEST(Checkpoint_Index, reads_only_the_weight_map_of_the_top) {
  const Result<WeightMap> map = parse_shard_index(
      R"({"x":{"weight_map":{"no":"no"},"no":"no"},"weight_map":{"a":"s"},"y":["weight_map",{"no":"no"}]})",
      "index");
  ASSERT_TRUE(map) << map.error().line();
  EXPECT_EQ(*map, (WeightMap{{"a", "s"}}));
}

TEST(Checkpoint_Index, refuses_hostile_ones) {
  for (const char* rows :
       {"", R"("a":"../s")", R"("a":"/etc/passwd")", R"("a":"..")", R"("a":".")", R"("a":"")",
        R"("a":"x/y")", R"("a":"x\\y")", R"("a":"x\u0000")", R"("a":1)", R"("a":null)",
        R"("a":["s"])", R"("a":{"b":"s"})", R"("a":"s","a":"s")",
        R"("a":"s")"
        "}}}"}) {
    EXPECT_FALSE(parse_shard_index(index(rows), "index")) << rows;
  }
  for (const char* text : {"", "{}", "[]", "null", R"({"weight_map":[]})", R"({"weight_map":"s"})",
                           R"(["weight_map",{"a":"s"}])", "{\"weight_map\":{\"a\":\"s\""}) {
    EXPECT_FALSE(parse_shard_index(text, "index")) << text;
  }
  EXPECT_FALSE(parse_shard_index("{\"a\":" + std::string(2'000'000, '['), "index"));
}

TEST(Checkpoint_Index, reads_a_hundred_thousand_rows_at_once) {
  std::string rows;
  for (int i = 0; i < 100'000; ++i) {
    rows += (i == 0 ? "\"t" : ",\"t") + std::to_string(i) + "\":\"s\"";
  }
  const Result<WeightMap> map = parse_shard_index(index(rows), "index");
  ASSERT_TRUE(map) << map.error().line();
  EXPECT_EQ(map->size(), 100'000u);
}

}  // namespace
}  // namespace ridgeline::native
