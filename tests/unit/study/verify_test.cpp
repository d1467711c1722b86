// Bounds, the reader of token files, and the comparison of tokens.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "study/scratch_folder.hpp"
#include "study/token_check.hpp"
#include "study/verify_bounds.hpp"
#include "support/safetensors_text.hpp"
#include "support/temp_folder.hpp"

namespace ridgeline::study {
namespace {

using testing::HasSubstr;

TEST(Verify_Bounds, are_there_for_every_dtype_that_is_measured) {
  EXPECT_DOUBLE_EQ(bound_of(*verify_bound("float32"), {}), 1e-4);
  EXPECT_TRUE(verify_bound("float32")->is_direct);
  for (const char* dtype : {"bfloat16", "float16"}) {
    const auto row = verify_bound(dtype);
    ASSERT_TRUE(row) << dtype;
    EXPECT_FALSE(row->is_direct);
    EXPECT_DOUBLE_EQ(bound_of(*row, 0.02), 0.04);
    EXPECT_DOUBLE_EQ(bound_of(*row, 0.0), row->floor);
    EXPECT_GT(row->floor, 0);
  }
  EXPECT_LT(verify_bound("float16")->floor, verify_bound("bfloat16")->floor);
  EXPECT_FALSE(verify_bound("float8_e4m3"));
}

TEST(Verify_ScratchFolder, goes_with_its_owner_and_knows_its_room) {
  std::string path;
  {
    auto made = ScratchFolder::create();
    ASSERT_TRUE(made) << made.error().line();
    const ScratchFolder folder = *std::move(made);
    path = folder.at("a");
    std::ofstream(path) << "x";
    EXPECT_TRUE(std::filesystem::exists(path));
    EXPECT_TRUE(folder.check_room(1, "a file"));
    const Status room = folder.check_room(1e18, "a checkpoint");
    ASSERT_FALSE(room);
    EXPECT_EQ(room.error().error_class, ErrorClass::kEnvironment);
    EXPECT_THAT(room.error().line(), HasSubstr("a checkpoint takes 1000000000.00 GB"));
  }
  EXPECT_FALSE(std::filesystem::exists(path));
  EXPECT_FALSE(std::filesystem::exists(std::filesystem::path(path).parent_path()));
}

// --- files of tokens ----------------------------------------------------------------------------

template <typename T>
std::string bytes_of(const std::vector<T>& values) {
  return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T)};
}

/// A file with `sequences` of so many rows and, unless it is empty, `logits` of [rows, steps, 4].
TensorFile tokens(const test::TempFolder& folder, const std::string& name, std::size_t rows,
                  const std::vector<std::int64_t>& ids, const std::vector<float>& logits = {}) {
  const std::string first = bytes_of(ids);
  const std::string second = bytes_of(logits);
  Json header = {{"__metadata__", {{"format", "pt"}}},
                 {"sequences",
                  {{"dtype", "I64"},
                   {"shape", {rows, ids.size() / rows}},
                   {"data_offsets", {0, first.size()}}}}};
  if (!logits.empty()) {
    header["logits"] = {{"dtype", "F32"},
                        {"shape", {rows, logits.size() / rows / 4, 4}},
                        {"data_offsets", {first.size(), first.size() + second.size()}}};
  }
  auto file =
      TensorFile::open(folder.write(name, test::safetensors_bytes(header.dump(), first + second)));
  EXPECT_TRUE(file) << file.error().line();
  return *std::move(file);
}

TEST(Verify_Tokens, that_are_equal_pass) {
  const test::TempFolder folder;
  const TensorFile ours = tokens(folder, "a", 2, {1, 2, 3, 1, 5, 6});
  const auto check = check_tokens(ours, tokens(folder, "b", 2, {1, 2, 3, 1, 5, 6}), 1, 1e-4);
  ASSERT_TRUE(check) << check.error().line();
  EXPECT_TRUE(check->passed());
  EXPECT_EQ(check->tokens, 4);
  EXPECT_EQ(check->equal, 4);
  EXPECT_TRUE(check->divergences.empty());
}

