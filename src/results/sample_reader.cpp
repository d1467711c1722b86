// Sample files to durations.
#include "results/sample_reader.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstring>
#include <filesystem>

#include "base/descriptor.hpp"
#include "base/sample_format.hpp"

namespace ridgeline::results {
namespace {

static_assert(std::endian::native == std::endian::little, "sample files are little-endian");

constexpr std::size_t kRowsAtOnce = 4096;

Error sample_error(const std::string& path, std::string_view what) {
  return bad_input(fmt::format("{}: {}", path, what));
}

// Bytes at `offset`, fewer only at the end of the file; -1 with errno.
ssize_t read_at(int fd, void* buffer, std::size_t size, off_t offset) {
  std::size_t done = 0;
  while (done < size) {
    const ssize_t got = ::pread(fd, static_cast<char*>(buffer) + done, size - done,
                                offset + static_cast<off_t>(done));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return -1;
    if (got == 0) break;
    done += static_cast<std::size_t>(got);
  }
  return static_cast<ssize_t>(done);
}

Status check_header(const std::string& path, const samples::Header& header, std::uint64_t bytes,
                    std::int64_t end_row) {
  if (std::memcmp(header.magic, samples::kMagic, sizeof samples::kMagic) != 0) {
    return sample_error(path, "not a sample file");
  }
  if (header.version != samples::kVersion || header.row_size != sizeof(samples::Row)) {
    return sample_error(path, fmt::format("version {} with rows of {} bytes is not read here",
                                          header.version, header.row_size));
  }
  if (header.count > samples::kMaxCapacity ||
      sizeof(samples::Header) + header.count * sizeof(samples::Row) > bytes) {
    return sample_error(
        path, fmt::format("cut short: {} bytes cannot hold {} rows", bytes, header.count));
  }
  if (static_cast<std::uint64_t>(end_row) > header.count) {
    return sample_error(
        path, fmt::format("has {} rows, not the {} of the record", header.count, end_row));
  }
  return {};
}

}  // namespace

Result<std::string> path_in_folder(const std::string& folder, const std::string& relative) {
  const std::filesystem::path path(relative);
  const bool climbs = std::any_of(path.begin(), path.end(),
                                  [](const auto& part) { return part == std::string_view(".."); });
  if (relative.empty() || path.is_absolute() || climbs ||
      relative.find('\0') != std::string::npos) {
    return bad_input("the record names a file outside of its run folder");
  }
  return (std::filesystem::path(folder) / path).string();
}

Result<std::vector<double>> read_call_seconds(const std::string& path, std::int64_t first_row,
                                              std::int64_t end_row) {
  if (first_row < 0 || end_row < first_row) {
    return sample_error(path, fmt::format("rows [{}, {}) cannot be", first_row, end_row));
  }
  if (end_row - first_row > kMostRowsRead) {
    return sample_error(
        path, fmt::format("{} rows are above the limit of {}", end_row - first_row, kMostRowsRead));
  }
  // O_NONBLOCK: opening a FIFO must not wait for its other end.
  const Descriptor fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  struct stat info{};
  if (!fd.is_open() || ::fstat(fd.get(), &info) != 0) {
    return sample_error(path, std::strerror(errno));
  }
  if (!S_ISREG(info.st_mode)) return sample_error(path, "not a regular file");
  samples::Header header{};
  if (read_at(fd.get(), &header, sizeof header, 0) != static_cast<ssize_t>(sizeof header)) {
    return sample_error(path, "cut short: no header");
  }
  RIDGELINE_CHECK(check_header(path, header, static_cast<std::uint64_t>(info.st_size), end_row));

  std::vector<double> seconds;
  std::vector<samples::Row> rows(kRowsAtOnce);
  for (std::int64_t at = first_row; at < end_row;) {
    const auto count = std::min<std::size_t>(kRowsAtOnce, static_cast<std::size_t>(end_row - at));
    const auto offset =
        static_cast<off_t>(sizeof header + static_cast<std::size_t>(at) * sizeof(samples::Row));
    const std::size_t wanted = count * sizeof(samples::Row);
    if (read_at(fd.get(), rows.data(), wanted, offset) != static_cast<ssize_t>(wanted)) {
      return sample_error(path, "cut short while it was read");
    }
    for (std::size_t i = 0; i < count; ++i) {
      const samples::Row& row = rows[i];
      if ((row.flags & samples::kRowOfToken) != 0) continue;
      // Unsigned, so that nonsense in a file cannot overflow.
      const auto ns = static_cast<std::int64_t>(static_cast<std::uint64_t>(row.done_ns) -
                                                static_cast<std::uint64_t>(row.begin_ns));
      if (ns < 0) return sample_error(path, "a call ends before it begins");
      seconds.push_back(1e-9 * static_cast<double>(ns));
    }
    at += static_cast<std::int64_t>(count);
  }
  return seconds;
}

}  // namespace ridgeline::results
