// What one call of a phase is given: sizes, or the user's own texts, pictures and sounds.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "base/json.hpp"

namespace ridgeline::measure {

/// What one call of a phase is given. An empty size is the model's own choice.
struct Workload {
  std::int64_t batch = 1;
  std::optional<std::int64_t> sequence;       ///< tokens a row; none when the tokenizer decides
  std::optional<std::int64_t> depth;          ///< tokens in the cache of `decode`
  std::optional<std::int64_t> new_tokens;     ///< of `generate`
  std::optional<std::int64_t> image_size;     ///< pixels of a side
  std::optional<std::int64_t> audio_seconds;  ///< sound a row
  /// Of the batch without repetition, at most `batch` each; row i is entry i % size. Pictures and
  /// sounds are absolute paths.
  std::vector<std::string> texts = {};
  std::vector<std::string> images = {};
  std::vector<std::string> audio = {};
  bool chat = false;  ///< texts go through the chat template

  bool operator==(const Workload&) const = default;
};

/// One size of a workload that a plan lists: its key and where it stands in the structs.
struct WorkloadAxis {
  std::string_view key;
  std::optional<std::int64_t> Workload::* member;
};

/// All sizes but the batch, in the order in which they spread and are shown.
std::span<const WorkloadAxis> workload_axes();

/// The `workload` part of a record: {"batch":2,"sequence":null,"text":["a","b"]}; other sizes stand
/// in it only where they were asked for.
Json to_json(const Workload& workload);

/// The same for the worker: `text`, `image` and `audio` have one entry a row.
Json wire_workload(const Workload& workload);

/// A short line for people: "batch=1 sequence=128" or "batch=8 texts=3".
std::string describe(const Workload& workload);

}  // namespace ridgeline::measure
