// Libraries opened while the program runs: those of vendors, which most machines lack.
#pragma once

#include <string>

#include "base/error.hpp"

namespace ridgeline {

/// An open shared library; closed with the object. Functions found in it must not outlive it.
class DynamicLibrary {
 public:
  /// `name` is a path, or a file name that the system's loader looks for ("libnvidia-ml.so.1").
  /// The error says in one line what the loader said.
  static Result<DynamicLibrary> open(const std::string& name);

  DynamicLibrary(DynamicLibrary&& other) noexcept;
  DynamicLibrary& operator=(DynamicLibrary&& other) noexcept;
  DynamicLibrary(const DynamicLibrary&) = delete;
  DynamicLibrary& operator=(const DynamicLibrary&) = delete;
  ~DynamicLibrary();

  /// The address of a symbol; null where the library has none of that name.
  void* find(const char* symbol) const;

  /// The same as a function: library.function<int(double)>("f"). The caller vouches for the type.
  template <typename Signature>
  Signature* function(const char* symbol) const {
    return reinterpret_cast<Signature*>(find(symbol));
  }

  /// As it was opened.
  const std::string& name() const { return name_; }

 private:
  DynamicLibrary(void* handle, std::string name) : handle_(handle), name_(std::move(name)) {}

  void* handle_;
  std::string name_;
};

}  // namespace ridgeline
