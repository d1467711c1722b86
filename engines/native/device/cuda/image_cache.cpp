// Files of compiled kernels: one line that says what follows and its hash, then the code.
#include "engines/native/device/cuda/image_cache.hpp"

#include <fmt/format.h>

#include <filesystem>
#include <optional>

#include "base/cache_folder.hpp"
#include "base/file.hpp"
#include "base/hash.hpp"

namespace ridgeline::native::cuda {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kMagic = "ridgeline-kernel 1";

std::string header_of(const Image& image) {
  return fmt::format("{} {} {} {}\n", kMagic, image.is_ptx ? "ptx" : "cubin", image.arch,
                     hash64_hex(image.bytes));
}

// The image of a file that is whole, else nothing.
std::optional<Image> read_image(const std::string& path) {
  const auto text = read_text_file(path);
  if (!text) return std::nullopt;
  const std::size_t end = text->find('\n');
  if (end == std::string::npos || !text->starts_with(kMagic)) return std::nullopt;
  Image image;
  image.bytes = text->substr(end + 1);
  const std::string first = text->substr(0, end);
  image.is_ptx = first.find(" ptx ") != std::string::npos;
  const std::size_t arch = first.find_last_of(' ');
  const std::size_t kind = first.find_last_of(' ', arch - 1);
  image.arch = first.substr(kind + 1, arch - kind - 1);
  if (header_of(image) != first + "\n") return std::nullopt;
  return image;
}

}  // namespace

Result<Image> compile_once(const Nvrtc& nvrtc, const std::string& source, const std::string& name,
                           Capability device, const std::string& folder) {
  const std::string key =
      hash64_hex(fmt::format("{}\n{}\n{}\n{}", name, device.digits(), nvrtc.version(), source));
  const std::string path = fmt::format("{}/{}-sm_{}.kernel", folder, key, device.digits());
  if (auto kept = read_image(path)) return std::move(*kept);
  RIDGELINE_TRY(Image image, nvrtc.compile(source, name, device));
  std::error_code failed;
  fs::create_directories(folder, failed);
  if (!failed) (void)write_text_file(path, header_of(image) + image.bytes);
  return image;
}

Result<Image> compile_once(const Nvrtc& nvrtc, const std::string& source, const std::string& name,
                           Capability device) {
  const auto folder = cache_folder();
  if (!folder) return nvrtc.compile(source, name, device);
  return compile_once(nvrtc, source, name, device, *folder + "/kernels");
}

}  // namespace ridgeline::native::cuda
