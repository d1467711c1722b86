// Opens and closes shared libraries through the system's loader.
#include "base/dynamic_library.hpp"

#include <dlfcn.h>
#include <fmt/format.h>

#include <utility>

namespace ridgeline {

Result<DynamicLibrary> DynamicLibrary::open(const std::string& name) {
  // dlopen("") would give the program itself.
  if (name.empty()) return environment_error("cannot open a library without a name");
  // RTLD_LOCAL: two vendors' libraries may hold the same names. RTLD_NOW: what cannot be linked
  // shows here, not as a crash in the first call.
  void* handle = ::dlopen(name.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (handle == nullptr) {
    const char* said = ::dlerror();
    return environment_error(
        fmt::format("cannot open {}: {}", name, said == nullptr ? "unknown reason" : said));
  }
  return DynamicLibrary(handle, name);
}

DynamicLibrary::DynamicLibrary(DynamicLibrary&& other) noexcept
    : handle_(std::exchange(other.handle_, nullptr)), name_(std::move(other.name_)) {}

DynamicLibrary& DynamicLibrary::operator=(DynamicLibrary&& other) noexcept {
  std::swap(handle_, other.handle_);
  std::swap(name_, other.name_);
  return *this;
}

DynamicLibrary::~DynamicLibrary() {
  if (handle_ != nullptr) ::dlclose(handle_);
}

void* DynamicLibrary::find(const char* symbol) const {
  return handle_ == nullptr ? nullptr : ::dlsym(handle_, symbol);
}

}  // namespace ridgeline