TEST(Verify_Tokens, may_differ_where_two_logits_are_as_good_as_equal) {
  const test::TempFolder folder;
  // Prompt 9, then steps with the logits of tokens 0 to 3.
  const std::vector<float> logits = {0, 1, 5, 0, 8.0F, 0, 0, 7.9999F};
  const TensorFile ours = tokens(folder, "a", 1, {9, 2, 0}, logits);
  const TensorFile theirs = tokens(folder, "b", 1, {9, 2, 3});
  const auto near = check_tokens(ours, theirs, 1, 2e-4);
  ASSERT_TRUE(near);
  EXPECT_TRUE(near->passed()) << near->reason;
  EXPECT_EQ(near->equal, 1);
  EXPECT_EQ(near->tokens, 2);
  ASSERT_EQ(near->divergences.size(), 1u);
  EXPECT_EQ(near->divergences[0].token, 2);
  EXPECT_EQ(near->divergences[0].ours, 0);
  EXPECT_EQ(near->divergences[0].theirs, 3);
  EXPECT_NEAR(*near->divergences[0].gap, 1.25e-5, 1e-6);

  const auto strict = check_tokens(ours, theirs, 1, 1e-6);
  EXPECT_FALSE(strict->passed());
  EXPECT_THAT(strict->reason, HasSubstr("row 0 parts at new token 2"));
  // The other token was nowhere near the best one.
  EXPECT_FALSE(check_tokens(ours, tokens(folder, "c", 1, {9, 2, 1}), 1, 1e-2)->passed());
  EXPECT_EQ(to_json(*near).at("divergences").at(0).at("is_rounding"), true);
}

TEST(Verify_Tokens, fail_without_logits_to_excuse_them) {
  const test::TempFolder folder;
  const auto check =
      check_tokens(tokens(folder, "a", 1, {9, 2, 0}), tokens(folder, "b", 1, {9, 2, 3}), 1, 1);
  ASSERT_TRUE(check);
  EXPECT_FALSE(check->passed());
  EXPECT_FALSE(check->divergences[0].gap);
}

TEST(Verify_Tokens, fail_when_one_side_stops_earlier_or_the_prompt_differs) {
  const test::TempFolder folder;
  const TensorFile whole = tokens(folder, "a", 1, {9, 2, 0});
  EXPECT_THAT(check_tokens(whole, tokens(folder, "b", 1, {9, 2}), 1, 1)->reason,
              HasSubstr("3 columns of tokens and 2"));
  const TensorFile logits = tokens(folder, "c", 1, {9, 2, 0}, {0, 0, 0, 0, 0, 0, 0, 0});
  EXPECT_FALSE(check_tokens(logits, tokens(folder, "d", 1, {8, 2, 0}), 1, 1)->passed());
  EXPECT_FALSE(check_tokens(whole, tokens(folder, "e", 2, {9, 2, 0, 9, 2, 0}), 1, 1));
  EXPECT_FALSE(check_tokens(whole, whole, 3, 1)->passed());  // nothing but the prompt
}

TEST(Verify_TensorFile, refuses_what_is_broken) {
  const test::TempFolder folder;
  const auto says = [&](const std::string& content) {
    const auto file = TensorFile::open(folder.write("x", content));
    return file ? std::string("no error") : file.error().line();
  };
  const auto header = [](const char* text) { return test::safetensors_bytes(text, "12345678"); };
  EXPECT_THAT(says(""), HasSubstr("no safetensors file"));
  EXPECT_THAT(says(std::string(8, '\xff') + "{}"), HasSubstr("no safetensors file"));
  EXPECT_THAT(says(header("{")), HasSubstr("x"));
  EXPECT_THAT(says(header(R"({"a":3})")), HasSubstr("a"));
  EXPECT_THAT(says(header(R"({"a":{"dtype":"I64","shape":[1],"data_offsets":[0,9]}})")),
              HasSubstr("outside the file"));
  EXPECT_THAT(says(header(R"({"a":{"dtype":"I64","shape":[1],"data_offsets":[8,0]}})")),
              HasSubstr("outside the file"));
  EXPECT_THAT(says(header(R"({"a":{"dtype":"I64","shape":[2],"data_offsets":[0,8]}})")),
              HasSubstr("does not fit"));
  EXPECT_THAT(says(header(R"({"a":{"dtype":"I64","shape":[-1],"data_offsets":[0,8]}})")),
              HasSubstr("does not fit"));
  EXPECT_THAT(
      says(header(
          R"({"a":{"dtype":"F32","shape":[4294967296,4294967296,4294967296],"data_offsets":[0,8]}})")),
      HasSubstr("does not fit"));
  EXPECT_EQ(says(header(R"({"a":{"dtype":"I64","shape":[1],"data_offsets":[0,8]}})")), "no error");
  EXPECT_FALSE(TensorFile::open(folder.path("missing")));
}

}  // namespace
}  // namespace ridgeline::study
