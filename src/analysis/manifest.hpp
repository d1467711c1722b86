// What a record says about the work it measured, member by member: two cases of equal manifest may
// be compared.
#pragma once

#include <array>
#include <bitset>
#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "base/json.hpp"

namespace ridgeline::analysis {

/// Names of the members, in the order in which differences are told.
inline constexpr std::array<std::string_view, 25> kManifestMembers = {
    "model",  "family",   "architecture", "revision",   "parameters", "weights",       "dtype",
    "device", "threads",  "cores",        "seed",       "engine",     "mode",          "optimize",
    "batch",  "sequence", "depth",        "new_tokens", "image_size", "audio_seconds", "text",
    "image",  "audio",    "chat",         "inputs"};

inline constexpr std::size_t kManifestSize = kManifestMembers.size();

/// The values as text; nothing where the record cannot say (of a case that failed early): that
/// agrees with everything.
struct Manifest {
  std::array<std::optional<std::string>, kManifestSize> values;
  /// Knobs of the engine and what was asked of each; empty: nothing. Threads and cores are members.
  std::map<std::string, std::string> knobs;
};

/// Reads a record of any origin; what is missing or of a wrong type is not known.
Manifest manifest_of(const Json& record);

/// Members that a comparison was told to ignore.
struct Across {
  std::vector<std::string> names;      ///< as given
  std::bitset<kManifestSize> members;  ///< with those that follow from them
  bool machine = false;                ///< unlike machines, too
  bool any() const { return members.any() || machine; }
};

/// Names of manifest members, `machine`, `version` (always allowed to differ), `workload` (batch to
/// inputs). With `model` go family, architecture, revision, parameters; with `engine` its mode,
/// and only knobs that both engines have must agree; and whatever changes the tensors that go in
/// takes `inputs` with it. An unknown name is an error that lists the known ones.
Result<Across> parse_across(const std::vector<std::string>& names);

/// One thing in which two sides are not alike, as text for people.
struct Unlike {
  std::string member;
  std::string base;
  std::string now;

  bool operator==(const Unlike&) const = default;
};

/// Known members that differ and are not in `across`.
std::vector<Unlike> differences(const Manifest& base, const Manifest& now, const Across& across);

/// Known members that differ and are in `across`.
std::vector<Unlike> ignored_differences(const Manifest& base, const Manifest& now,
                                        const Across& across);

/// Whether differences() is empty; stops at the first.
bool agree(const Manifest& base, const Manifest& now, const Across& across);

}  // namespace ridgeline::analysis
