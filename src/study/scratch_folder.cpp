// mkdtemp, and the way back.
#include "study/scratch_folder.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <utility>

namespace ridgeline::study {

namespace fs = std::filesystem;

Result<ScratchFolder> ScratchFolder::create() {
  const char* given = std::getenv("TMPDIR");
  const std::string root = given != nullptr && *given != '\0' ? given : "/tmp";
  std::string path = root + "/ridgeline-XXXXXX";
  if (::mkdtemp(path.data()) == nullptr) {
    return environment_error(
        fmt::format("cannot make a folder in {}: {}", root, std::strerror(errno)),
        "set TMPDIR to a folder that can be written");
  }
  std::error_code failure;
  const fs::path absolute = fs::absolute(path, failure);
  return ScratchFolder(failure ? path : absolute.string());
}

ScratchFolder::ScratchFolder(ScratchFolder&& other) noexcept
    : path_(std::exchange(other.path_, {})) {}

ScratchFolder::~ScratchFolder() {
  std::error_code failure;
  if (!path_.empty()) fs::remove_all(path_, failure);
}

Status ScratchFolder::check_room(double bytes, const std::string& purpose) const {
  std::error_code failure;
  const fs::space_info space = fs::space(path_, failure);
  if (failure || static_cast<double>(space.available) >= bytes) return {};
  constexpr double kGiga = 1e9;
  return environment_error(fmt::format("{} takes {:.2f} GB in {}, {:.2f} GB are free", purpose,
                                       bytes / kGiga, fs::path(path_).parent_path().string(),
                                       static_cast<double>(space.available) / kGiga),
                           "set TMPDIR to a folder with more room, or verify a smaller model");
}

}  // namespace ridgeline::study
