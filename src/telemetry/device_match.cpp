// Brings UUIDs and PCI addresses into one spelling and compares them.
#include "telemetry/device_match.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <system_error>

#include <fmt/format.h>

namespace ridgeline::telemetry {
namespace {

bool is_hex(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

// A whole hexadecimal number of 1 to `max_digits` digits.
std::optional<unsigned> hex_number(std::string_view text, std::size_t max_digits) {
  if (text.empty() || text.size() > max_digits || !is_hex(text.front())) return std::nullopt;
  unsigned value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, 16);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

}  // namespace

std::string normalize_uuid(std::string_view uuid) {
  std::string prefix(uuid.substr(0, 4));
  std::transform(prefix.begin(), prefix.end(), prefix.begin(), lower);
  if (prefix == "gpu-") uuid.remove_prefix(4);
  const bool dashed = uuid.size() == 36;
  if (!dashed && uuid.size() != 32) return {};
  std::string out = "GPU-";
  bool any = false;
  int digits = 0;
  for (std::size_t i = 0; i < uuid.size(); ++i) {
    if (dashed && (i == 8 || i == 13 || i == 18 || i == 23)) {
      if (uuid[i] != '-') return {};
      continue;
    }
    if (!is_hex(uuid[i])) return {};
    if (digits == 8 || digits == 12 || digits == 16 || digits == 20) out += '-';
    out += lower(uuid[i]);
    any = any || uuid[i] != '0';
    ++digits;
  }
  return any ? out : std::string();
}

std::string normalize_pci_address(std::string_view address) {
  std::array<std::string_view, 3> parts;  // domain, bus, device.function
  const auto last = address.rfind(':');
  if (last == std::string_view::npos) return {};
  parts[2] = address.substr(last + 1);
  const std::string_view front = address.substr(0, last);
  const auto first = front.rfind(':');
  parts[1] = first == std::string_view::npos ? front : front.substr(first + 1);
  // "17:00.0" has no domain.
  parts[0] = first == std::string_view::npos ? std::string_view("0") : front.substr(0, first);
  const auto dot = parts[2].find('.');
  const auto domain = hex_number(parts[0], 8);
  const auto bus = hex_number(parts[1], 2);
  const auto device = hex_number(parts[2].substr(0, dot), 2);
  const auto function =
      dot == std::string_view::npos ? std::optional(0u) : hex_number(parts[2].substr(dot + 1), 1);
  if (!domain || !bus || !device || !function || *device > 31 || *function > 7) return {};
  return fmt::format("{:04x}:{:02x}:{:02x}.{:x}", *domain, *bus, *device, *function);
}

bool same_device(const DeviceState& device, std::string_view uuid, std::string_view pci_address) {
  const std::string known = normalize_uuid(device.uuid);
  const std::string named = normalize_uuid(uuid);
  if (!known.empty() && !named.empty()) return known == named;
  const std::string address = normalize_pci_address(pci_address);
  return !address.empty() && address == normalize_pci_address(device.pci_address);
}

std::optional<std::size_t> match_device(std::span<const DeviceState> devices, std::string_view uuid,
                                        std::string_view pci_address) {
  for (std::size_t i = 0; i < devices.size(); ++i) {
    if (same_device(devices[i], uuid, pci_address)) return i;
  }
  return std::nullopt;
}

}  // namespace ridgeline::telemetry
