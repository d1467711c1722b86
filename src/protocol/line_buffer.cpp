// LineBuffer: each byte is searched for a newline once.
#include "protocol/line_buffer.hpp"

namespace ridgeline::protocol {

void LineBuffer::append(std::string_view bytes) {
  if (overlong_) return;
  if (start_ > 0) {
    buffer_.erase(0, start_);
    scanned_ -= start_;
    start_ = 0;
  }
  buffer_.append(bytes);
}

std::optional<std::string_view> LineBuffer::next() {
  if (overlong_) return std::nullopt;
  const std::size_t end = buffer_.find('\n', scanned_);
  const std::size_t length = (end == std::string::npos ? buffer_.size() : end) - start_;
  if (length > limit_) {
    overlong_ = true;
    return std::nullopt;
  }
  if (end == std::string::npos) {
    scanned_ = buffer_.size();
    return std::nullopt;
  }
  const std::string_view line = std::string_view(buffer_).substr(start_, length);
  start_ = end + 1;
  scanned_ = start_;
  return line;
}

}  // namespace ridgeline::protocol
