// A worker's log on disk: the first and the last part of what it printed, never more.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/descriptor.hpp"
#include "base/error.hpp"

namespace ridgeline::protocol {

/// Keeps the first `head` bytes as they come and the last `tail` bytes in memory; finish() writes
/// these behind a line that tells how much was left out between. A full disk loses log text and
/// nothing else.
class CappedLog {
 public:
  static constexpr std::size_t kPart = std::size_t{512} << 10;

  /// Goes on behind what a file already holds (the log of a worker before this one). An empty
  /// `path` keeps no file, only last_line().
  static Result<CappedLog> open(const std::string& path, std::size_t head = kPart,
                                std::size_t tail = kPart);
  CappedLog() = default;

  void append(std::string_view text);
  /// The last line with something in it, complete or not, at most 200 bytes, printable; "" when
  /// nothing was printed.
  std::string last_line() const;
  const std::string& path() const { return path_; }
  /// All bytes that were given to append().
  std::uint64_t total() const { return total_; }
  /// Bytes held in memory: at most twice the tail.
  std::size_t held() const { return kept_.size(); }
  /// Writes the tail and closes the file; append() and finish() do nothing afterwards.
  void finish();

 private:
  void write_all(std::string_view text);

  std::string path_;
  Descriptor file_;
  std::size_t head_ = 0;
  std::size_t tail_ = 0;
  std::uint64_t total_ = 0;
  std::string kept_;  // the end of the text, at most twice tail_ long
};

}  // namespace ridgeline::protocol
