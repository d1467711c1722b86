// Identity of CUDA devices by the driver's own library, opened at run time.
#include "engines/native/device/identity.hpp"

#include <dlfcn.h>
#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <nlohmann/json.hpp>

namespace ridgeline::native {
namespace {

// Of cuda.h (CUDA driver API): results are 0 for success, handles are ints.
struct Driver {
  int (*init)(unsigned flags) = nullptr;
  int (*count)(int* count) = nullptr;
  int (*get)(int* device, int ordinal) = nullptr;
  int (*name)(char* name, int length, int device) = nullptr;
  int (*uuid)(unsigned char* bytes, int device) = nullptr;
  int (*pci)(char* id, int length, int device) = nullptr;
  int (*memory)(std::size_t* bytes, int device) = nullptr;
};

template <typename Function>
bool find(void* library, const char* symbol, Function*& function) {
  function = reinterpret_cast<Function*>(::dlsym(library, symbol));
  return function != nullptr;
}

bool open_driver(Driver& driver) {
  // Without a device node the driver would only load modules to find nothing.
  if (::access("/dev/nvidiactl", F_OK) != 0) return false;
  void* library = ::dlopen("libcuda.so.1", RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) return false;
  const bool complete =
      find(library, "cuInit", driver.init) && find(library, "cuDeviceGetCount", driver.count) &&
      find(library, "cuDeviceGet", driver.get) && find(library, "cuDeviceGetName", driver.name) &&
      (find(library, "cuDeviceGetUuid_v2", driver.uuid) ||
       find(library, "cuDeviceGetUuid", driver.uuid)) &&
      find(library, "cuDeviceGetPCIBusId", driver.pci) &&
      find(library, "cuDeviceTotalMem_v2", driver.memory);
  return complete && driver.init(0) == 0;
}

std::string uuid_text(const std::array<unsigned char, 16>& bytes) {
  std::string text = "GPU-";
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) text += '-';
    text += fmt::format("{:02x}", bytes[i]);
  }
  return text;
}

Json describe(const Driver& driver, int ordinal) {
  Json entry = {{"kind", "cuda"}, {"ordinal", ordinal}};
  int device = 0;
  if (driver.get(&device, ordinal) != 0) return entry;
  std::array<char, 256> text{};
  std::array<unsigned char, 16> uuid{};
  std::size_t bytes = 0;
  constexpr int kLength = 255;
  if (driver.name(text.data(), kLength, device) == 0) entry["name"] = text.data();
  if (driver.uuid(uuid.data(), device) == 0) entry["uuid"] = uuid_text(uuid);
  text = {};
  if (driver.pci(text.data(), kLength, device) == 0) entry["pci_address"] = text.data();
  if (driver.memory(&bytes, device) == 0) entry["memory"] = bytes;
  return entry;
}

Json read_devices() {
  Json devices = Json::array();
  devices.push_back({{"kind", "cpu"}, {"ordinal", 0}, {"name", "cpu"}});
  Driver driver;
  int count = 0;
  if (!open_driver(driver) || driver.count(&count) != 0) return devices;
  for (int ordinal = 0; ordinal < count; ++ordinal) devices.push_back(describe(driver, ordinal));
  return devices;
}

}  // namespace

Json list_devices() {
  static const Json devices = read_devices();
  return devices;
}

}  // namespace ridgeline::native
