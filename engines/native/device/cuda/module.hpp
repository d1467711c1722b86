// Kernels compiled at run time: loading them, and launching them on torch's current stream.
#pragma once

#include <c10/core/Stream.h>

#include <array>
#include <string>

#include "base/error.hpp"
#include "engines/native/device/cuda/driver.hpp"
#include "engines/native/device/cuda/nvrtc.hpp"

namespace ridgeline::native::cuda {

/// How a kernel is spread out.
struct Grid {
  unsigned blocks = 1;
  unsigned threads = 1;
  unsigned shared_bytes = 0;  ///< dynamic
  /// The kernel may start while the one before it still runs: its source waits where it must.
  bool overlap = false;
};

/// A kernel of a Module, which must outlive it.
class Kernel {
 public:
  /// Hands the kernel over to a stream of its device and returns at once. Arguments are copied;
  /// their types must be exactly those of the kernel's parameters (pointers, std::int64_t, float,
  /// …).
  template <typename... Arguments>
  Status launch(const Grid& grid, const c10::Stream& stream, Arguments... arguments) const {
    std::array<void*, sizeof...(Arguments) + 1> pointers = {static_cast<void*>(&arguments)...,
                                                            nullptr};
    return launch_raw(grid, stream.native_handle(), pointers.data());
  }
  Status launch_raw(const Grid& grid, void* stream, void** arguments) const;

  Result<int> attribute(KernelAttribute attribute) const;

  /// Lets launches ask for that much dynamic shared memory: above 48 KiB a kernel must be told.
  Status allow_shared(unsigned bytes) const;

  /// Blocks of that shape that one multiprocessor holds at a time.
  Result<int> blocks_on_multiprocessor(unsigned threads, unsigned shared_bytes = 0) const;

 private:
  friend class Module;
  Kernel(const Driver* driver, void* function, std::string name)
      : driver_(driver), function_(function), name_(std::move(name)) {}

  const Driver* driver_;
  void* function_;
  std::string name_;
};

/// An image in the memory of the current device. Work that uses it must be done before it goes.
class Module {
 public:
  static Result<Module> load(const Image& image);

  Module(Module&& other) noexcept;
  Module& operator=(Module&&) = delete;
  Module(const Module&) = delete;
  Module& operator=(const Module&) = delete;
  ~Module();

  /// The kernel of an unmangled name (extern "C").
  Result<Kernel> kernel(const std::string& name) const;

 private:
  Module(const Driver* driver, void* handle) : driver_(driver), handle_(handle) {}

  const Driver* driver_;
  void* handle_;
};

/// The stream that torch's own calls on that device use now.
c10::Stream current_stream(c10::Device device);

/// What NVRTC is told about a device; the driver must know it.
Result<Capability> capability_of(c10::Device device);

/// Compiles a source for a device and loads it there. The compiled code is kept on disk under the
/// hash of source, architecture and compiler version.
Result<Module> compile_module(const std::string& source, const std::string& name,
                              c10::Device device);

}  // namespace ridgeline::native::cuda
