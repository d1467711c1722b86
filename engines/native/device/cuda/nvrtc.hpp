// Compiling CUDA source while the program runs, with NVIDIA's library for that.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/dynamic_library.hpp"
#include "base/error.hpp"

namespace ridgeline::native::cuda {

/// A compute capability: 9.0 is {9, 0}.
struct Capability {
  int major = 0;
  int minor = 0;

  /// "90": as compilers spell it.
  std::string digits() const;
};

/// Code that the driver can load.
struct Image {
  std::string bytes;      ///< a cubin, or PTX text with its closing NUL
  bool is_ptx = false;    ///< the driver compiles it once more, for its own device
  std::string log = {};   ///< what the compiler said: warnings
  std::string arch = {};  ///< "sm_90", "compute_90"
};

/// libnvrtc, opened at run time: a program with it runs on machines without.
class Nvrtc {
 public:
  /// Looks in `folders` first, then where the system's loader looks, then in the wheels beside
  /// torch and in /usr/local/cuda. The error names what was tried and how to get it.
  static Result<Nvrtc> open(std::span<const std::string> folders = {});

  /// Compiles one source for a device. A device newer than the library gets PTX of the newest
  /// architecture that the library knows. `name` stands in messages; `options` are added to the
  /// architecture and the language standard (C++17). An error of the source is internal, with the
  /// first lines of the log.
  Result<Image> compile(const std::string& source, const std::string& name, Capability device,
                        std::span<const std::string> options = {}) const;

  /// "13.0".
  std::string version() const;
  /// Capabilities that it compiles for, ascending: 75, 80, …
  std::vector<int> architectures() const;

 private:
  struct Functions;

  Nvrtc(DynamicLibrary library, std::shared_ptr<const Functions> functions);

  DynamicLibrary library_;
  /// A second library that the first one opens by its bare name, which the loader finds only when
  /// it is open already or lies in its search path.
  std::optional<DynamicLibrary> builtins_;
  std::shared_ptr<const Functions> functions_;
};

}  // namespace ridgeline::native::cuda
