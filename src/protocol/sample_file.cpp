// The sample file: creation, checks, the mapping and the copies.
#include "protocol/sample_file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <bit>
#include <cerrno>
#include <cstring>
#include <utility>

#include "base/descriptor.hpp"
#include "base/file.hpp"

namespace ridgeline::protocol {

static_assert(std::endian::native == std::endian::little, "sample files are little-endian");
static_assert(std::atomic_ref<std::uint64_t>::is_always_lock_free);

namespace {

using samples::kMagic;
using samples::kMaxCapacity;
using samples::kVersion;

std::uint64_t file_bytes(std::uint64_t capacity) {
  return sizeof(SampleHeader) + capacity * sizeof(SampleRow);
}

SampleHeader new_header(std::uint64_t capacity) {
  SampleHeader header{};
  std::memcpy(header.magic, kMagic, sizeof kMagic);
  header.version = kVersion;
  header.row_size = sizeof(SampleRow);
  header.capacity = capacity;
  return header;
}

Error sample_error(const std::string& path, std::string_view what) {
  return bad_input(fmt::format("sample file {}: {}", path, what));
}
Error system_error(const std::string& path, int number) {
  return sample_error(path, std::strerror(number));
}

// Nothing in the header is believed before it fits the file's size.
Status check_header(const std::string& path, const SampleHeader& header, std::uint64_t bytes) {
  if (std::memcmp(header.magic, kMagic, sizeof kMagic) != 0) {
    return sample_error(path, "not a sample file");
  }
  if (header.version != kVersion || header.row_size != sizeof(SampleRow)) {
    return sample_error(path,
                        fmt::format("version {} with rows of {} bytes; this build reads {} "
                                    "with {}",
                                    header.version, header.row_size, kVersion, sizeof(SampleRow)));
  }
  if (header.capacity > kMaxCapacity || file_bytes(header.capacity) > bytes) {
    return sample_error(
        path, fmt::format("cut short: {} bytes cannot hold {} rows", bytes, header.capacity));
  }
  if (header.count > header.capacity) {
    return sample_error(
        path, fmt::format("claims {} rows in room for {}", header.count, header.capacity));
  }
  return {};
}

struct Opened {
  Descriptor fd;
  SampleHeader header;
};

Result<Opened> open_checked(const std::string& path, int flags) {
  // O_NONBLOCK: opening a FIFO must not wait for its other end.
  Opened opened{Descriptor(::open(path.c_str(), flags | O_CLOEXEC | O_NONBLOCK)), {}};
  if (!opened.fd.is_open()) return system_error(path, errno);
  struct stat info{};
  if (::fstat(opened.fd.get(), &info) != 0) return system_error(path, errno);
  if (!S_ISREG(info.st_mode)) return sample_error(path, "not a regular file");
  const auto bytes = static_cast<std::uint64_t>(info.st_size);
  if (::pread(opened.fd.get(), &opened.header, sizeof opened.header, 0) !=
      static_cast<ssize_t>(sizeof opened.header)) {
    return sample_error(path, "cut short: no header");
  }
  RIDGELINE_CHECK(check_header(path, opened.header, bytes));
  return opened;
}

Result<SampleMapping> map_file(const std::string& path, const Descriptor& fd,
                               std::uint64_t capacity) {
  const std::size_t bytes = file_bytes(capacity);
  void* address =
      ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd.get(), 0);
  if (address == MAP_FAILED) return system_error(path, errno);
  return SampleMapping(address, bytes);
}

}  // namespace

SampleMapping::SampleMapping(SampleMapping&& other) noexcept
    : address_(std::exchange(other.address_, nullptr)), bytes_(std::exchange(other.bytes_, 0)) {}

SampleMapping& SampleMapping::operator=(SampleMapping&& other) noexcept {
  std::swap(address_, other.address_);
  std::swap(bytes_, other.bytes_);
  return *this;
}

SampleMapping::~SampleMapping() {
  if (address_ != nullptr) ::munmap(address_, bytes_);
}

SampleRow* SampleMapping::rows() const {
  return reinterpret_cast<SampleRow*>(static_cast<char*>(address_) + sizeof(SampleHeader));
}

