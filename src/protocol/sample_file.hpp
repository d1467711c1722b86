// The sample file: raw time stamps of every timed call, in memory that coordinator and worker
// share.
//
// base/sample_format.hpp has its form.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "base/sample_format.hpp"

namespace ridgeline::protocol {

using samples::kRowOfManyCalls;
using samples::kRowOfToken;
using SampleHeader = samples::Header;
/// One timed call, or one token of it: from the token before (the first: from the begin of the
/// call) to its own arrival on the host.
using SampleRow = samples::Row;

/// Closes a mapping when it goes.
class SampleMapping {
 public:
  SampleMapping() = default;
  SampleMapping(void* address, std::size_t bytes) : address_(address), bytes_(bytes) {}
  SampleMapping(const SampleMapping&) = delete;
  SampleMapping& operator=(const SampleMapping&) = delete;
  SampleMapping(SampleMapping&& other) noexcept;
  SampleMapping& operator=(SampleMapping&& other) noexcept;
  ~SampleMapping();

  SampleHeader* header() const { return static_cast<SampleHeader*>(address_); }
  SampleRow* rows() const;

 private:
  void* address_ = nullptr;
  std::size_t bytes_ = 0;
};

/// The coordinator's side: makes the file and watches it grow.
class SampleFile {
 public:
  /// Makes (or replaces) `path` with room for `capacity` rows. The space is allocated now, so that
  /// a full disk is an error here and not a SIGBUS in the worker. A path in memory (/dev/shm) keeps
  /// write-back out of the timed loop; save_as() then moves the rows to where they stay.
  static Result<SampleFile> create(const std::string& path, std::uint64_t capacity);

  const std::string& path() const { return path_; }
  std::uint64_t capacity() const { return capacity_; }
  /// Rows that are complete; safe while the worker appends.
  std::uint64_t count() const;
  /// Rows for which there was no room.
  std::uint64_t dropped() const;
  /// The complete rows; valid while this object lives. A worker only ever appends.
  std::span<const SampleRow> rows() const;
  /// Rows [from, to), clamped to what is there.
  std::span<const SampleRow> rows(std::uint64_t from, std::uint64_t to) const;

  /// Cuts the file to its rows (capacity = count); nobody may append afterwards.
  Status shrink();
  /// Writes header and rows to `path`, whole or nothing, shrunk.
  Status save_as(const std::string& path) const;

 private:
  SampleFile(std::string path, SampleMapping mapping, std::uint64_t capacity)
      : path_(std::move(path)), mapping_(std::move(mapping)), capacity_(capacity) {}

  std::string path_;
  SampleMapping mapping_;
  std::uint64_t capacity_ = 0;
};

/// The worker's side: appends behind what is already there. One thread.
class SampleWriter {
 public:
  /// Maps `path` and touches every page that rows will go to, so that append() takes no page fault
  /// (MAP_POPULATE alone maps shared pages of a disk file read-only). A file that is cut, not a
  /// sample file or of another version is an error.
  static Result<SampleWriter> open(const std::string& path);

  void append(const SampleRow& row);
  std::uint64_t count() const { return count_; }
  std::uint64_t dropped() const { return dropped_; }
  std::uint64_t capacity() const { return capacity_; }

 private:
  SampleWriter() = default;

  SampleMapping mapping_;
  SampleRow* rows_ = nullptr;
  std::uint64_t count_ = 0;
  std::uint64_t dropped_ = 0;
  std::uint64_t capacity_ = 0;
};

/// The rows of a finished file, copied (so that a file cut later does no harm). Errors as for
/// SampleWriter::open; a file above `max_rows` is refused.
Result<std::vector<SampleRow>> read_samples(const std::string& path,
                                            std::uint64_t max_rows = 64ull << 20);

}  // namespace ridgeline::protocol
