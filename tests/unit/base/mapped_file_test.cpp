// Mapping files that are there, empty, missing or not files.
#include "base/mapped_file.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <utility>

#include "support/temp_folder.hpp"

namespace ridgeline {
namespace {

std::string text_of(const MappedFile& file) {
  return {reinterpret_cast<const char*>(file.bytes().data()), file.size()};
}

TEST(MappedFile_Open, gives_the_bytes_also_through_a_link_and_after_a_move) {
  const test::TempFolder folder;
  std::filesystem::create_symlink(folder.write("blob", "some bytes"), folder.path("link"));
  Result<MappedFile> file = MappedFile::open(folder.path("link"));
  ASSERT_TRUE(file) << file.error().line();
  const auto before = file->bytes();
  MappedFile moved = std::move(*file);
  moved.advise(MapAdvice::kSequential);
  moved.advise(MapAdvice::kWillNeed);
  EXPECT_EQ(text_of(moved), "some bytes");
  EXPECT_EQ(moved.bytes().data(), before.data());
  EXPECT_EQ(file->size(), 0u);
}

TEST(MappedFile_Open, gives_an_empty_span_for_an_empty_file) {
  const test::TempFolder folder;
  const Result<MappedFile> file = MappedFile::open(folder.write("empty", ""));
  ASSERT_TRUE(file) << file.error().line();
  EXPECT_TRUE(file->bytes().empty());
  file->advise(MapAdvice::kWillNeed);
}

TEST(MappedFile_Open, names_what_it_cannot_map) {
  const test::TempFolder folder;
  ASSERT_EQ(::mkfifo(folder.path("fifo").c_str(), 0600), 0);
  for (const std::string& path : {folder.path("missing"), folder.path("fifo"), folder.path()}) {
    const Result<MappedFile> file = MappedFile::open(path);
    ASSERT_FALSE(file) << path;
    EXPECT_EQ(file.error().error_class, ErrorClass::kBadInput);
    EXPECT_NE(file.error().message.find(path), std::string::npos);
  }
}

}  // namespace
}  // namespace ridgeline
