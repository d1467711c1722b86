// Maps files with mmap(2).
#include "base/mapped_file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <utility>

#include "base/descriptor.hpp"

namespace ridgeline {
namespace {

Error map_error(const std::string& path) {
  if (errno == ENOMEM) {
    return {ErrorClass::kOomHost, fmt::format("cannot map {}: out of address space", path)};
  }
  return bad_input(fmt::format("cannot read {}: {}", path, std::strerror(errno)));
}

}  // namespace

Result<MappedFile> MappedFile::open(const std::string& path) {
  // O_NONBLOCK: opening a FIFO must fail below, not wait for a writer.
  const Descriptor fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!fd.is_open()) return map_error(path);
  struct stat info{};
  if (::fstat(fd.get(), &info) != 0) return map_error(path);
  if (!S_ISREG(info.st_mode)) return bad_input(fmt::format("{} is not a regular file", path));
  if (info.st_size == 0) return MappedFile();
  if (static_cast<std::uintmax_t>(info.st_size) > SIZE_MAX) {
    errno = ENOMEM;
    return map_error(path);
  }
  const auto size = static_cast<std::size_t>(info.st_size);
  void* data = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, fd.get(), 0);
  if (data == MAP_FAILED) return map_error(path);
  return MappedFile(static_cast<const std::byte*>(data), size);
}

void MappedFile::advise(MapAdvice advice) const {
  if (data_ == nullptr) return;
  const int value = advice == MapAdvice::kSequential ? MADV_SEQUENTIAL : MADV_WILLNEED;
  ::madvise(const_cast<std::byte*>(data_), size_, value);
}

void MappedFile::unmap() {
  if (data_ != nullptr) ::munmap(const_cast<std::byte*>(data_), size_);
}

MappedFile::MappedFile(MappedFile&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}

MappedFile& MappedFile::operator=(MappedFile&& other) noexcept {
  if (this != &other) {
    unmap();
    data_ = std::exchange(other.data_, nullptr);
    size_ = std::exchange(other.size_, 0);
  }
  return *this;
}

MappedFile::~MappedFile() {
  unmap();
}

}  // namespace ridgeline
