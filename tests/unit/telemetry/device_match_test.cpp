// Devices are told apart by UUID, then by PCI address, never by their order.
#include "telemetry/device_match.hpp"

#include <gtest/gtest.h>

#include <array>

namespace ridgeline::telemetry {
namespace {

constexpr const char* kUuid = "GPU-8f2b1c3d-0a1b-2c3d-4e5f-60718293a4b5";

DeviceState device(const std::string& uuid, const std::string& address) {
  DeviceState state;
  state.uuid = uuid;
  state.pci_address = address;
  return state;
}

TEST(Telemetry_DeviceMatch, knows_a_uuid_in_every_spelling) {
  EXPECT_EQ(normalize_uuid(kUuid), kUuid);
  EXPECT_EQ(normalize_uuid("8f2b1c3d-0a1b-2c3d-4e5f-60718293a4b5"), kUuid);
  EXPECT_EQ(normalize_uuid("8F2B1C3D0A1B2C3D4E5F60718293A4B5"), kUuid);
  EXPECT_EQ(normalize_uuid("gpu-8F2B1C3D-0A1B-2C3D-4E5F-60718293A4B5"), kUuid);
}

TEST(Telemetry_DeviceMatch, takes_nothing_else_for_a_uuid) {
  for (const char* text :
       {"", "GPU-", "0", "MIG-8f2b1c3d-0a1b-2c3d-4e5f-60718293a4b5",
        "00000000-0000-0000-0000-000000000000", "8f2b1c3d-0a1b-2c3d-4e5f-60718293a4bg",
        "8f2b1c3d00a1b-2c3d-4e5f-60718293a4b5", "GPU-8f2b1c3d-0a1b-2c3d-4e5f-60718293a4b5x"}) {
    EXPECT_EQ(normalize_uuid(text), "") << text;
  }
}

TEST(Telemetry_DeviceMatch, knows_an_address_in_every_spelling) {
  EXPECT_EQ(normalize_pci_address("00000000:17:00.0"), "0000:17:00.0");
  EXPECT_EQ(normalize_pci_address("0000:AF:1F.7"), "0000:af:1f.7");
  EXPECT_EQ(normalize_pci_address("17:00.0"), "0000:17:00.0");
  EXPECT_EQ(normalize_pci_address("0000:17:00"), "0000:17:00.0");
  EXPECT_EQ(normalize_pci_address("00010000:e1:00.0"), "10000:e1:00.0");
}

TEST(Telemetry_DeviceMatch, takes_nothing_else_for_an_address) {
  for (const char* text : {"", ":", "::", "17", "0000:17:20.0", "0000:17:00.8", "0000:117:00.0",
                           "0000:17:00.", "-1:17:00.0", "x:17:00.0", "1:2:3:4"}) {
    EXPECT_EQ(normalize_pci_address(text), "") << text;
  }
}

TEST(Telemetry_DeviceMatch, the_uuid_decides_where_both_have_one) {
  const DeviceState state = device(kUuid, "0000:17:00.0");
  EXPECT_TRUE(same_device(state, "8f2b1c3d0a1b2c3d4e5f60718293a4b5", "0000:65:00.0"));
  EXPECT_FALSE(same_device(state, "11111111-0a1b-2c3d-4e5f-60718293a4b5", "0000:17:00.0"));
}

TEST(Telemetry_DeviceMatch, the_address_decides_else) {
  const DeviceState state = device("", "0000:17:00.0");
  EXPECT_TRUE(same_device(state, kUuid, "00000000:17:00.0"));
  EXPECT_FALSE(same_device(state, kUuid, "0000:18:00.0"));
  EXPECT_TRUE(same_device(device(kUuid, "0000:17:00.0"), "MIG-1", "17:00.0"));
  EXPECT_FALSE(same_device(state, "", ""));
  EXPECT_FALSE(same_device(device("", ""), "", ""));
}

TEST(Telemetry_DeviceMatch, finds_the_index_in_another_order) {
  const std::array devices = {device("GPU-aaaaaaaa-0a1b-2c3d-4e5f-60718293a4b5", "0000:65:00.0"),
                              device(kUuid, "0000:17:00.0")};
  EXPECT_EQ(match_device(devices, kUuid, ""), 1u);
  EXPECT_EQ(match_device(devices, "", "65:00.0"), 0u);
  EXPECT_EQ(match_device(devices, "", "66:00.0"), std::nullopt);
}

}  // namespace
}  // namespace ridgeline::telemetry
