// Creates, locks, resumes and reads run folders.
#include "results/run_folder.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <unordered_map>

#include "base/clock.hpp"
#include "base/file.hpp"
#include "base/hash.hpp"
#include "results/json_lines.hpp"
#include "results/record.hpp"

namespace ridgeline::results {
namespace {

namespace fs = std::filesystem;

// All that create() makes, the lock first and plan.json last: a folder that has it is complete.
constexpr std::string_view kLockName = "lock";
constexpr std::string_view kPlanName = "plan.json";
constexpr std::array<std::string_view, 8> kOwnNames = {
    kLockName,           "samples",     "logs",         "records.jsonl",
    "invocations.jsonl", "command.txt", "machine.json", kPlanName};

Error folder_error(std::string_view verb, const std::string& path, std::string_view reason) {
  return environment_error(fmt::format("cannot {} {}: {}", verb, path, reason));
}

Result<Descriptor> opened(const std::string& path, int flags) {
  Descriptor fd(::open(path.c_str(), flags | O_CLOEXEC, 0644));
  if (!fd.is_open()) return folder_error("open", path, std::strerror(errno));
  return fd;
}

// Whether create() left this when it was cut short: it has put nothing in these folders and in
// these .jsonl files by then, so anything in them belongs to someone.
bool is_left_by_creation(const fs::directory_entry& entry) {
  const std::string name = entry.path().filename().string();
  // write_text_file writes beside the name and renames; a kill in between leaves this.
  const auto is_own = [&](std::string_view own) {
    return name == own || name.rfind(std::string(own) + ".tmp", 0) == 0;
  };
  if (std::none_of(kOwnNames.begin(), kOwnNames.end(), is_own)) return false;
  std::error_code error;
  const bool holds_data = entry.is_directory(error) || entry.path().extension() == ".jsonl";
  return !holds_data || fs::is_empty(entry.path(), error);
}

Status check_free(const std::string& path) {
  std::error_code error;
  const bool is_ours = fs::exists(fs::path(path) / kLockName, error);
  fs::directory_iterator entry(path, error);
  for (; !error && entry != fs::directory_iterator(); entry.increment(error)) {
    if (is_ours && is_left_by_creation(*entry)) continue;
    return bad_input(fmt::format("{} is not empty and not a run folder (it has {})", path,
                                 entry->path().filename().string()),
                     "give --output a new or empty folder");
  }
  return error ? Status(folder_error("read", path, error.message())) : Status();
}

// A file name may have 255 bytes, and more is added to this part of it.
constexpr std::size_t kMaxFileName = 100;

std::string file_name_from(std::string_view name) {
  std::string safe(name.substr(0, kMaxFileName));
  for (char& c : safe) {
    const bool is_plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                          (c >= '0' && c <= '9') || c == '-' || c == '_';
    if (!is_plain) c = '_';
  }
  return safe.empty() ? "_" : safe;
}

Result<std::pair<std::string, std::int64_t>> invocation_key(const Json& line,
                                                            std::string_view what) {
  RIDGELINE_TRY(auto configuration, get_string(line, "configuration", what));
  RIDGELINE_TRY(const std::int64_t index, get_int(line, "index", what));
  return std::pair(std::move(configuration), index);
}

// Id of a record, and whether nothing of it is missing.
Result<std::pair<std::string, bool>> record_key(const Json& record, std::string_view what) {
  RIDGELINE_TRY(auto id, get_string(record, "id", what));
  if (!record.contains("outcome")) {
    return bad_input(fmt::format("{}: 'outcome' is missing", what));
  }
  RIDGELINE_TRY(const Outcome outcome, outcome_from_json(record.at("outcome"), what));
  return std::pair(std::move(id), outcome.status != Outcome::Status::kPartial);
}

Status check_schema(const Json& record, const std::string& where) {
  RIDGELINE_TRY(const std::string schema, get_string(record, "schema", where));
  if (schema == kRecordSchema) return {};
  return unsupported(fmt::format("{}: schema '{}' is not {}", where, schema, kRecordSchema),
                     "read it with the version of ridgeline that wrote it");
}

}  // namespace

std::string new_run_path(std::string_view root) {
  std::string stamp = utc_timestamp();
  std::erase_if(stamp, [](char c) { return c == '-' || c == ':'; });
  const std::string seed = fmt::format("{}/{}/{}", stamp, ::getpid(), now_ns());
  return fmt::format("{}/{}-{}", root, stamp, hash64_hex(seed).substr(0, 8));
}

bool is_run_folder(const std::string& path) {
  std::error_code error;
  return fs::is_regular_file(fs::path(path) / kPlanName, error) &&
         fs::is_regular_file(fs::path(path) / kLockName, error);
}

Result<RunFolder> RunFolder::locked(const std::string& path) {
  RunFolder folder;
  folder.path_ = path;
  const std::string lock = path + "/lock";
  RIDGELINE_TRY(folder.lock_, opened(lock, O_RDWR | O_CREAT));
  if (::flock(folder.lock_.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) return folder_error("lock", path, std::strerror(errno));
    const auto holder = read_text_file(lock, 64);
    return environment_error(
        fmt::format("{} is in use by another ridgeline{}{}", path,
                    holder && !holder->empty() ? ", process " : "", holder ? *holder : ""),
        "wait for it, or give another --output");
  }
  // For the message above only: the lock is the flock, which ends with the process.
  const std::string pid = fmt::format("{}", ::getpid());
  if (::ftruncate(folder.lock_.get(), 0) != 0 ||
      ::pwrite(folder.lock_.get(), pid.data(), pid.size(), 0) < 0) {
    return folder_error("write", lock, std::strerror(errno));
  }
  return folder;
}

Status RunFolder::open_lines() {
  RIDGELINE_TRY(records_, opened(path_ + "/records.jsonl", O_RDWR | O_APPEND | O_CREAT));
  RIDGELINE_TRY(invocations_, opened(path_ + "/invocations.jsonl", O_RDWR | O_APPEND | O_CREAT));
  return {};
}

Result<RunFolder> RunFolder::create(const std::string& path, const Json& plan,
                                    std::string_view command, const Json& machine) {
  const Error taken =
      bad_input(fmt::format("{} already holds a run", path), "resume it, or give another --output");
  if (is_run_folder(path)) return taken;
  std::error_code error;
  fs::create_directories(path, error);
  if (error) return folder_error("make", path, error.message());
  RIDGELINE_CHECK(check_free(path));
  RIDGELINE_TRY(auto folder, locked(path));
  // Again with the lock held: another process may have finished creating it meanwhile.
  if (is_run_folder(path)) return taken;
  for (const char* inner : {"samples", "logs"}) {
    fs::create_directories(fs::path(path) / inner, error);
    if (error) return folder_error("make", path, error.message());
  }
  RIDGELINE_CHECK(folder.open_lines());
  RIDGELINE_CHECK(write_text_file(path + "/command.txt", std::string(command) + "\n"));
  RIDGELINE_CHECK(write_text_file(path + "/machine.json", to_line(machine) + "\n"));
  RIDGELINE_CHECK(write_text_file(fmt::format("{}/{}", path, kPlanName), to_line(plan) + "\n"));
  return folder;
}

Result<RunFolder> RunFolder::open(const std::string& path) {
  if (!is_run_folder(path)) {
    return bad_input(
        fmt::format("{} is not a run folder (it lacks {} or {})", path, kPlanName, kLockName));
  }
  RIDGELINE_TRY(auto folder, locked(path));
  RIDGELINE_CHECK(folder.open_lines());
  RIDGELINE_CHECK(drop_cut_last_line(folder.records_.get(), path + "/records.jsonl"));
  RIDGELINE_CHECK(drop_cut_last_line(folder.invocations_.get(), path + "/invocations.jsonl"));
  RIDGELINE_CHECK(folder.load_finished());
  return folder;
}

Status RunFolder::load_finished() {
  const auto note_record = [this](const Json& record, const std::string& where) -> Status {
    RIDGELINE_CHECK(check_schema(record, where));
    RIDGELINE_TRY(const auto key, record_key(record, where));
    if (key.second) finished_cases_.insert(key.first);
    return {};
  };
  const auto note_invocation = [this](const Json& line, const std::string& where) -> Status {
    RIDGELINE_TRY(auto key, invocation_key(line, where));
    finished_invocations_.insert(std::move(key));
    return {};
  };
  RIDGELINE_CHECK(for_each_json_line(path_ + "/records.jsonl", true, note_record));
  return for_each_json_line(path_ + "/invocations.jsonl", true, note_invocation);
}

Result<Json> RunFolder::plan() const {
  return read_json_file(fmt::format("{}/{}", path_, kPlanName));
}

Status RunFolder::append_record(const Json& record) {
  RIDGELINE_TRY(const auto key, record_key(record, "the record"));
  RIDGELINE_CHECK(append_json_line(records_.get(), path_ + "/records.jsonl", record));
  if (key.second) finished_cases_.insert(key.first);
  return {};
}

Status RunFolder::append_invocation(const Json& line) {
  RIDGELINE_TRY(auto key, invocation_key(line, "the invocation"));
  RIDGELINE_CHECK(append_json_line(invocations_.get(), path_ + "/invocations.jsonl", line));
  finished_invocations_.insert(std::move(key));
  return {};
}

bool RunFolder::has_invocation(const std::string& configuration_id, std::int64_t index) const {
  return finished_invocations_.count({configuration_id, index}) > 0;
}

Result<std::vector<Json>> RunFolder::invocations() const {
  std::vector<Json> lines;
  const auto keep = [&lines](const Json& line, const std::string&) -> Status {
    lines.push_back(line);
    return {};
  };
  RIDGELINE_CHECK(for_each_json_line(path_ + "/invocations.jsonl", true, keep));
  return lines;
}

std::string RunFolder::samples_folder(std::string_view case_id) {
  return "samples/" + file_name_from(case_id);
}

std::string RunFolder::samples_path(std::string_view case_id, std::int64_t invocation,
                                    std::string_view phase) {
  return fmt::format("{}/{}-{}.bin", samples_folder(case_id), invocation, file_name_from(phase));
}

std::string RunFolder::timeline_path(std::string_view case_id) {
  return samples_folder(case_id) + "/timeline.json";
}

std::string RunFolder::log_path(std::string_view configuration_id, std::int64_t invocation) {
  return fmt::format("logs/{}-{}.log", file_name_from(configuration_id), invocation);
}

Result<std::string> RunFolder::absolute(const std::string& relative) const {
  std::error_code error;
  const fs::path full = fs::absolute(fs::path(path_) / relative, error);
  if (!error) fs::create_directories(full.parent_path(), error);
  if (error) return folder_error("make", relative, error.message());
  return full.string();
}

Result<std::vector<std::string>> run_folders_in(const std::string& path) {
  constexpr std::size_t kMostRuns = 1000;
  std::vector<std::string> folders;
  std::error_code failure;
  if (!fs::is_directory(path, failure) || is_run_folder(path)) return folders;
  for (const auto& entry : fs::directory_iterator(path, failure)) {
    if (is_run_folder(entry.path().string())) folders.push_back(entry.path().string());
    if (folders.size() > kMostRuns) {
      return bad_input(fmt::format("{} has more than {} runs", path, kMostRuns));
    }
  }
  std::sort(folders.begin(), folders.end());
  return folders;
}

Result<std::vector<Json>> read_records(const std::string& path, ReadOptions options) {
  std::error_code error;
  const bool is_folder = fs::is_directory(path, error);
  const std::string file = is_folder ? path + "/records.jsonl" : path;
  std::vector<Json> records;
  std::unordered_map<std::string, std::size_t> place_of;
  const auto keep = [&](const Json& record, const std::string& where) -> Status {
    RIDGELINE_CHECK(check_schema(record, where));
    RIDGELINE_TRY(const auto key, record_key(record, where));
    const auto [at, is_new] = place_of.try_emplace(key.first, records.size());
    if (options.latest_only && !is_new) {
      records[at->second] = record;
    } else {
      records.push_back(record);
    }
    return {};
  };
  RIDGELINE_CHECK(for_each_json_line(file, options.skip_cut_last_line, keep));
  return records;
}

}  // namespace ridgeline::results
