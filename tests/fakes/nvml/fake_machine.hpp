// A machine with the fake NVML library: opens it, lets a test set its GPUs, and opens the source.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/dynamic_library.hpp"
#include "fakes/nvml/fake_nvml.hpp"
#include "support/temp_folder.hpp"
#include "telemetry/nvml/source.hpp"
#include "telemetry/source.hpp"
#include "telemetry/sources.hpp"

namespace ridgeline::test {

inline constexpr const char* kAddress = "0000:17:00.0";

class FakeMachine {
 public:
  /// The library of a new driver, or RIDGELINE_FAKE_NVML_OLD.
  explicit FakeMachine(const std::string& path = RIDGELINE_FAKE_NVML)
      : library_(*DynamicLibrary::open(path)),
        state_(*library_.function<FakeNvmlFunction>("fake_nvml")()),
        path_(path) {
    state_ = {};
    state_.now_ns = 1'000'000'000'000;
  }
  /// A reset library holds nothing that points into this test.
  ~FakeMachine() { state_ = {}; }

  FakeNvml* operator->() { return &state_; }
  FakeGpu& gpu(std::size_t index = 0) { return state_.gpus.at(index); }

  FakeGpu& add(const char* bus_id = "00000000:17:00.0",
               const char* uuid = "GPU-8f2b1c3d-0000-1111-2222-333344445555") {
    return *library_.function<FakeGpu*(const char*, const char*)>("fake_nvml_add")(bus_id, uuid);
  }

  /// /proc and /sys of the machine.
  const TempFolder& root() const { return root_; }

  std::unique_ptr<telemetry::Source> open() {
    telemetry::Environment environment;
    environment.root = root_.path();
    environment.nvml = path_;
    return telemetry::nvml::open_source(environment, [this] { return state_.now_ns; });
  }

  void advance(double seconds) { state_.now_ns += static_cast<std::int64_t>(seconds * 1e9); }

 private:
  DynamicLibrary library_;
  FakeNvml& state_;
  std::string path_;
  TempFolder root_;
};

inline std::optional<std::size_t> place_of(telemetry::Source& source, const std::string& id) {
  const auto& domains = source.probe().domains;
  const auto found = std::find_if(domains.begin(), domains.end(), [&](const auto& domain) {
    return domain.id == std::string(kAddress) + "/" + id || domain.id == id;
  });
  if (found == domains.end()) return std::nullopt;
  return static_cast<std::size_t>(found - domains.begin());
}

inline const telemetry::Domain* find_domain(telemetry::Source& source, const std::string& id) {
  const auto index = place_of(source, id);
  return index ? &source.probe().domains[*index] : nullptr;
}

/// The absence of a kind and scope, of the first device that has one.
inline const telemetry::Absence* find_absence(telemetry::Source& source, telemetry::Kind kind,
                                              std::string_view scope) {
  for (const auto& absence : source.probe().absences) {
    if (absence.kind == kind && absence.scope == scope) return &absence;
  }
  return nullptr;
}

inline telemetry::Reading read_one(telemetry::Source& source, const std::string& id) {
  const auto index = place_of(source, id);
  EXPECT_TRUE(index.has_value()) << id;
  if (!index) return {0, 0, std::numeric_limits<double>::quiet_NaN()};
  std::vector<telemetry::Reading> readings;
  source.read(std::vector<std::size_t>{*index}, readings);
  EXPECT_EQ(readings.size(), 1u);
  EXPECT_EQ(readings.front().domain, *index);
  return readings.front();
}

}  // namespace ridgeline::test
