// Which accelerator an engine means: its order is not the driver library's, and
// CUDA_VISIBLE_DEVICES changes only the engine's.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "telemetry/device_state.hpp"

namespace ridgeline::telemetry {

/// "GPU-8f2b…" in lower case with its dashes, from that spelling, from a bare UUID or from 32 hex
/// digits. Empty for what is none of these: a slice ("MIG-…"), zeros only, anything else.
std::string normalize_uuid(std::string_view uuid);

/// "0000:17:00.0" as sysfs spells it, from "00000000:17:00.0", "17:00.0", "0000:17:00" or capitals.
/// Empty for what is no PCI address.
std::string normalize_pci_address(std::string_view address);

/// Whether `device` is the one that an engine names. The UUID decides where both have one, else the
/// PCI address; what neither tells is not the same.
bool same_device(const DeviceState& device, std::string_view uuid, std::string_view pci_address);

/// The index of the device that an engine names; nothing when none is.
std::optional<std::size_t> match_device(std::span<const DeviceState> devices, std::string_view uuid,
                                        std::string_view pci_address);

}  // namespace ridgeline::telemetry
