// Members of a manifest, read from a record and compared.
#include "analysis/manifest.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "base/json_values.hpp"
#include "base/nearest.hpp"

namespace ridgeline::analysis {
namespace {

// Engines count tied weights and buffers in their own way.
constexpr double kParameterTolerance = 0.01;

constexpr std::string_view kEnginePrefix = "ridgeline-engine-";

constexpr std::size_t index_of(std::string_view member) {
  std::size_t at = 0;
  while (at < kManifestSize && kManifestMembers[at] != member) ++at;
  return at;
}

constexpr std::size_t kEngine = index_of("engine");
constexpr std::size_t kOptimize = index_of("optimize");
constexpr std::size_t kParameters = index_of("parameters");

// What follows from ignoring a member; of `workload`, a name for several, all of them.
struct Follows {
  std::string_view name;
  std::vector<std::string_view> members;
};

const std::vector<Follows>& follows() {
  static const std::vector<Follows> table = {
      {"model", {"model", "family", "architecture", "revision", "parameters", "inputs"}},
      {"architecture", {"architecture", "parameters", "inputs"}},
      {"revision", {"revision", "inputs"}},
      {"dtype", {"dtype", "inputs"}},
      {"seed", {"seed", "inputs"}},
      {"engine", {"engine", "mode", "inputs"}},
      {"batch", {"batch", "inputs"}},
      {"sequence", {"sequence", "inputs"}},
      {"depth", {"depth", "inputs"}},
      {"new_tokens", {"new_tokens", "inputs"}},
      {"image_size", {"image_size", "inputs"}},
      {"audio_seconds", {"audio_seconds", "inputs"}},
      {"text", {"text", "inputs"}},
      {"image", {"image", "inputs"}},
      {"audio", {"audio", "audio_seconds", "inputs"}},
      {"chat", {"chat", "inputs"}},
      {"workload",
       {"batch", "sequence", "depth", "new_tokens", "image_size", "audio_seconds", "text", "image",
        "audio", "chat", "inputs"}}};
  return table;
}

std::optional<std::string> text_of(const Json& value) {
  if (value.is_string()) return value.get<std::string>();
  if (value.is_null()) return std::nullopt;
  return to_line(value);
}

// What was asked for; `otherwise` where nothing was.
std::string asked(const Json& configuration, std::string_view key, std::string_view otherwise) {
  return text_of(entry_of(configuration, key)).value_or(std::string(otherwise));
}

struct Engine {
  std::string name;
  std::string mode;
};

// "native" of "/opt/bin/ridgeline-engine-native", and what stands behind ':'.
Engine engine_of(const std::string& asked) {
  Engine engine;
  engine.name = asked.substr(asked.rfind('/') + 1);
  if (const auto colon = engine.name.find(':'); colon != std::string::npos) {
    engine.mode = engine.name.substr(colon + 1);
    engine.name.resize(colon);
  }
  if (engine.name.size() > kEnginePrefix.size() && engine.name.starts_with(kEnginePrefix)) {
    engine.name.erase(0, kEnginePrefix.size());
  }
  return engine;
}

std::map<std::string, std::string> knobs_of(const Json& record) {
  std::map<std::string, std::string> knobs;
  for (const Json& knob : entry_of(record, "optimizations")) {
    const std::string id = text_in(knob, "id");
    if (id.empty() || id == "threads" || id == "cores") continue;
    knobs[id] = text_of(entry_of(knob, "requested")).value_or("");
  }
  return knobs;
}

// "attention=flash, tf32=on" of those that were asked for.
std::string asked_knobs(const std::map<std::string, std::string>& knobs) {
  std::string text;
  for (const auto& [id, value] : knobs) {
    if (value.empty()) continue;
    text += fmt::format("{}{}={}", text.empty() ? "" : ", ", id, value);
  }
  return text.empty() ? "nothing" : text;
}

// Whether two engines were asked for another value of a knob that both have.
bool other_knobs(const Manifest& base, const Manifest& now) {
  return std::any_of(base.knobs.begin(), base.knobs.end(), [&](const auto& knob) {
    const auto theirs = now.knobs.find(knob.first);
    return theirs != now.knobs.end() && theirs->second != knob.second;
  });
}

// Texts themselves; of files their number, what is in them is known by the digest of the inputs.
std::string media_of(const Json& workload, std::string_view key) {
  const Json& list = entry_of(workload, key);
  if (!list.is_array() || list.empty()) return "none";
  return key == "text" ? to_line(list) : fmt::format("{} files", list.size());
}

void set(Manifest& manifest, std::string_view member, std::optional<std::string> value) {
  manifest.values[index_of(member)] = std::move(value);
}

void read_model(const Json& record, Manifest& manifest) {
  const Json& model = entry_of(record, "model");
  if (!model.is_object()) return;
  set(manifest, "family", text_of(entry_of(model, "family")));
  set(manifest, "architecture", text_of(entry_of(model, "architecture")));
  set(manifest, "revision", text_of(entry_of(model, "revision")).value_or("none"));
  set(manifest, "parameters", text_of(entry_of(model, "parameters")));
  set(manifest, "weights", text_of(entry_of(entry_of(model, "weights"), "source")));
}

bool same_number(const std::string& a, const std::string& b) {
  const Json x = Json::parse(a, nullptr, false);
  const Json y = Json::parse(b, nullptr, false);
  if (!x.is_number() || !y.is_number()) return false;
  const double p = x.get<double>();
  const double q = y.get<double>();
  return std::abs(p - q) <= kParameterTolerance * std::max(std::abs(p), std::abs(q));
}

bool differs(const Manifest& base, const Manifest& now, std::size_t at, const Across& across) {
  const auto& ours = base.values[at];
  const auto& theirs = now.values[at];
  if (!ours || !theirs || *ours == *theirs) return false;
  if (!across.members[kEngine]) return true;
  if (at == kOptimize) return other_knobs(base, now);
  return !(at == kParameters && same_number(*ours, *theirs));
}

std::vector<Unlike> collect(const Manifest& base, const Manifest& now, const Across& across,
                            bool ignored) {
  std::vector<Unlike> found;
  for (std::size_t at = 0; at < kManifestSize; ++at) {
    if (across.members[at] != ignored || !differs(base, now, at, across)) continue;
    found.push_back({std::string(kManifestMembers[at]), *base.values[at], *now.values[at]});
  }
  return found;
}

}  // namespace

Manifest manifest_of(const Json& record) {
  Manifest manifest;
  const Json& configuration = entry_of(record, "configuration");
  const Json& workload = entry_of(record, "workload");
  for (const char* key : {"model", "dtype", "device"}) {
    set(manifest, key, text_of(entry_of(configuration, key)));
  }
  for (const char* key : {"threads", "cores"})
    set(manifest, key, asked(configuration, key, "default"));
  set(manifest, "seed", asked(configuration, "seed", "0"));
  read_model(record, manifest);

  const Engine engine = engine_of(text_in(configuration, "engine"));
  const Json& found = entry_of(record, "engine");
  if (!engine.name.empty()) set(manifest, "engine", engine.name);
  if (found.is_object()) {
    set(manifest, "mode", text_of(entry_of(found, "mode")).value_or("none"));
    manifest.knobs = knobs_of(record);
    set(manifest, "optimize", asked_knobs(manifest.knobs));
  } else if (!engine.mode.empty()) {
    set(manifest, "mode", engine.mode);
  }

  for (const char* key :
       {"batch", "sequence", "depth", "new_tokens", "image_size", "audio_seconds"}) {
    set(manifest, key, text_of(entry_of(workload, key)));
  }
  for (const char* key : {"text", "image", "audio"}) set(manifest, key, media_of(workload, key));
  set(manifest, "chat", entry_of(workload, "chat") == true ? "true" : "false");
  set(manifest, "inputs", text_of(entry_of(entry_of(workload, "inputs"), "digest")));
  return manifest;
}

Result<Across> parse_across(const std::vector<std::string>& names) {
  std::vector<std::string_view> known(kManifestMembers.begin(), kManifestMembers.end());
  for (const char* name : {"machine", "version", "workload"}) known.emplace_back(name);
  Across across;
  for (const std::string& name : names) {
    if (std::find(known.begin(), known.end(), name) == known.end()) {
      return bad_input(fmt::format("--across: '{}' is no member of a manifest", name),
                       suggestion(name, known));
    }
    if (std::find(across.names.begin(), across.names.end(), name) != across.names.end()) continue;
    across.names.push_back(name);
    across.machine = across.machine || name == "machine";
    if (const std::size_t at = index_of(name); at < kManifestSize) across.members.set(at);
    for (const Follows& row : follows()) {
      if (row.name != name) continue;
      for (const std::string_view member : row.members) across.members.set(index_of(member));
    }
  }
  return across;
}

std::vector<Unlike> differences(const Manifest& base, const Manifest& now, const Across& across) {
  return collect(base, now, across, false);
}

std::vector<Unlike> ignored_differences(const Manifest& base, const Manifest& now,
                                        const Across& across) {
  return collect(base, now, across, true);
}

bool agree(const Manifest& base, const Manifest& now, const Across& across) {
  for (std::size_t at = 0; at < kManifestSize; ++at) {
    if (!across.members[at] && differs(base, now, at, across)) return false;
  }
  return true;
}

}  // namespace ridgeline::analysis
