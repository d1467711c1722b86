// Device names to PCI addresses.
#include "measure/engine_device.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "telemetry/device_match.hpp"

namespace ridgeline::measure {

std::string device_address(const Json& hello, std::string_view device) {
  const auto devices = hello.is_object() ? hello.find("devices") : hello.end();
  if (devices == hello.end() || !devices->is_array()) return {};
  for (const Json& entry : *devices) {
    if (!entry.is_object() || !entry.contains("pci_address")) continue;
    const Json kind = entry.value("kind", Json());
    const Json ordinal = entry.value("ordinal", Json());
    const Json address = entry.at("pci_address");
    if (!kind.is_string() || !ordinal.is_number_integer() || !address.is_string()) continue;
    const std::string name =
        fmt::format("{}:{}", kind.get<std::string>(), ordinal.get<std::int64_t>());
    // "cuda" alone is the first one.
    const bool is_first = ordinal.get<std::int64_t>() == 0 && device == kind.get<std::string>();
    if (name == device || is_first) {
      return telemetry::normalize_pci_address(address.get<std::string>());
    }
  }
  return {};
}

}  // namespace ridgeline::measure
