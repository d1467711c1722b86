// Opens libridgeline-cuda.so and checks that it belongs to this program.
#include "engines/native/device/cuda/library.hpp"

#include <fmt/format.h>

#include <filesystem>
#include <string_view>
#include <vector>

#include "base/dynamic_library.hpp"

namespace ridgeline::native::cuda {
namespace {

namespace fs = std::filesystem;

constexpr const char* kRemedy =
    "build Ridgeline against a CUDA build of torch, and keep its programs in one folder";

Result<const Library*> open_beside_program() {
  std::error_code failure;
  const fs::path program = fs::read_symlink("/proc/self/exe", failure);
  if (failure) return environment_error("the folder of this program cannot be read");
  return open_library((program.parent_path() / kFileName).string());
}

}  // namespace

Result<const Library*> open_library(const std::string& path) {
  std::error_code failure;
  if (!fs::exists(path, failure)) {
    return environment_error(fmt::format("{} is not there", path), kRemedy);
  }
  auto opened = DynamicLibrary::open(path);
  if (!opened) return environment_error(opened.error().message, kRemedy);
  auto* const entry = opened->function<const Library*()>(kEntry);
  if (entry == nullptr)
    return environment_error(fmt::format("{} has no {}", path, kEntry), kRemedy);
  const Library* const found = entry();
  if (found->interface != kInterface || found->torch != std::string_view(RIDGELINE_TORCH_VERSION)) {
    return environment_error(
        fmt::format("{} was built for torch {} (interface {}), this program for {} ({})", path,
                    found->torch, found->interface, RIDGELINE_TORCH_VERSION, kInterface),
        kRemedy);
  }
  // Never closed: objects that it hands out have their code there.
  static auto* const open = new std::vector<DynamicLibrary>();
  open->push_back(std::move(*opened));
  return found;
}

Result<const Library*> library() {
  static const auto* const opened = new Result<const Library*>(open_beside_program());
  return *opened;
}

}  // namespace ridgeline::native::cuda
