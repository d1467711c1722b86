// Cuts a byte stream into lines without ever holding more than one line's limit.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "protocol/messages.hpp"

namespace ridgeline::protocol {

class LineBuffer {
 public:
  explicit LineBuffer(std::size_t limit = kMaxLine) : limit_(limit) {}

  /// Adds bytes; call next() until it is empty before adding more, so that memory stays bounded.
  void append(std::string_view bytes);
  /// The next whole line, valid until append(); empty when there is none.
  std::optional<std::string_view> next();
  /// A line above the limit was met; next() gives nothing any more.
  bool overlong() const { return overlong_; }
  /// The bytes of a line that has not ended yet.
  std::string_view partial() const { return std::string_view(buffer_).substr(start_); }

 private:
  std::size_t limit_;
  std::string buffer_;
  std::size_t start_ = 0;    // of the first line not handed out
  std::size_t scanned_ = 0;  // up to here there is no newline
  bool overlong_ = false;
};

}  // namespace ridgeline::protocol
