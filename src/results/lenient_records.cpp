// Lines to records, whatever the lines are.
#include "results/lenient_records.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "base/descriptor.hpp"
#include "base/json_values.hpp"
#include "results/json_lines.hpp"
#include "results/record.hpp"

namespace ridgeline::results {
namespace {

constexpr std::size_t kChunk = 1u << 20;

class Reader {
 public:
  explicit Reader(std::string path) : path_(std::move(path)) {}

  Status read();
  LenientRecords take() { return std::move(result_); }

 private:
  void end_line(bool is_last);
  void keep(std::string_view text, const std::string& where, bool is_last);
  void problem(std::string text);

  std::string path_;
  LenientRecords result_;
  std::unordered_map<std::string, std::size_t> place_of_;
  std::string pending_;
  bool too_long_ = false;
  std::size_t line_ = 1;
};

void Reader::problem(std::string text) {
  ++result_.skipped;
  if (result_.problems.size() < kMostProblems) result_.problems.push_back(std::move(text));
}

void Reader::keep(std::string_view text, const std::string& where, bool is_last) {
  if (text.find_first_not_of(" \t\r") == std::string_view::npos) return;
  Result<Json> record = parse_json(text, where);
  if (!record) {
    return problem(is_last ? fmt::format("{}: the last line was cut short", where)
                           : record.error().message);
  }
  const std::string schema = text_in(*record, "schema");
  if (schema != kRecordSchema) {
    return problem(fmt::format("{}: not a record of schema {}", where, kRecordSchema));
  }
  std::string id = text_in(*record, "id");
  if (id.empty()) return problem(fmt::format("{}: 'id' is missing", where));
  const auto [at, is_new] = place_of_.try_emplace(std::move(id), result_.records.size());
  if (is_new) {
    result_.records.push_back(*std::move(record));
  } else {
    result_.records[at->second] = *std::move(record);
  }
}

void Reader::end_line(bool is_last) {
  const std::string where = fmt::format("{}:{}", path_, line_);
  if (too_long_) {
    problem(fmt::format("{}: the line is longer than {} bytes", where, kMaxLineBytes));
  } else {
    keep(pending_, where, is_last);
  }
  pending_.clear();
  too_long_ = false;
  ++line_;
}

Status Reader::read() {
  const Descriptor fd(::open(path_.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  struct stat info{};
  if (!fd.is_open() || ::fstat(fd.get(), &info) != 0) {
    return bad_input(fmt::format("cannot read {}: {}", path_, std::strerror(errno)));
  }
  if (!S_ISREG(info.st_mode)) return bad_input(fmt::format("{} is not a regular file", path_));
  std::vector<char> chunk(kChunk);
  for (;;) {
    const ssize_t got = ::read(fd.get(), chunk.data(), chunk.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return bad_input(fmt::format("cannot read {}: {}", path_, std::strerror(errno)));
    if (got == 0) break;
    std::string_view text(chunk.data(), static_cast<std::size_t>(got));
    while (!text.empty()) {
      const std::size_t end = text.find('\n');
      const std::string_view part = text.substr(0, end);
      if (pending_.size() + part.size() > kMaxLineBytes) {
        too_long_ = true;
        pending_.clear();
      }
      if (!too_long_) pending_.append(part);
      if (end == std::string_view::npos) break;
      end_line(false);
      text.remove_prefix(end + 1);
    }
  }
  if (too_long_ || !pending_.empty()) end_line(true);
  return {};
}

}  // namespace

Result<LenientRecords> read_records_leniently(const std::string& path) {
  std::error_code error;
  const bool is_folder = std::filesystem::is_directory(path, error);
  Reader reader(is_folder ? path + "/records.jsonl" : path);
  RIDGELINE_CHECK(reader.read());
  return reader.take();
}

}  // namespace ridgeline::results
