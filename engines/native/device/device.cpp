// Opening devices by name.
#include "engines/native/device/device.hpp"

#include <ATen/Context.h>
#include <c10/core/impl/VirtualGuardImpl.h>
#include <dlfcn.h>
#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <future>

#include "base/clock.hpp"

namespace ridgeline::native {
namespace {

struct DtypeRow {
  std::string_view name;
  c10::ScalarType dtype;
};

constexpr std::array kDtypes = {
    DtypeRow{"float32", c10::ScalarType::Float},
    DtypeRow{"bfloat16", c10::ScalarType::BFloat16},
    DtypeRow{"float16", c10::ScalarType::Half},
};

// Nanoseconds that loading the CUDA half took.
std::int64_t cuda_ns = 0;

void* open_cuda() {
  const std::int64_t begin = now_ns();
  void* const library = ::dlopen("libtorch_cuda.so", RTLD_NOW | RTLD_GLOBAL);
  cuda_ns = now_ns() - begin;
  return library;
}

// The CUDA half is a gigabyte: it is loaded only when a CUDA device is asked for. Found through the
// RPATH of this program, which points into the wheel.
Status load_cuda() {
  static void* const library = open_cuda();
  if (library != nullptr && at::globalContext().hasCUDA()) return {};
  if (library == nullptr) {
    return environment_error("no CUDA support in this torch build",
                             "install a CUDA build of torch and build Ridgeline against it");
  }
  return environment_error("no CUDA device or driver found", "check `nvidia-smi`");
}

// Makes the context of a device on another thread, by the driver alone: it takes a part of a second
// in which this thread loads the CUDA half, which then finds it made. Whatever fails here fails
// again at the first use, where somebody listens.
std::future<void> make_context(int ordinal) {
  // Without a device node the driver would only load modules to find nothing.
  if (::access("/dev/nvidiactl", F_OK) != 0) return {};
  // Never closed. All functions are found now: the loader keeps other threads out while it loads.
  void* const driver = ::dlopen("libcuda.so.1", RTLD_NOW | RTLD_LOCAL);
  if (driver == nullptr) return {};
  auto* const init = reinterpret_cast<int (*)(unsigned)>(::dlsym(driver, "cuInit"));
  auto* const get = reinterpret_cast<int (*)(int*, int)>(::dlsym(driver, "cuDeviceGet"));
  auto* const retain =
      reinterpret_cast<int (*)(void**, int)>(::dlsym(driver, "cuDevicePrimaryCtxRetain"));
  if (init == nullptr || get == nullptr || retain == nullptr) return {};
  return std::async(std::launch::async, [init, get, retain, ordinal] {
    int device = 0;
    void* context = nullptr;
    if (init(0) == 0 && get(&device, ordinal) == 0) retain(&context, device);
  });
}

}  // namespace

Result<c10::Device> open_device(std::string_view text) {
  if (text == "cpu") return c10::Device(c10::kCPU);
  constexpr std::string_view kCuda = "cuda";
  if (!text.starts_with(kCuda)) {
    return bad_input(fmt::format("unknown device '{}'", text), "use cpu or cuda:N");
  }
  int index = 0;
  if (text.size() > kCuda.size()) {
    const char* end = text.data() + text.size();
    const auto parsed = std::from_chars(text.data() + kCuda.size() + 1, end, index);
    if (text[kCuda.size()] != ':' || parsed.ec != std::errc() || parsed.ptr != end || index < 0 ||
        index > 127) {
      return bad_input(fmt::format("unknown device '{}'", text), "use cpu or cuda:N");
    }
  }
  const std::future<void> context = make_context(index);
  RIDGELINE_CHECK(load_cuda());
  const c10::impl::VirtualGuardImpl guard(c10::kCUDA);
  if (index >= guard.deviceCount()) {
    return environment_error(
        fmt::format("no device cuda:{}: {} found", index, guard.deviceCount()));
  }
  return c10::Device(c10::kCUDA, static_cast<c10::DeviceIndex>(index));
}

std::int64_t cuda_load_ns() {
  return cuda_ns;
}

void synchronize(c10::Device device) {
  if (device.is_cpu() || device.is_meta()) return;
  const c10::impl::VirtualGuardImpl guard(device.type());
  guard.synchronizeDevice(device.index());
}

Result<c10::ScalarType> dtype_from(std::string_view text) {
  for (const DtypeRow& row : kDtypes) {
    if (row.name == text) return row.dtype;
  }
  return bad_input(fmt::format("unknown dtype '{}'", text), "use float32, bfloat16 or float16");
}

std::string_view name_of(c10::ScalarType dtype) {
  for (const DtypeRow& row : kDtypes) {
    if (row.dtype == dtype) return row.name;
  }
  return c10::toString(dtype);
}

}  // namespace ridgeline::native
