// Modules of the driver interface, and torch's streams.
#include "engines/native/device/cuda/module.hpp"

#include <c10/core/impl/VirtualGuardImpl.h>
#include <fmt/format.h>

#include <utility>

#include "engines/native/device/cuda/image_cache.hpp"

namespace ridgeline::native::cuda {
namespace {

// CUjit_option of cuda.h.
constexpr int kErrorLogBuffer = 5;
constexpr int kErrorLogBufferBytes = 6;
constexpr std::size_t kLogBytes = 4096;

}  // namespace

Status Kernel::launch_raw(const Grid& grid, void* stream, void** arguments) const {
  LaunchAttribute overlap;
  overlap.id = LaunchAttribute::kProgrammaticStreamSerialization;
  overlap.value.number = 1;
  const LaunchConfig config = {.grid_x = grid.blocks,
                               .block_x = grid.threads,
                               .shared = grid.shared_bytes,
                               .stream = stream,
                               .attributes = grid.overlap ? &overlap : nullptr,
                               .attribute_count = grid.overlap ? 1u : 0u};
  const int result = driver_->functions().launch(&config, function_, arguments, nullptr);
  if (result != 0) return driver_->error(result, fmt::format("launching {}", name_));
  return {};
}

Result<int> Kernel::attribute(KernelAttribute attribute) const {
  int value = 0;
  const int result =
      driver_->functions().function_attribute(&value, static_cast<int>(attribute), function_);
  if (result != 0) return driver_->error(result, fmt::format("asking about {}", name_));
  return value;
}

Status Kernel::allow_shared(unsigned bytes) const {
  const int result = driver_->functions().set_function_attribute(
      function_, static_cast<int>(KernelAttribute::kMaxDynamicSharedBytes),
      static_cast<int>(bytes));
  if (result == 0) return {};
  return driver_->error(result, fmt::format("asking for {} bytes of shared memory", bytes));
}

Result<int> Kernel::blocks_on_multiprocessor(unsigned threads, unsigned shared_bytes) const {
  int blocks = 0;
  const int result =
      driver_->functions().occupancy(&blocks, function_, static_cast<int>(threads), shared_bytes);
  if (result != 0) return driver_->error(result, fmt::format("asking how {} fits", name_));
  return blocks;
}

Result<Module> Module::load(const Image& image) {
  RIDGELINE_TRY(const Driver* const driver, Driver::get());
  std::string log(kLogBytes, '\0');
  std::array<int, 2> options = {kErrorLogBuffer, kErrorLogBufferBytes};
  // Values are passed in the pointers themselves.
  std::array<void*, 2> values = {log.data(), reinterpret_cast<void*>(log.size())};
  void* handle = nullptr;
  const int result = driver->functions().module_load(&handle, image.bytes.data(), options.size(),
                                                     options.data(), values.data());
  if (result != 0) {
    Error error = driver->error(result, fmt::format("loading a kernel for {}", image.arch));
    if (log.front() != '\0') error.message.append(": ").append(log.c_str());
    return error;
  }
  return Module(driver, handle);
}

Module::Module(Module&& other) noexcept
    : driver_(other.driver_), handle_(std::exchange(other.handle_, nullptr)) {}

Module::~Module() {
  if (handle_ != nullptr) driver_->functions().module_unload(handle_);
}

Result<Kernel> Module::kernel(const std::string& name) const {
  void* function = nullptr;
  const int result = driver_->functions().module_function(&function, handle_, name.c_str());
  if (result != 0) return driver_->error(result, fmt::format("finding kernel {}", name));
  return Kernel(driver_, function, name);
}

c10::Stream current_stream(c10::Device device) {
  return c10::impl::VirtualGuardImpl(device.type()).getStream(device);
}

Result<Capability> capability_of(c10::Device device) {
  RIDGELINE_TRY(const Driver* const driver, Driver::get());
  const int ordinal = device.has_index() ? device.index() : 0;
  RIDGELINE_TRY(const int major, driver->attribute(DeviceAttribute::kMajor, ordinal));
  RIDGELINE_TRY(const int minor, driver->attribute(DeviceAttribute::kMinor, ordinal));
  return Capability{major, minor};
}

Result<Module> compile_module(const std::string& source, const std::string& name,
                              c10::Device device) {
  RIDGELINE_TRY(const Capability capability, capability_of(device));
  RIDGELINE_TRY(const Nvrtc nvrtc, Nvrtc::open());
  RIDGELINE_TRY(const Image image, compile_once(nvrtc, source, name, capability));
  return Module::load(image);
}

}  // namespace ridgeline::native::cuda
