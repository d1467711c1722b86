// Reads and writes .jsonl files so that a kill at any moment costs one line at most.
#include "results/json_lines.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <nlohmann/json.hpp>
#include <vector>

#include "base/descriptor.hpp"

namespace ridgeline::results {
namespace {

constexpr std::size_t kChunk = 1u << 16;

Error file_error(std::string_view verb, const std::string& path) {
  return environment_error(fmt::format("cannot {} {}: {}", verb, path, std::strerror(errno)));
}

// Bytes at `offset`, fewer only at the end of the file; -1 with errno.
ssize_t read_at(int fd, char* buffer, std::size_t size, off_t offset) {
  for (;;) {
    const ssize_t got = ::pread(fd, buffer, size, offset);
    if (got >= 0 || errno != EINTR) return got;
  }
}

Status use_line(std::string_view line, const std::string& where,
                const std::function<Status(const Json& object, const std::string& where)>& use) {
  if (line.find_first_not_of(" \t\r") == std::string_view::npos) return {};
  RIDGELINE_TRY(const Json object, parse_json(line, where));
  if (!object.is_object()) return bad_input(fmt::format("{}: not a JSON object", where));
  return use(object, where);
}

}  // namespace

Status for_each_json_line(
    const std::string& path, bool skip_cut_last_line,
    const std::function<Status(const Json& object, const std::string& where)>& use) {
  const Descriptor fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  struct stat info{};
  if (!fd.is_open() || ::fstat(fd.get(), &info) != 0) {
    return bad_input(fmt::format("cannot read {}: {}", path, std::strerror(errno)));
  }
  if (!S_ISREG(info.st_mode)) return bad_input(fmt::format("{} is not a regular file", path));

  std::string pending;
  std::vector<char> chunk(kChunk);
  std::size_t line = 1;
  for (off_t offset = 0;;) {
    const ssize_t got = read_at(fd.get(), chunk.data(), chunk.size(), offset);
    if (got < 0) return file_error("read", path);
    if (got == 0) break;
    offset += got;
    std::string_view text(chunk.data(), static_cast<std::size_t>(got));
    for (std::size_t end; (end = text.find('\n')) != std::string_view::npos; ++line) {
      pending.append(text.substr(0, end));
      text.remove_prefix(end + 1);
      RIDGELINE_CHECK(use_line(pending, fmt::format("{}:{}", path, line), use));
      pending.clear();
    }
    pending.append(text);
    if (pending.size() > kMaxLineBytes) {
      return bad_input(
          fmt::format("{}:{}: the line is longer than {} bytes", path, line, kMaxLineBytes));
    }
  }
  if (pending.empty() || skip_cut_last_line) return {};
  return bad_input(fmt::format("{}:{}: the last line was cut short", path, line));
}

Status append_json_line(int fd, const std::string& path, const Json& object) {
  const std::string line = to_line(object) + "\n";
  if (line.size() > kMaxLineBytes) {
    return Error{ErrorClass::kInternal,
                 fmt::format("a line for {} is longer than {} bytes", path, kMaxLineBytes)};
  }
  struct stat before{};
  if (::fstat(fd, &before) != 0) return file_error("write", path);
  ssize_t put = 0;
  do {
    put = ::write(fd, line.data(), line.size());
  } while (put < 0 && errno == EINTR);
  if (put != static_cast<ssize_t>(line.size())) {
    if (put >= 0) errno = ENOSPC;
    const Error error = file_error("write", path);
    if (::ftruncate(fd, before.st_size) != 0) return error;  // the first error says more
    return error;
  }
  // Some file systems have no fdatasync; the line is in the kernel's hands then.
  if (::fdatasync(fd) != 0 && errno != EINVAL && errno != ENOSYS) return file_error("sync", path);
  return {};
}

Status drop_cut_last_line(int fd, const std::string& path) {
  struct stat info{};
  if (::fstat(fd, &info) != 0) return file_error("read", path);
  std::vector<char> chunk(kChunk);
  for (off_t end = info.st_size; end > 0;) {
    const off_t begin = std::max<off_t>(0, end - static_cast<off_t>(kChunk));
    const auto size = static_cast<std::size_t>(end - begin);
    if (read_at(fd, chunk.data(), size, begin) != static_cast<ssize_t>(size)) {
      return file_error("read", path);
    }
    const std::size_t newline = std::string_view(chunk.data(), size).rfind('\n');
    if (newline != std::string_view::npos) {
      const off_t keep = begin + static_cast<off_t>(newline) + 1;
      if (keep == info.st_size || ::ftruncate(fd, keep) == 0) return {};
      return file_error("repair", path);
    }
    end = begin;
  }
  if (info.st_size == 0 || ::ftruncate(fd, 0) == 0) return {};
  return file_error("repair", path);
}

}  // namespace ridgeline::results
