// Finds libnvrtc and calls it; its functions are declared here as nvrtc.h of CUDA 12 and 13 has
// them.
#include "engines/native/device/cuda/nvrtc.hpp"

#include <dlfcn.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <climits>
#include <filesystem>

namespace ridgeline::native::cuda {

struct Nvrtc::Functions {
  using Program = void*;
  int (*version)(int* major, int* minor);
  int (*count_architectures)(int* count);
  int (*architectures)(int* list);
  int (*create)(Program* program, const char* source, const char* name, int headers,
                const char* const* header_sources, const char* const* header_names);
  int (*destroy)(Program* program);
  int (*compile)(Program program, int count, const char* const* options);
  int (*cubin_size)(Program program, std::size_t* size);
  int (*cubin)(Program program, char* bytes);
  int (*ptx_size)(Program program, std::size_t* size);
  int (*ptx)(Program program, char* bytes);
  int (*log_size)(Program program, std::size_t* size);
  int (*log)(Program program, char* text);
  const char* (*describe)(int result);

  // The name of the first function that the library lacks; empty when all are there.
  std::string_view find_in(const DynamicLibrary& library) {
    const auto find = [&](auto*& function, const char* symbol) {
      function = library.function<std::remove_reference_t<decltype(*function)>>(symbol);
      return function != nullptr;
    };
    if (!find(version, "nvrtcVersion")) return "nvrtcVersion";
    if (!find(count_architectures, "nvrtcGetNumSupportedArchs")) return "nvrtcGetNumSupportedArchs";
    if (!find(architectures, "nvrtcGetSupportedArchs")) return "nvrtcGetSupportedArchs";
    if (!find(create, "nvrtcCreateProgram")) return "nvrtcCreateProgram";
    if (!find(destroy, "nvrtcDestroyProgram")) return "nvrtcDestroyProgram";
    if (!find(compile, "nvrtcCompileProgram")) return "nvrtcCompileProgram";
    if (!find(cubin_size, "nvrtcGetCUBINSize")) return "nvrtcGetCUBINSize";
    if (!find(cubin, "nvrtcGetCUBIN")) return "nvrtcGetCUBIN";
    if (!find(ptx_size, "nvrtcGetPTXSize")) return "nvrtcGetPTXSize";
    if (!find(ptx, "nvrtcGetPTX")) return "nvrtcGetPTX";
    if (!find(log_size, "nvrtcGetProgramLogSize")) return "nvrtcGetProgramLogSize";
    if (!find(log, "nvrtcGetProgramLog")) return "nvrtcGetProgramLog";
    if (!find(describe, "nvrtcGetErrorString")) return "nvrtcGetErrorString";
    return {};
  }

