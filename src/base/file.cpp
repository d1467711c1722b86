#include "base/file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "base/descriptor.hpp"

namespace ridgeline {
namespace {

Error file_error(std::string_view verb, const std::string& path) {
  return bad_input(fmt::format("cannot {} {}: {}", verb, path, std::strerror(errno)));
}

}  // namespace

Result<std::string> read_text_file(const std::string& path, std::uint64_t max_bytes) {
  // Not to hang on a pipe; it makes no difference for regular files.
  const Descriptor fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!fd.is_open()) return file_error("read", path);
  struct stat info{};
  if (::fstat(fd.get(), &info) != 0) return file_error("read", path);
  if (!S_ISREG(info.st_mode)) return bad_input(fmt::format("{} is not a regular file", path));

  const auto too_large = [&] {
    return bad_input(fmt::format("{} is larger than {} bytes", path, max_bytes));
  };
  if (static_cast<std::uint64_t>(info.st_size) > max_bytes) return too_large();
  std::string text;
  text.reserve(static_cast<std::size_t>(info.st_size));
  char buffer[1 << 16];
  for (;;) {
    const ssize_t got = ::read(fd.get(), buffer, sizeof buffer);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return file_error("read", path);
    if (got == 0) return text;
    text.append(buffer, static_cast<std::size_t>(got));
    if (text.size() > max_bytes) return too_large();
  }
}

Status write_text_file(const std::string& path, std::string_view text) {
  const std::string temporary = fmt::format("{}.tmp{}", path, ::getpid());
  Descriptor fd(::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
  if (!fd.is_open()) return file_error("write", path);
  while (!text.empty()) {
    const ssize_t put = ::write(fd.get(), text.data(), text.size());
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) {
      const Error error = file_error("write", path);
      ::unlink(temporary.c_str());
      return error;
    }
    text.remove_prefix(static_cast<std::size_t>(put));
  }
  fd.reset();
  if (std::rename(temporary.c_str(), path.c_str()) != 0) {
    const Error error = file_error("write", path);
    ::unlink(temporary.c_str());
    return error;
  }
  return {};
}

}  // namespace ridgeline