Result<SampleFile> SampleFile::create(const std::string& path, std::uint64_t capacity) {
  if (capacity == 0 || capacity > kMaxCapacity) {
    return sample_error(path, fmt::format("a capacity of {} rows is not possible", capacity));
  }
  const Descriptor fd(::open(path.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
  if (!fd.is_open()) return system_error(path, errno);
  const int allocated = ::posix_fallocate(fd.get(), 0, static_cast<off_t>(file_bytes(capacity)));
  if (allocated != 0) {
    ::unlink(path.c_str());
    return system_error(path, allocated);
  }
  RIDGELINE_TRY(SampleMapping mapping, map_file(path, fd, capacity));
  *mapping.header() = new_header(capacity);
  return SampleFile(path, std::move(mapping), capacity);
}

std::uint64_t SampleFile::count() const {
  const auto count =
      std::atomic_ref<std::uint64_t>(mapping_.header()->count).load(std::memory_order_acquire);
  // A worker that writes wildly must not make us read beyond the mapping.
  return std::min(count, capacity_);
}

std::uint64_t SampleFile::dropped() const {
  return std::atomic_ref<std::uint64_t>(mapping_.header()->dropped).load(std::memory_order_relaxed);
}

std::span<const SampleRow> SampleFile::rows() const {
  return {mapping_.rows(), count()};
}

std::span<const SampleRow> SampleFile::rows(std::uint64_t from, std::uint64_t to) const {
  const std::uint64_t end = std::min(to, count());
  const std::uint64_t begin = std::min(from, end);
  return {mapping_.rows() + begin, end - begin};
}

Status SampleFile::shrink() {
  capacity_ = count();
  mapping_.header()->capacity = capacity_;
  if (::truncate(path_.c_str(), static_cast<off_t>(file_bytes(capacity_))) != 0) {
    return system_error(path_, errno);
  }
  return {};
}

Status SampleFile::save_as(const std::string& path) const {
  const std::span<const SampleRow> all = rows();
  SampleHeader header = new_header(all.size());
  header.count = all.size();
  header.dropped = dropped();
  std::string bytes(reinterpret_cast<const char*>(&header), sizeof header);
  bytes.append(reinterpret_cast<const char*>(all.data()), all.size_bytes());
  return write_text_file(path, bytes);
}

Result<SampleWriter> SampleWriter::open(const std::string& path) {
  RIDGELINE_TRY(const Opened opened, open_checked(path, O_RDWR));
  SampleWriter writer;
  RIDGELINE_TRY(writer.mapping_, map_file(path, opened.fd, opened.header.capacity));
  writer.rows_ = writer.mapping_.rows();
  writer.count_ = opened.header.count;
  writer.dropped_ = opened.header.dropped;
  writer.capacity_ = opened.header.capacity;

  // Written through, with what is there: the first real write to a page takes no fault any more.
  constexpr std::uint64_t kPage = 4096;
  auto* bytes = reinterpret_cast<volatile char*>(writer.mapping_.header());
  const std::uint64_t end = file_bytes(writer.capacity_);
  const auto header_word = std::atomic_ref<std::uint64_t>(writer.mapping_.header()->count);
  header_word.store(writer.count_, std::memory_order_release);
  const std::uint64_t first = file_bytes(writer.count_);
  for (std::uint64_t at = first; at < end; at = (at / kPage + 1) * kPage) bytes[at] = bytes[at];
  return writer;
}

void SampleWriter::append(const SampleRow& row) {
  SampleHeader* header = mapping_.header();
  if (count_ == capacity_) {
    ++dropped_;
    std::atomic_ref<std::uint64_t>(header->dropped).store(dropped_, std::memory_order_relaxed);
    return;
  }
  rows_[count_] = row;
  ++count_;
  std::atomic_ref<std::uint64_t>(header->count).store(count_, std::memory_order_release);
}

Result<std::vector<SampleRow>> read_samples(const std::string& path, std::uint64_t max_rows) {
  RIDGELINE_TRY(const Opened opened, open_checked(path, O_RDONLY));
  const std::uint64_t count = opened.header.count;
  if (count > max_rows) {
    return sample_error(path, fmt::format("{} rows are above the limit of {}", count, max_rows));
  }
  std::vector<SampleRow> rows(count);
  auto* bytes = reinterpret_cast<char*>(rows.data());
  const std::uint64_t wanted = count * sizeof(SampleRow);
  std::uint64_t done = 0;
  while (done < wanted) {
    const ssize_t got = ::pread(opened.fd.get(), bytes + done, wanted - done,
                                static_cast<off_t>(sizeof(SampleHeader) + done));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return system_error(path, errno);
    if (got == 0) return sample_error(path, "cut short while it was read");
    done += static_cast<std::uint64_t>(got);
  }
  return rows;
}

}  // namespace ridgeline::protocol
