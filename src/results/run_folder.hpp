// The folder of one run: what was asked, what was measured so far, the raw samples and the logs.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/descriptor.hpp"
#include "base/error.hpp"
#include "base/json.hpp"

namespace ridgeline::results {

/// "<root>/20260131T120000Z-1a2b3c4d": a path that no other run has.
std::string new_run_path(std::string_view root = "runs");

/// Whether `path` holds a run that open() can resume.
bool is_run_folder(const std::string& path);

/// plan.json, command.txt, machine.json, invocations.jsonl, records.jsonl, samples/, logs/, lock.
/// Lines are written whole and reach the disk before the call returns, so that what was finished
/// survives kill -9. One process at a time holds the folder (flock on `lock`).
class RunFolder {
 public:
  /// Makes the folder and its parents. Refuses a run folder (open that one) and any other folder
  /// that is not empty; what a creation that was cut short left behind is taken over.
  static Result<RunFolder> create(const std::string& path, const Json& plan,
                                  std::string_view command, const Json& machine);

  /// Takes up a run again. The last line of a .jsonl file that a crash cut short is removed.
  static Result<RunFolder> open(const std::string& path);

  const std::string& path() const { return path_; }

  /// plan.json as create() got it.
  Result<Json> plan() const;

  /// `record` must have `id`, and `line` of an invocation `configuration` and `index`.
  Status append_record(const Json& record);
  Status append_invocation(const Json& line);

  /// Ids of the cases with a record whose outcome is ok or failed; a partial one is not finished.
  const std::set<std::string>& finished_cases() const { return finished_cases_; }
  /// Whether invocations.jsonl has this invocation, whatever came of it.
  bool has_invocation(const std::string& configuration_id, std::int64_t index) const;
  /// All lines of invocations.jsonl.
  Result<std::vector<Json>> invocations() const;

  /// "samples/<case>", "samples/<case>/<invocation>-<phase>.bin", "logs/<configuration>-
  /// <invocation>.log": relative, as records name them. Characters of names that do not belong in
  /// a file name become '_'.
  static std::string samples_folder(std::string_view case_id);
  static std::string samples_path(std::string_view case_id, std::int64_t invocation,
                                  std::string_view phase);
  /// "samples/<case>/timeline.json": what the sensors read during the energy pass.
  static std::string timeline_path(std::string_view case_id);
  static std::string log_path(std::string_view configuration_id, std::int64_t invocation);

  /// The path to open for a relative one; the folders above it are made.
  Result<std::string> absolute(const std::string& relative) const;

 private:
  RunFolder() = default;
  static Result<RunFolder> locked(const std::string& path);
  Status open_lines();
  Status load_finished();

  std::string path_;
  Descriptor lock_;
  Descriptor records_;
  Descriptor invocations_;
  std::set<std::string> finished_cases_;
  std::set<std::pair<std::string, std::int64_t>> finished_invocations_;
};

/// Which records a reader wants.
struct ReadOptions {
  bool skip_cut_last_line = true;  ///< of a run that was killed or still runs
  bool latest_only = true;         ///< a case that was measured again replaces the earlier record
};

/// The run folders that lie in a folder which is none itself, by name; empty for all else.
Result<std::vector<std::string>> run_folders_in(const std::string& path);

/// The records of a run folder or of one .jsonl file. A bad line or another schema is an error that
/// names file:line.
Result<std::vector<Json>> read_records(const std::string& path, ReadOptions options = {});

}  // namespace ridgeline::results
