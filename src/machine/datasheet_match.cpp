// Which row of the hardware table is an accelerator's: PCI id, then name, and always memory size.
#include <fmt/format.h>
#include <regex.h>

#include <algorithm>
#include <cctype>
#include <cmath>
#include <set>

#include "machine/datasheet.hpp"
#include "machine/datasheet_rows.hpp"

namespace ridgeline::machine {
namespace {

// What a driver reports is less than what is sold: ECC takes up to a sixteenth, firmware some more.
constexpr double kLeastMemory = 0.85;
constexpr double kMostMemory = 1.03;
// Clock and bus width of the right row give its bandwidth; further apart, it is another product.
constexpr double kBandwidthTolerance = 0.10;
constexpr double kGib = 1024.0 * 1024 * 1024;
// Names are a few words; a longer one is no name.
constexpr std::size_t kMaxName = 200;

std::string bare_hex(std::string_view id) {
  if (id.starts_with("0x") || id.starts_with("0X")) id.remove_prefix(2);
  std::string text(id);
  for (char& c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return text;
}

std::string pci_id(const DeviceFacts& device) {
  if (device.vendor_id.empty() || device.device_id.empty()) return {};
  return bare_hex(device.vendor_id) + ":" + bare_hex(device.device_id);
}

std::string describe(const DeviceFacts& device) {
  const std::string id = pci_id(device);
  if (device.name.empty()) return id.empty() ? "an unnamed device" : "PCI device " + id;
  return id.empty() ? device.name : fmt::format("{} ({})", device.name, id);
}

// How many devices share the row's figures when the driver reports that memory; 0: it is another
// product.
int devices_for(const DatasheetRow& row, std::optional<double> memory) {
  const bool of_its_own = row.vendor != "Apple" && row.kind != "igpu" && row.kind != "npu";
  if (!memory || row.memory.empty() || !of_its_own) return 1;
  for (const int devices : {1, row.devices}) {
    for (const double sold : row.memory) {
      const double share = *memory * devices / sold;
      if (share >= kLeastMemory && share <= kMostMemory) return devices;
    }
  }
  return 0;
}

std::vector<const DatasheetRow*> candidates(const DeviceFacts& device,
                                            const std::vector<DatasheetRow>& rows) {
  std::vector<const DatasheetRow*> found;
  const std::string id = pci_id(device);
  for (const DatasheetRow& row : rows) {
    if (std::find(row.pci_ids.begin(), row.pci_ids.end(), id) != row.pci_ids.end()) {
      found.push_back(&row);
    }
  }
  if (!found.empty()) return found;
  for (const DatasheetRow& row : rows) {
    if (row.kind != "cpu" && names_fit(row, device.name)) found.push_back(&row);
  }
  return found;
}

std::string memory_text(const DatasheetRow& row) {
  std::string text;
  for (const double size : row.memory) {
    text += fmt::format("{}{:g}", text.empty() ? "" : " or ", size / kGib);
  }
  return text + " GiB";
}

Datasheet from_row(const DatasheetRow& row, int devices, const DeviceFacts& device) {
  Datasheet sheet = limits_of(row, 1.0 / devices);
  if (devices > 1) {
    sheet.notes.push_back(
        fmt::format("the driver shows one {} as {} devices: each has 1/{} of its figures", row.name,
                    devices, devices));
  }
  if (device.bandwidth && sheet.bandwidth.value &&
      std::abs(*device.bandwidth / *sheet.bandwidth.value - 1) > kBandwidthTolerance) {
    sheet.notes.push_back(fmt::format(
        "memory clock and bus width give {:.4g} GB/s, the row {:.4g} GB/s: perhaps it is not the "
        "row of this device",
        *device.bandwidth / 1e9, *sheet.bandwidth.value / 1e9));
  }
  return sheet;
}

}  // namespace

bool names_fit(const DatasheetRow& row, const std::string& name) {
  if (name.empty() || name.size() > kMaxName) return false;
  regex_t compiled;
  // A test holds every pattern of the table against this.
  if (::regcomp(&compiled, row.pattern.c_str(), REG_EXTENDED | REG_ICASE | REG_NOSUB) != 0) {
    return false;
  }
  const bool fits = ::regexec(&compiled, name.c_str(), 0, nullptr, 0) == 0;
  ::regfree(&compiled);
  return fits;
}

Datasheet no_limits(const std::string& reason, const std::string& enable) {
  const Limit none{{}, {}, reason, enable};
  Datasheet sheet;
  sheet.bandwidth = none;
  sheet.power = none;
  for (const std::string& dtype : datasheet_dtypes()) sheet.rates.emplace_back(dtype, none);
  return sheet;
}

Datasheet limits_of(const DatasheetRow& row, double share) {
  const std::string source = share == 1 ? "datasheet" : "derived";
  const auto limit = [&](std::optional<double> value, const char* reason) {
    return value ? Limit{*value * share, source, {}, {}} : Limit{{}, {}, reason, {}};
  };
  Datasheet sheet;
  sheet.name = row.vendor + " " + row.name;
  sheet.evidence = row.evidence;
  sheet.source = row.source;
  sheet.bandwidth = limit(row.bandwidth, "the hardware table does not know it");
  sheet.power = limit(row.power, "the vendor does not publish it");
  for (const std::string& dtype : datasheet_dtypes()) {
    std::optional<double> rate;
    for (const auto& [name, value] : row.rates) {
      // Matrix products run on matrix units where there are any.
      if (name == dtype + ".matrix" || (name == dtype && !rate)) rate = value;
    }
    sheet.rates.emplace_back(dtype, limit(rate, "not supported by it, or not known"));
  }
  return sheet;
}

Datasheet find_datasheet(const DeviceFacts& device, const std::vector<DatasheetRow>& rows) {
  const auto found = candidates(device, rows);
  for (const DatasheetRow* row : found) {
    const int devices = devices_for(*row, device.memory);
    if (devices == 0) continue;
    if (row->devices > 1 && !device.memory) {
      return no_limits(
          fmt::format("{} is shown as one device or as {}: only its memory size tells, "
                      "and that is unknown",
                      row->name, row->devices),
          {});
    }
    return from_row(*row, devices, device);
  }
  if (found.empty()) {
    return no_limits(fmt::format("no row of the hardware table stands for {}", describe(device)),
                     {});
  }
  return no_limits(fmt::format("{} has {:.4g} GiB of memory, {} has {}: a slice of it, or another "
                               "product",
                               describe(device), *device.memory / kGib, found.front()->name,
                               memory_text(*found.front())),
                   {});
}

Datasheet datasheet_of(const Machine& machine, std::string_view device, int cores,
                       std::string_view pci_address, std::string_view name,
                       std::optional<double> memory) {
  const auto& table = datasheet_table();
  if (!table) return no_limits(table.error().line(), {});
  if (device == "cpu") return find_datasheet(machine, cores, *table);
  std::vector<const Accelerator*> those;
  std::set<std::string> kinds;
  for (const Accelerator& one : machine.accelerators) {
    const bool is_it = pci_address.empty() ? one.kind != "display" : one.pci_address == pci_address;
    if (!is_it) continue;
    those.push_back(&one);
    kinds.insert(one.vendor_id + ":" + one.device_id);
  }
  DeviceFacts facts{{}, {}, std::string(name), memory, {}};
  if (kinds.size() == 1) {
    facts.vendor_id = those.front()->vendor_id;
    facts.device_id = those.front()->device_id;
    if (facts.name.empty()) facts.name = those.front()->name.value_or("");
  } else if (facts.name.empty()) {
    const std::string reason =
        those.empty() ? fmt::format("no accelerator is seen on the PCI bus for {}", device)
                      : fmt::format(
                            "several kinds of accelerators are here, and which one is {} is "
                            "not known",
                            device);
    return no_limits(reason, fmt::format("ridgeline peaks --device {}", device));
  }
  return find_datasheet(facts, *table);
}

}  // namespace ridgeline::machine
