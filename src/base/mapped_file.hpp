// A whole file mapped into memory, read-only: checkpoints of many gigabytes without a copy.
#pragma once

#include <cstddef>
#include <span>
#include <string>

#include "base/error.hpp"

namespace ridgeline {

/// How the mapped pages will be used; a hint that never changes what is read.
enum class MapAdvice {
  kSequential,  ///< once, front to back: read ahead far
  kWillNeed,    ///< all of it soon: start reading now
};

/// Owns the mapping; spans of bytes() live as long as this object, also when it is moved.
/// When another process cuts the file short meanwhile, touching the lost pages raises SIGBUS.
class MappedFile {
 public:
  MappedFile() = default;
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;
  MappedFile(MappedFile&& other) noexcept;
  MappedFile& operator=(MappedFile&& other) noexcept;
  ~MappedFile();

  /// Maps a regular file (links are followed); an empty file gives an empty span.
  static Result<MappedFile> open(const std::string& path);

  std::span<const std::byte> bytes() const { return {data_, size_}; }
  std::size_t size() const { return size_; }

  void advise(MapAdvice advice) const;

 private:
  MappedFile(const std::byte* data, std::size_t size) : data_(data), size_(size) {}
  void unmap();

  const std::byte* data_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace ridgeline
