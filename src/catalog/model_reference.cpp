// Resolves model references; the cache layout is that of huggingface_hub ("Understand caching").
#include "catalog/model_reference.hpp"

#include <fmt/format.h>
#include <pwd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <filesystem>
#include <system_error>
#include <vector>

#include "base/file.hpp"
#include "base/nearest.hpp"
#include "catalog/presets.hpp"

namespace ridgeline::catalog {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kLongestReference = 4096;
constexpr std::size_t kLongestIdPart = 96;  // huggingface_hub, validate_repo_id

bool is_folder(const std::string& path) {
  std::error_code ignored;
  return fs::is_directory(path, ignored);
}

bool is_file(const std::string& path) {
  std::error_code ignored;
  return fs::is_regular_file(path, ignored);
}

bool is_alphanumeric(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

/// "~" and "~/…" with HOME; other users' homes are left to the shell.
std::string expand_home(std::string_view path, const Environment& environment) {
  const bool own_home = path == "~" || path.starts_with("~/");
  if (!own_home) return std::string(path);
  return environment("HOME").value_or("") + std::string(path.substr(1));
}

/// $NAME and ${NAME}, as Python's expandvars: unknown names stay as they are.
std::string expand_variables(const std::string& text, const Environment& environment) {
  std::string out;
  for (std::size_t i = 0; i < text.size();) {
    const bool braces = text.compare(i, 2, "${") == 0;
    const std::size_t begin = i + (braces ? 2 : 1);
    std::size_t end = begin;
    while (end < text.size() && (is_alphanumeric(text[end]) || text[end] == '_')) ++end;
    const std::size_t next = braces ? end + 1 : end;
    const bool is_reference =
        text[i] == '$' && end > begin && (!braces || (end < text.size() && text[end] == '}'));
    const auto value = is_reference ? environment(text.substr(begin, end - begin).c_str())
                                    : std::optional<std::string>();
    if (value) {
      out += *value;
      i = next;
    } else {
      out += text[i++];
    }
  }
  return out;
}

bool looks_like_path(std::string_view text) {
  return text.starts_with('/') || text.starts_with("./") || text.starts_with("../") ||
         text.starts_with('~') || text == "." || text == ".." || text.ends_with('/');
}

Result<ModelReference> resolve_path(std::string_view reference, const Environment& environment) {
  const std::string folder = expand_home(reference, environment);
  if (is_file(folder)) {
    return bad_input(fmt::format("{} is a file", folder), "give the folder of the model");
  }
  if (!is_folder(folder)) return bad_input(fmt::format("no such folder: {}", folder));
  if (!is_file(folder + "/config.json")) {
    return bad_input(fmt::format("{}: no config.json there", folder),
                     "give the folder of a Hugging Face model");
  }
  return ModelReference{ModelKind::kFolder, std::string(reference), folder, {}, {}};
}

/// One half of `org/name`: letters, digits, '-', '_' and '.'; neither at an end save '_'.
bool is_id_part(std::string_view part) {
  if (part.empty() || part.size() > kLongestIdPart) return false;
  const auto allowed = [](char c) {
    return is_alphanumeric(c) || c == '_' || c == '-' || c == '.';
  };
  const auto at_end = [](char c) { return is_alphanumeric(c) || c == '_'; };
  return std::all_of(part.begin(), part.end(), allowed) && at_end(part.front()) &&
         at_end(part.back());
}

bool is_hub_id(std::string_view id) {
  if (id.find("--") != std::string_view::npos || id.find("..") != std::string_view::npos) {
    return false;
  }
  const std::size_t slash = id.find('/');
  if (slash == std::string_view::npos) return is_id_part(id);
  return is_id_part(id.substr(0, slash)) && is_id_part(id.substr(slash + 1));
}

/// A branch, tag or commit; some have slashes ("refs/pr/1"), none may climb out of the folder.
bool is_revision(std::string_view text) {
  if (text.empty() || text.size() > 255) return false;
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t end = std::min(text.find('/', begin), text.size());
    const std::string_view part = text.substr(begin, end - begin);
    if (part.empty() || part == "." || part == "..") return false;
    begin = end + 1;
  }
  return std::none_of(text.begin(), text.end(),
                      [](char c) { return static_cast<unsigned char>(c) <= 0x20; });
}

std::string download_command(std::string_view id, std::string_view revision) {
  const std::string flag = revision == "main" ? "" : fmt::format(" --revision {}", revision);
  return fmt::format("`hf download {}{}`", id, flag);
}

Error not_in_cache(std::string_view id, std::string_view revision, const std::string& cache,
                   std::string_view reason) {
  std::string remedy = fmt::format("get it with {}", download_command(id, revision));
  const std::vector<std::string_view> names = preset_names();
  const std::string same = preset_for(id);
  const std::string_view near = nearest_name(id, names);
  if (!same.empty()) {
    remedy += fmt::format(", or use the preset {} with --weights synthetic", same);
  } else if (!near.empty()) {
    remedy += fmt::format(", or did you mean the preset {}?", near);
  } else {
    remedy += ", or use a preset (`ridgeline list presets`) with --weights synthetic";
  }
  return bad_input(fmt::format("model {}: {} (looked in {})", id, reason, cache), remedy);
}

Result<ModelReference> resolve_hub(std::string_view reference, std::string_view id,
                                   std::string_view revision, const Environment& environment) {
  const std::string cache = hub_cache_folder(environment);
  std::string repository = fmt::format("{}/models--{}", cache, id);
  if (const std::size_t slash = id.find('/'); slash != std::string_view::npos) {
    repository = fmt::format("{}/models--{}--{}", cache, id.substr(0, slash), id.substr(slash + 1));
  }
  if (!is_folder(repository)) {
    return not_in_cache(id, revision, cache, "neither a folder, a preset nor in the hub cache");
  }
  std::string commit(revision);
  const std::string ref = fmt::format("{}/refs/{}", repository, revision);
  if (is_file(ref)) {
    RIDGELINE_TRY(commit, read_text_file(ref, 4096));
    commit.erase(std::find_if(commit.begin(), commit.end(), [](char c) { return c <= ' '; }),
                 commit.end());
  }
  const bool plain = is_revision(commit) && commit.find('/') == std::string::npos;
  const std::string snapshot = fmt::format("{}/snapshots/{}", repository, commit);
  if (!plain || !is_folder(snapshot)) {
    return not_in_cache(id, revision, cache,
                        fmt::format("revision {} is not in the hub cache", revision));
  }
  if (!is_file(snapshot + "/config.json")) {
    return not_in_cache(id, revision, cache, "config.json is not in the hub cache");
  }
  return ModelReference{ModelKind::kHub, std::string(reference), snapshot, {}, commit};
}

}  // namespace

