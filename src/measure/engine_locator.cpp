// Finds engine workers beside the running program.
#include "measure/engine_locator.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>

namespace ridgeline::measure {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kPrefix = "ridgeline-engine-";

fs::path own_folder() {
  std::error_code failure;
  const fs::path self = fs::read_symlink("/proc/self/exe", failure);
  return failure ? fs::path(".") : self.parent_path();
}

bool is_program(const fs::path& path) {
  std::error_code failure;
  return fs::is_regular_file(path, failure) && ::access(path.c_str(), X_OK) == 0;
}

}  // namespace

Result<std::string> locate_engine(const std::string& name) {
  if (name.find('/') != std::string::npos) {
    if (is_program(name)) return name;
    return environment_error(fmt::format("engine {} is not a program", name));
  }
  const fs::path path = own_folder() / (std::string(kPrefix) + name);
  if (is_program(path)) return path.string();
  const std::vector<std::string> there = installed_engines();
  return environment_error(fmt::format("engine '{}' is not installed beside ridgeline", name),
                           there.empty() ? "build it with `make bench`"
                                         : fmt::format("installed: {}", fmt::join(there, ", ")));
}

std::vector<std::string> installed_engines() {
  std::vector<std::string> names;
  std::error_code failure;
  for (const auto& entry : fs::directory_iterator(own_folder(), failure)) {
    const std::string file = entry.path().filename().string();
    if (file.starts_with(kPrefix) && is_program(entry.path())) {
      names.push_back(file.substr(kPrefix.size()));
    }
  }
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace ridgeline::measure
