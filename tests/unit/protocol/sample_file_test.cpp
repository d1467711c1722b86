// Rows survive the way from worker to coordinator; broken files are refused.
#include "protocol/sample_file.hpp"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cstring>
#include <fstream>
#include <thread>

#include "unit/protocol/scratch.hpp"

namespace ridgeline::protocol {
namespace {

SampleRow row_of(std::int64_t k) {
  return {0, 0, k, k + 1, k + 2, -1, static_cast<double>(k)};
}

std::string read_bytes(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

void write_bytes(const std::string& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary) << bytes;
}

TEST(SampleFile, shows_rows_as_they_are_appended) {
  const Scratch scratch;
  Result<SampleFile> file = SampleFile::create(scratch / "s", 3);
  ASSERT_TRUE(file);
  EXPECT_EQ(file->count(), 0u);
  Result<SampleWriter> writer = SampleWriter::open(scratch / "s");
  ASSERT_TRUE(writer);
  writer->append(row_of(10));
  EXPECT_EQ(file->count(), 1u);
  EXPECT_EQ(file->rows()[0].done_ns, 12);
  EXPECT_EQ(file->rows()[0].items, 10.0);
  EXPECT_EQ(file->rows()[0].device_ns, -1);
}

TEST(SampleFile, counts_what_does_not_fit) {
  const Scratch scratch;
  Result<SampleFile> file = SampleFile::create(scratch / "s", 3);
  Result<SampleWriter> writer = SampleWriter::open(scratch / "s");
  ASSERT_TRUE(file && writer);
  for (int k = 0; k < 5; ++k) writer->append(row_of(k));
  EXPECT_EQ(file->count(), 3u);
  EXPECT_EQ(file->dropped(), 2u);
  EXPECT_EQ(file->rows()[2].begin_ns, 2);
}

TEST(SampleWriter, goes_on_behind_earlier_rows) {
  const Scratch scratch;
  Result<SampleFile> file = SampleFile::create(scratch / "s", 10);
  ASSERT_TRUE(file);
  for (int run = 0; run < 2; ++run) {
    Result<SampleWriter> writer = SampleWriter::open(scratch / "s");
    ASSERT_TRUE(writer);
    writer->append(row_of(run));
    writer->append(row_of(run + 100));
  }
  EXPECT_EQ(file->count(), 4u);
  EXPECT_EQ(file->rows(2, 4)[1].begin_ns, 101);
  EXPECT_EQ(file->rows(3, 99).size(), 1u);
  EXPECT_TRUE(file->rows(9, 4).empty());
}

TEST(SampleFile, shrinks_and_copies_to_its_rows) {
  const Scratch scratch;
  Result<SampleFile> file = SampleFile::create(scratch / "s", 1000);
  Result<SampleWriter> writer = SampleWriter::open(scratch / "s");
  ASSERT_TRUE(file && writer);
  for (int k = 0; k < 4; ++k) writer->append(row_of(k));
  ASSERT_TRUE(file->save_as(scratch / "copy"));
  ASSERT_TRUE(file->shrink());
  EXPECT_EQ(read_bytes(scratch / "s").size(), 64u + 4 * 48);
  EXPECT_EQ(read_bytes(scratch / "s"), read_bytes(scratch / "copy"));
  const auto rows = read_samples(scratch / "copy");
  ASSERT_TRUE(rows);
  ASSERT_EQ(rows->size(), 4u);
  EXPECT_EQ((*rows)[3].enqueued_ns, 4);
}

TEST(SampleWriter, takes_no_page_fault_while_appending) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "the sanitizer's own memory takes faults";
#endif
  const Scratch scratch;
  constexpr std::uint64_t kRows = 100'000;
  Result<SampleFile> file = SampleFile::create(scratch / "s", kRows);
  Result<SampleWriter> writer = SampleWriter::open(scratch / "s");
  ASSERT_TRUE(file && writer);
  rusage before{};
  rusage after{};
  ::getrusage(RUSAGE_THREAD, &before);
  for (std::uint64_t k = 0; k < kRows; ++k) writer->append(row_of(1));
  ::getrusage(RUSAGE_THREAD, &after);
  // Without touching the pages there are some 1,200; a few are the code's own and write-back's.
  EXPECT_LT(after.ru_minflt - before.ru_minflt, 200);
  EXPECT_EQ(file->count(), kRows);
}

TEST(SampleFile, is_consistent_while_a_writer_appends) {
  const Scratch scratch;
  Result<SampleFile> file = SampleFile::create(scratch / "s", 20'000);
  Result<SampleWriter> writer = SampleWriter::open(scratch / "s");
  ASSERT_TRUE(file && writer);
  std::thread appending([&] {
    for (int k = 0; k < 20'000; ++k) writer->append(row_of(k));
  });
  std::uint64_t seen = 0;
  while (seen < 20'000) {
    const auto rows = file->rows();
    seen = rows.size();
    if (seen > 0) {
      ASSERT_EQ(rows[seen - 1].begin_ns, static_cast<std::int64_t>(seen) - 1);
    }
  }
  appending.join();
}

TEST(SampleFile, refuses_files_that_lie) {
  const Scratch scratch;
  ASSERT_TRUE(SampleFile::create(scratch / "s", 4));
  const std::string good = read_bytes(scratch / "s");
  ASSERT_TRUE(read_samples(scratch / "s"));

  const auto refused = [&](std::string bytes, const char* why) {
    write_bytes(scratch / "bad", bytes);
    const auto opened = SampleWriter::open(scratch / "bad");
    const auto read = read_samples(scratch / "bad");
    EXPECT_FALSE(opened) << why;
    EXPECT_FALSE(read) << why;
    if (read) return;
    EXPECT_EQ(read.error().error_class, ErrorClass::kBadInput) << why;
  };
  const auto with = [&](std::size_t at, std::uint64_t value, std::size_t size) {
    std::string bytes = good;
    std::memcpy(bytes.data() + at, &value, size);
    return bytes;
  };
  refused("", "empty");
  refused(good.substr(0, 63), "half a header");
  refused(good.substr(0, good.size() - 1), "a row cut");
  refused(with(0, 'X', 1), "magic");
  refused(with(8, 2, 4), "version");
  refused(with(12, 40, 4), "row size");
  refused(with(16, 5, 8), "capacity above the size");
  refused(with(16, ~0ull, 8), "capacity that overflows");
  refused(with(16, (~0ull / 48) + 2, 8), "capacity whose size wraps");
  refused(with(24, 5, 8), "count above the capacity");
  EXPECT_FALSE(read_samples(scratch / "missing"));
  EXPECT_FALSE(read_samples("/dev/zero"));
  EXPECT_FALSE(read_samples("/"));
}

TEST(SampleFile, refuses_senseless_sizes_and_places) {
  const Scratch scratch;
  EXPECT_FALSE(SampleFile::create(scratch / "s", 0));
  EXPECT_FALSE(SampleFile::create(scratch / "s", ~0ull));
  EXPECT_FALSE(SampleFile::create(scratch / "no/such/folder", 10));
}

TEST(ReadSamples, refuses_more_rows_than_wanted) {
  const Scratch scratch;
  Result<SampleFile> file = SampleFile::create(scratch / "s", 4);
  Result<SampleWriter> writer = SampleWriter::open(scratch / "s");
  ASSERT_TRUE(file && writer);
  for (int k = 0; k < 4; ++k) writer->append(row_of(k));
  EXPECT_FALSE(read_samples(scratch / "s", 3));
  EXPECT_TRUE(read_samples(scratch / "s", 4));
}

}  // namespace
}  // namespace ridgeline::protocol
