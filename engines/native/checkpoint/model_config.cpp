// Reads config.json.
#include "engines/native/checkpoint/model_config.hpp"

#include <fmt/format.h>
#include <sys/stat.h>

#include <nlohmann/json.hpp>

namespace ridgeline::native {
namespace {

constexpr std::uint64_t kMaxConfigBytes = 16ull << 20;

}  // namespace

Result<Json> read_model_config(const std::string& folder) {
  const std::string path = folder + "/config.json";
  struct stat info{};
  // Also keeps a FIFO or a device of that name from being opened.
  if (::stat(path.c_str(), &info) != 0 || !S_ISREG(info.st_mode)) {
    return bad_input(fmt::format("{}: no config.json there", folder),
                     "give the folder of a Hugging Face model");
  }
  if (static_cast<std::uint64_t>(info.st_size) > kMaxConfigBytes) {
    return bad_input(fmt::format("{} is larger than {} bytes", path, kMaxConfigBytes));
  }
  RIDGELINE_TRY(Json config, read_json_file(path, kMaxConfigBytes));
  if (!config.is_object()) return bad_input(fmt::format("{}: not a JSON object", path));
  return config;
}

Result<std::string> model_type_of(const Json& config, std::string_view what) {
  return get_string(config, "model_type", what);
}

Result<std::vector<std::string>> architectures_of(const Json& config, std::string_view what) {
  const auto wrong = [&] {
    return bad_input(fmt::format("{}: 'architectures' must be a list of class names", what),
                     "give one with --architecture");
  };
  if (!config.is_object() || !config.contains("architectures")) return wrong();
  const Json& list = config["architectures"];
  if (!list.is_array() || list.empty()) return wrong();
  std::vector<std::string> names;
  for (const Json& name : list) {
    if (!name.is_string()) return wrong();
    names.push_back(name.get<std::string>());
  }
  return names;
}

Result<std::optional<std::string>> saved_dtype_of(const Json& config, std::string_view what) {
  RIDGELINE_TRY(std::string name, get_string(config, "dtype", what, ""));
  if (name.empty()) {
    RIDGELINE_TRY(name, get_string(config, "torch_dtype", what, ""));
  }
  if (name.starts_with("torch.")) name.erase(0, 6);
  return name.empty() ? std::optional<std::string>() : std::optional(name);
}

}  // namespace ridgeline::native
