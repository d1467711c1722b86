// Finds and merges the safetensors files of a model folder.
#include "engines/native/checkpoint/checkpoint.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <filesystem>
#include <iterator>
#include <set>
#include <system_error>
#include <utility>

#include "engines/native/checkpoint/safetensors_header.hpp"
#include "engines/native/checkpoint/shard_index.hpp"

namespace ridgeline::native {
namespace {

namespace fs = std::filesystem;

constexpr const char* kSingle = "model.safetensors";
constexpr const char* kIndex = "model.safetensors.index.json";

bool exists(const std::string& path) {
  std::error_code ignored;
  return fs::exists(path, ignored);
}

Error no_safetensors(const std::string& folder, const std::vector<std::string>& names) {
  for (const std::string& name : names) {
    const bool other_format = name.ends_with(".bin") || name.ends_with(".pt") ||
                              name.ends_with(".pth") || name.ends_with(".h5") ||
                              name.ends_with(".msgpack") || name.ends_with(".gguf") ||
                              name.ends_with(".bin.index.json");
    if (!other_format) continue;
    return unsupported(
        fmt::format("{}: weights only as {}", folder, name),
        "convert to safetensors (load it with transformers, then save_pretrained), or use a "
        "revision that has model.safetensors");
  }
  return bad_input(fmt::format("{}: no {} there", folder, kSingle),
                   "download the weights, or use --weights synthetic");
}

/// The only *.safetensors of a folder that follows no naming convention.
Result<std::string> only_safetensors(const std::string& folder) {
  std::error_code error;
  std::vector<std::string> names;
  for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
    names.push_back(it->path().filename().string());
  }
  if (error) return bad_input(fmt::format("cannot list {}: {}", folder, error.message()));
  std::sort(names.begin(), names.end());
  std::vector<std::string> candidates;
  std::copy_if(names.begin(), names.end(), std::back_inserter(candidates),
               [](const std::string& name) { return name.ends_with(".safetensors"); });
  if (candidates.empty()) return no_safetensors(folder, names);
  if (candidates.size() > 1) {
    candidates.resize(std::min<std::size_t>(candidates.size(), 4));
    return bad_input(fmt::format("{}: several safetensors files ({}, …) and no {}", folder,
                                 fmt::join(candidates, ", "), kIndex),
                     fmt::format("name the one to use {}", kSingle));
  }
  return fmt::format("{}/{}", folder, candidates.front());
}

}  // namespace

Status Checkpoint::add_file(const std::string& path) {
  RIDGELINE_TRY(SafetensorsFile file, SafetensorsFile::open(path));
  for (const auto& [name, view] : file.tensors()) {
    if (!tensors_.emplace(name, view).second) {
      return bad_input(
          fmt::format("{}: tensor {} is in another shard too", path, quoted_name(name)));
    }
    total_bytes_ += static_cast<std::int64_t>(view.bytes.size());
  }
  files_.push_back(std::move(file));
  paths_.push_back(path);
  return {};
}

Result<Checkpoint> Checkpoint::open(const std::string& folder) {
  Checkpoint checkpoint;
  const std::string single_path = fmt::format("{}/{}", folder, kSingle);
  const std::string index_path = fmt::format("{}/{}", folder, kIndex);
  if (exists(single_path)) {
    RIDGELINE_CHECK(checkpoint.add_file(single_path));
    return checkpoint;
  }
  if (!exists(index_path)) {
    RIDGELINE_TRY(const std::string path, only_safetensors(folder));
    RIDGELINE_CHECK(checkpoint.add_file(path));
    return checkpoint;
  }
  RIDGELINE_TRY(const WeightMap weights, read_shard_index(index_path));
  std::set<std::string> shards;
  for (const auto& [name, shard] : weights) shards.insert(shard);
  for (const std::string& shard : shards) {
    const std::string path = fmt::format("{}/{}", folder, shard);
    if (!exists(path)) {
      return bad_input(fmt::format("{}: shard {} is missing", folder, quoted_name(shard)),
                       "the download may be incomplete: download the model again");
    }
    RIDGELINE_CHECK(checkpoint.add_file(path));
  }
  // Every shard is mapped and none repeats a name, so the index is right when each name is found in
  // the file it points to.
  for (const auto& [name, shard] : weights) {
    const auto at = static_cast<std::size_t>(std::distance(shards.begin(), shards.find(shard)));
    if (!checkpoint.files_[at].tensors().contains(name)) {
      return bad_input(fmt::format("{}: tensor {} is not in {}, where the index puts it", folder,
                                   quoted_name(name), quoted_name(shard)));
    }
  }
  return checkpoint;
}

const TensorView* Checkpoint::find(std::string_view name) const {
  const auto it = tensors_.find(name);
  return it == tensors_.end() ? nullptr : &it->second;
}

void Checkpoint::advise(MapAdvice advice) const {
  for (const SafetensorsFile& file : files_) file.mapping().advise(advice);
}

}  // namespace ridgeline::native
