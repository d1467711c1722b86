// What the writer writes, the reader reads; what it must refuse leaves no file.
#include "engines/native/checkpoint/safetensors_writer.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <string>

#include "base/file.hpp"
#include "support/safetensors_text.hpp"
#include "support/temp_folder.hpp"

namespace ridgeline::native {
namespace {

using test::as_file;

std::size_t files_in(const test::TempFolder& folder) {
  std::size_t count = 0;
  for ([[maybe_unused]] const auto& file : std::filesystem::directory_iterator(folder.path())) {
    ++count;
  }
  return count;
}

TEST(Safetensors_Writer, writes_what_the_reader_reads) {
  const test::TempFolder folder;
  const std::string path = folder.path("m.safetensors");
  const std::string data = "0123456789abcdef0123456789abcdef";
  const std::string_view view = data;
  const NamedTensor tensors[] = {
      {"mask", TensorType::kBool, {3}, as_file(view.substr(0, 3))},
      {"z \"quoted\" \xc3\xa9", TensorType::kF32, {2, 2}, as_file(view.substr(0, 16))},
      {"empty", TensorType::kI64, {0, 7}, {}},
      {"scalar", TensorType::kF64, {}, as_file(view.substr(0, 8))},
  };
  const Status written = write_safetensors(path, tensors, {{"format", "pt"}, {"k", "v\n"}});
  ASSERT_TRUE(written) << written.error().line();
  EXPECT_EQ(files_in(folder), 1u);

  const Result<SafetensorsFile> file = SafetensorsFile::open(path);
  ASSERT_TRUE(file) << file.error().line();
  EXPECT_EQ(file->metadata().at("k"), "v\n");
  ASSERT_EQ(file->tensors().size(), std::size(tensors));
  for (const NamedTensor& tensor : tensors) {
    const TensorView& read = file->tensors().at(tensor.name);
    EXPECT_EQ(read.type, tensor.type);
    EXPECT_EQ(read.shape, tensor.shape);
    EXPECT_TRUE(
        std::equal(read.bytes.begin(), read.bytes.end(), tensor.bytes.begin(), tensor.bytes.end()))
        << tensor.name;
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(read.bytes.data()) % item_size(read.type), 0u);
  }
}

TEST(Safetensors_Writer, gives_equal_bytes_whatever_the_order) {
  const test::TempFolder folder;
  const std::string data = "abcdefgh";
  const NamedTensor a{"a", TensorType::kU8, {4}, as_file(std::string_view(data).substr(0, 4))};
  const NamedTensor b{"b", TensorType::kF32, {1}, as_file(std::string_view(data).substr(4))};
  ASSERT_TRUE(write_safetensors(folder.path("1"), std::vector{a, b}));
  ASSERT_TRUE(write_safetensors(folder.path("2"), std::vector{b, a}));
  const Result<std::string> first = read_text_file(folder.path("1"));
  ASSERT_TRUE(first);
  EXPECT_EQ(*first, *read_text_file(folder.path("2")));
  // Wide types first; header length a multiple of 8.
  EXPECT_TRUE(first->ends_with("efghabcd"));
  EXPECT_EQ((*first)[0] % 8, 0);
}

TEST(Safetensors_Writer, writes_an_empty_file_that_can_be_read) {
  const test::TempFolder folder;
  ASSERT_TRUE(write_safetensors(folder.path("m"), {}));
  const Result<SafetensorsFile> file = SafetensorsFile::open(folder.path("m"));
  ASSERT_TRUE(file) << file.error().line();
  EXPECT_TRUE(file->tensors().empty());
}

TEST(Safetensors_Writer, refuses_bad_tensors_and_leaves_no_file) {
  const test::TempFolder folder;
  const auto bytes = as_file("abcd");
  const std::vector<NamedTensor> cases[] = {
      {{"", TensorType::kU8, {4}, bytes}},
      {{"__metadata__", TensorType::kU8, {4}, bytes}},
      {{"\xff", TensorType::kU8, {4}, bytes}},
      {{"a", TensorType::kU8, {3}, bytes}},
      {{"a", TensorType::kF32, {4}, bytes}},
      {{"a", TensorType::kU8, {-4}, bytes}},
      {{"a", TensorType::kU8, {INT64_MAX, INT64_MAX}, bytes}},
      {{"a", TensorType::kU8, std::vector<std::int64_t>(65, 1), bytes.first(1)}},
      {{"a", TensorType::kU8, {4}, bytes}, {"a", TensorType::kU8, {4}, bytes}},
  };
  for (const auto& tensors : cases) {
    EXPECT_FALSE(write_safetensors(folder.path("m"), tensors)) << tensors.front().name;
  }
  EXPECT_FALSE(write_safetensors(folder.path("m"), {}, {{"k", "\xff"}}));
  EXPECT_EQ(files_in(folder), 0u);
}

TEST(Safetensors_Writer, keeps_the_old_file_when_it_fails) {
  const test::TempFolder folder;
  EXPECT_FALSE(write_safetensors(folder.path("missing/m"), {}));
  // The name is taken by a folder: writing succeeds, renaming does not.
  std::filesystem::create_directories(folder.path("taken/inside"));
  EXPECT_FALSE(write_safetensors(folder.path("taken"), {}));
  EXPECT_TRUE(std::filesystem::is_directory(folder.path("taken/inside")));
  EXPECT_EQ(files_in(folder), 1u);
}

}  // namespace
}  // namespace ridgeline::native