Environment process_environment() {
  return [](const char* name) -> std::optional<std::string> {
    if (const char* value = std::getenv(name); value != nullptr) return value;
    if (std::string_view(name) != "HOME") return std::nullopt;
    std::array<char, 4096> buffer{};
    passwd entry{};
    passwd* found = nullptr;
    ::getpwuid_r(::getuid(), &entry, buffer.data(), buffer.size(), &found);
    if (found == nullptr || found->pw_dir == nullptr) return std::nullopt;
    return found->pw_dir;
  };
}

std::string hub_cache_folder(const Environment& environment) {
  const auto folder = [&](const char* name, std::string_view inside) -> std::optional<std::string> {
    const std::optional<std::string> value = environment(name);
    if (!value || value->empty()) return std::nullopt;
    return expand_variables(expand_home(*value, environment), environment) + std::string(inside);
  };
  if (auto cache = folder("HF_HUB_CACHE", "")) return *cache;
  if (auto cache = folder("HUGGINGFACE_HUB_CACHE", "")) return *cache;
  if (auto cache = folder("HF_HOME", "/hub")) return *cache;
  if (auto cache = folder("XDG_CACHE_HOME", "/huggingface/hub")) return *cache;
  return expand_home("~/.cache/huggingface/hub", environment);
}

Result<ModelReference> resolve_model(std::string_view reference, const Environment& environment) {
  if (reference.empty()) return bad_input("the model reference is empty");
  if (reference.size() > kLongestReference || reference.find('\0') != std::string_view::npos) {
    return bad_input("the model reference is not a possible name");
  }
  if (looks_like_path(reference)) return resolve_path(reference, environment);
  if (is_file(std::string(reference) + "/config.json")) {
    const std::string folder(reference);
    return ModelReference{ModelKind::kFolder, folder, folder, {}, {}};
  }
  for (const std::string_view name : preset_names()) {
    if (name == reference) {
      return ModelReference{ModelKind::kPreset, std::string(name), {}, std::string(name), {}};
    }
  }
  const std::size_t at = reference.find('@');
  const std::string_view id = reference.substr(0, at);
  const std::string_view revision =
      at == std::string_view::npos ? std::string_view("main") : reference.substr(at + 1);
  if (!is_hub_id(id) || !is_revision(revision)) {
    return bad_input(
        fmt::format("'{}' is not a folder, a preset or a hub id", reference.substr(0, 200)),
        suggestion(reference, preset_names()));
  }
  return resolve_hub(reference, id, revision, environment);
}

}  // namespace ridgeline::catalog