  // Text or code that comes with a size of its own.
  static std::string fetch(int (*size_of)(Program, std::size_t*), int (*get)(Program, char*),
                           Program program) {
    std::size_t size = 0;
    if (size_of(program, &size) != 0) return {};
    std::string bytes(size, '\0');
    return get(program, bytes.data()) == 0 ? bytes : std::string();
  }
};

namespace {

namespace fs = std::filesystem;

constexpr std::array kSonames = {"libnvrtc.so.13", "libnvrtc.so.12"};
constexpr std::size_t kLogInErrors = 300;

// The line of a log that says what is wrong, or the first one.
std::string_view complaint(std::string_view log) {
  const std::size_t error = log.find("error");
  const std::size_t begin = error == std::string_view::npos ? 0 : log.rfind('\n', error) + 1;
  return log.substr(begin, std::min(log.find('\n', begin) - begin, kLogInErrors));
}

// Where the wheels of NVIDIA keep their libraries, beside the torch that this program has loaded:
// nvidia/cu13/lib since CUDA 13, nvidia/cuda_nvrtc/lib before.
std::vector<std::string> wheel_folders() {
  std::vector<std::string> folders;
  void* c10 = ::dlopen("libc10.so", RTLD_LAZY | RTLD_NOLOAD);
  if (c10 == nullptr) return folders;
  std::array<char, PATH_MAX> origin{};
  if (::dlinfo(c10, RTLD_DI_ORIGIN, origin.data()) == 0) {
    // site-packages/torch/lib
    const fs::path site = fs::path(origin.data()).parent_path().parent_path();
    std::error_code failed;
    fs::directory_iterator entry(site / "nvidia", failed);
    for (; !failed && entry != fs::directory_iterator(); entry.increment(failed)) {
      folders.push_back((entry->path() / "lib").string());
    }
  }
  ::dlclose(c10);
  std::sort(folders.begin(), folders.end());
  return folders;
}

// What is tried, in this order.
std::vector<std::string> candidates(std::span<const std::string> folders) {
  std::vector<std::string> paths;
  const auto add = [&](const std::string& folder) {
    for (const char* soname : kSonames) paths.push_back((fs::path(folder) / soname).string());
  };
  for (const std::string& folder : folders) add(folder);
  paths.insert(paths.end(), kSonames.begin(), kSonames.end());
  for (const std::string& folder : wheel_folders()) add(folder);
  add("/usr/local/cuda/lib64");
  return paths;
}

}  // namespace

std::string Capability::digits() const {
  return fmt::format("{}{}", major, minor);
}

Nvrtc::Nvrtc(DynamicLibrary library, std::shared_ptr<const Functions> functions)
    : library_(std::move(library)), functions_(std::move(functions)) {}

Result<Nvrtc> Nvrtc::open(std::span<const std::string> folders) {
  for (const std::string& path : candidates(folders)) {
    auto library = DynamicLibrary::open(path);
    if (!library) continue;
    auto functions = std::make_shared<Functions>();
    if (const std::string_view lacks = functions->find_in(*library); !lacks.empty()) {
      return environment_error(fmt::format("{} has no {}", path, lacks),
                               "install the NVRTC of CUDA 12 or 13");
    }
    Nvrtc opened(std::move(*library), std::move(functions));
    const fs::path beside = fs::path(path).parent_path();
    auto builtins = DynamicLibrary::open(
        (beside / fmt::format("libnvrtc-builtins.so.{}", opened.version())).string());
    if (builtins) opened.builtins_ = std::move(*builtins);
    return opened;
  }
  return environment_error(
      fmt::format("{} was not found: kernels cannot be compiled", fmt::join(kSonames, " or ")),
      "install the nvidia-cuda-nvrtc wheel of this torch, or add its folder to LD_LIBRARY_PATH");
}

std::string Nvrtc::version() const {
  int major = 0;
  int minor = 0;
  functions_->version(&major, &minor);
  return fmt::format("{}.{}", major, minor);
}

std::vector<int> Nvrtc::architectures() const {
  int count = 0;
  if (functions_->count_architectures(&count) != 0 || count < 1 || count > 1000) return {};
  std::vector<int> list(static_cast<std::size_t>(count));
  if (functions_->architectures(list.data()) != 0) return {};
  std::sort(list.begin(), list.end());
  return list;
}

Result<Image> Nvrtc::compile(const std::string& source, const std::string& name, Capability device,
                             std::span<const std::string> options) const {
  const std::vector<int> known = architectures();
  const int wanted = device.major * 10 + device.minor;
  const bool exact = std::binary_search(known.begin(), known.end(), wanted);
  const auto below = std::lower_bound(known.begin(), known.end(), wanted);
  if (!exact && below == known.begin()) {
    return unsupported(fmt::format("NVRTC {} compiles for no device as old as {}.{}", version(),
                                   device.major, device.minor));
  }
  Image image;
  image.is_ptx = !exact;
  image.arch = exact ? fmt::format("sm_{}", wanted) : fmt::format("compute_{}", *(below - 1));

  std::vector<std::string> spelled = {fmt::format("--gpu-architecture={}", image.arch),
                                      "--std=c++17"};
  spelled.insert(spelled.end(), options.begin(), options.end());
  std::vector<const char*> given;
  for (const std::string& option : spelled) given.push_back(option.c_str());

  Functions::Program program = nullptr;
  int result = functions_->create(&program, source.c_str(), name.c_str(), 0, nullptr, nullptr);
  if (result == 0) {
    result = functions_->compile(program, static_cast<int>(given.size()), given.data());
    image.log = Functions::fetch(functions_->log_size, functions_->log, program);
    while (!image.log.empty() && image.log.back() == '\0') image.log.pop_back();
    if (result == 0) {
      image.bytes = exact ? Functions::fetch(functions_->cubin_size, functions_->cubin, program)
                          : Functions::fetch(functions_->ptx_size, functions_->ptx, program);
    }
    functions_->destroy(&program);
  }
  if (result != 0 || image.bytes.empty()) {
    return Error{ErrorClass::kInternal,
                 fmt::format("NVRTC cannot compile {}: {}: {}", name, functions_->describe(result),
                             complaint(image.log))};
  }
  return image;
}

}  // namespace ridgeline::native::cuda
