// CappedLog: head to the file at once, tail in memory until finish().
#include "protocol/capped_log.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "protocol/messages.hpp"

namespace ridgeline::protocol {
namespace {

// Enough of the end to find the last line in when no tail is kept.
constexpr std::size_t kMinTail = 4096;

}  // namespace

Result<CappedLog> CappedLog::open(const std::string& path, std::size_t head, std::size_t tail) {
  CappedLog log;
  log.path_ = path;
  log.head_ = head;
  log.tail_ = std::max(tail, kMinTail);
  if (!path.empty()) {
    log.file_.reset(::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644));
    if (!log.file_.is_open()) {
      return bad_input(fmt::format("cannot write the log {}: {}", path, std::strerror(errno)));
    }
  }
  return log;
}

void CappedLog::append(std::string_view text) {
  if (total_ < head_) write_all(text.substr(0, head_ - total_));
  total_ += text.size();
  if (text.size() > tail_) text.remove_prefix(text.size() - tail_);
  kept_.append(text);
  // Cut only when it has doubled, so that each byte is moved once on average.
  if (kept_.size() > 2 * tail_) kept_.erase(0, kept_.size() - tail_);
}

std::string CappedLog::last_line() const {
  constexpr std::string_view kSpace = " \t\r\n";
  const std::size_t end = kept_.find_last_not_of(kSpace);
  if (end == std::string::npos) return {};
  const std::size_t newline = kept_.find_last_of('\n', end);
  const std::size_t begin = newline == std::string::npos ? 0 : newline + 1;
  return excerpt(std::string_view(kept_).substr(begin, end + 1 - begin), 200);
}

void CappedLog::finish() {
  if (!file_.is_open()) return;
  if (total_ > head_) {
    const std::uint64_t rest = total_ - head_;
    const std::uint64_t shown = std::min<std::uint64_t>({rest, tail_, kept_.size()});
    if (rest > shown) {
      write_all(fmt::format("\n[... {} bytes left out ...]\n", rest - shown));
    }
    write_all(std::string_view(kept_).substr(kept_.size() - shown));
  }
  file_.reset();
}

void CappedLog::write_all(std::string_view text) {
  while (file_.is_open() && !text.empty()) {
    const ssize_t put = ::write(file_.get(), text.data(), text.size());
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) return;
    text.remove_prefix(static_cast<std::size_t>(put));
  }
}

}  // namespace ridgeline::protocol
