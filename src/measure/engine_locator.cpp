// Finds engine workers beside the running program, and Python for those that need it.
#include "measure/engine_locator.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>

#include "measure/engine_name.hpp"
#include "measure/range_list.hpp"

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

Result<std::string> locate_engine(const std::string& engine) {
  const EngineName name = parse_engine(engine);
  if (name.is_path()) {
    if (is_program(name.program)) return name.program;
    return environment_error(fmt::format("engine {} is not a program", name.program));
  }
  const fs::path path = own_folder() / (std::string(kPrefix) + name.program);
  if (is_program(path)) return path.string();
  const std::vector<std::string> there = installed_engines();
  return environment_error(
      fmt::format("engine '{}' is not installed beside ridgeline", name.program),
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

Result<protocol::WorkerCommand> engine_command(const std::string& engine,
                                               const std::string& python) {
  protocol::WorkerCommand command;
  RIDGELINE_TRY(const std::string program, locate_engine(engine));
  command.argv = {program};
  if (!python.empty()) command.environment = {{"RIDGELINE_ENGINE_PYTHON", python}};
  return command;
}

Result<std::string> find_python(const std::string& python, std::string_view where) {
  std::vector<fs::path> candidates;
  if (python.find('/') != std::string::npos) {
    candidates.emplace_back(python);
  } else if (const char* path = std::getenv("PATH"); path != nullptr) {
    const std::string_view folders(path);
    for (std::size_t from = 0; from <= folders.size();) {
      const std::size_t to = std::min(folders.find(':', from), folders.size());
      candidates.push_back(fs::path(folders.substr(from, to - from)) / python);
      from = to + 1;
    }
  }
  for (const fs::path& candidate : candidates) {
    if (!is_program(candidate)) continue;
    std::error_code failure;
    const fs::path absolute = fs::absolute(candidate, failure);
    return failure ? candidate.string() : absolute.string();
  }
  return bad_input(fmt::format("{}: {} is no program that can be run", where, in_quotes(python)),
                   "give the Python of the environment with torch and transformers, as "
                   "venv/bin/python");
}

}  // namespace ridgeline::measure
