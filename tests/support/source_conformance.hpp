// What every sensor source must keep to, whatever it reads.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <iterator>
#include <limits>
#include <memory>
#include <numeric>
#include <set>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "telemetry/source.hpp"

namespace ridgeline::test {

/// Open descriptors of this process.
inline std::ptrdiff_t open_descriptors() {
  const std::filesystem::directory_iterator begin("/proc/self/fd");
  return std::distance(begin, std::filesystem::directory_iterator());
}

/// All domains of a source, read once.
inline std::vector<telemetry::Reading> read_all(telemetry::Source& source) {
  std::vector<std::size_t> domains(source.probe().domains.size());
  std::iota(domains.begin(), domains.end(), 0);
  std::vector<telemetry::Reading> readings;
  source.read(domains, readings);
  return readings;
}

/// Index of a domain by its id; a failure and 0 when it is not there.
inline std::size_t index_of(const telemetry::Source& source, const std::string& id) {
  const auto& domains = source.probe().domains;
  for (std::size_t i = 0; i < domains.size(); ++i) {
    if (domains[i].id == id) return i;
  }
  ADD_FAILURE() << source.name() << " has no domain " << id;
  return 0;
}

inline const telemetry::Domain& domain_of(const telemetry::Source& source, const std::string& id) {
  static const telemetry::Domain none;
  const auto& domains = source.probe().domains;
  return domains.empty() ? none : domains[index_of(source, id)];
}

/// The value of a domain now; NaN with a failure when it is not there.
inline double value_of(telemetry::Source& source, const std::string& id) {
  std::vector<telemetry::Reading> readings;
  if (source.probe().domains.empty()) {
    ADD_FAILURE() << source.name() << " has no domains";
    return std::numeric_limits<double>::quiet_NaN();
  }
  const std::size_t index = index_of(source, id);
  source.read({&index, 1}, readings);
  return readings.at(0).value;
}

inline std::vector<std::string> ids_of(const telemetry::Source& source) {
  std::vector<std::string> ids;
  for (const telemetry::Domain& domain : source.probe().domains) ids.push_back(domain.id);
  return ids;
}

/// The only absence of a kind; a failure and an empty one when there is none or more.
inline telemetry::Absence absence_of(const telemetry::Source& source, telemetry::Kind kind) {
  telemetry::Absence found{kind, ""};
  int count = 0;
  for (const telemetry::Absence& absence : source.probe().absences) {
    if (absence.kind != kind) continue;
    found = absence;
    ++count;
  }
  EXPECT_EQ(count, 1) << source.name() << " " << telemetry::name_of(kind);
  return found;
}

/// Works without root's rights as long as it lives, so that permissions of files hold in tests
/// that root runs. works() tells whether the system let us, and whether `file` can still be
/// reached.
class Unprivileged {
 public:
  explicit Unprivileged(const std::string& file) : was_root_(::geteuid() == 0) {
    if (was_root_) changed_ = ::seteuid(65534) == 0;
    works_ = (changed_ || !was_root_) && ::access(file.c_str(), F_OK) == 0;
  }
  Unprivileged(const Unprivileged&) = delete;
  Unprivileged& operator=(const Unprivileged&) = delete;
  ~Unprivileged() {
    if (changed_) {
      EXPECT_EQ(::seteuid(0), 0);
    }
  }
  bool works() const { return works_; }

 private:
  bool was_root_ = false;
  bool changed_ = false;
  bool works_ = false;
};

namespace conformance {

inline bool is_one_line(const std::string& text) {
  return text.find_first_of("\n\r") == std::string::npos;
}

inline void expect_sound_domain(const telemetry::Domain& domain) {
  SCOPED_TRACE(domain.id);
  EXPECT_FALSE(domain.id.empty());
  EXPECT_TRUE(is_one_line(domain.id));
  EXPECT_FALSE(domain.scope.empty());
  EXPECT_TRUE(domain.provenance == "counter" || domain.provenance == "sampled" ||
              domain.provenance == "modelled")
      << domain.provenance;
  if (telemetry::is_cumulative(domain.kind)) {
    EXPECT_GT(domain.resolution, 0);
  }
  if (domain.update_period) {
    EXPECT_GT(*domain.update_period, 0);
  }
  if (domain.wraps_at) {
    EXPECT_GT(*domain.wraps_at, domain.resolution);
  }
  if (!domain.device.empty()) {
    EXPECT_TRUE(domain.id.starts_with(domain.device));
  }
}

inline void expect_sound_probe(const telemetry::Probe& probe) {
  std::set<std::string> ids;
  for (const telemetry::Domain& domain : probe.domains) {
    expect_sound_domain(domain);
    EXPECT_TRUE(ids.insert(domain.id).second) << "twice: " << domain.id;
  }
  for (const telemetry::Absence& absence : probe.absences) {
    EXPECT_FALSE(absence.reason.empty());
    EXPECT_TRUE(is_one_line(absence.reason) && is_one_line(absence.enable)) << absence.reason;
  }
  EXPECT_FALSE(probe.domains.empty() && probe.absences.empty()) << "neither values nor reasons";
}

/// Every domain in turn, and all of them backwards: order, indices, times and values.
inline void expect_sound_readings(telemetry::Source& source) {
  const std::size_t count = source.probe().domains.size();
  std::vector<std::size_t> backwards(count);
  std::iota(backwards.rbegin(), backwards.rend(), 0);
  std::vector<telemetry::Reading> readings = {{77, 88, 99}};
  std::vector<double> last_value(count, -1);
  std::vector<std::int64_t> last_time(count, 0);
  for (int round = 0; round < 3; ++round) {
    readings.resize(1);
    source.read(backwards, readings);
    ASSERT_EQ(readings.size(), count + 1);
    EXPECT_EQ(readings[0].domain, 77u) << "what was there before must stay";
    for (std::size_t i = 0; i < count; ++i) {
      const telemetry::Reading& reading = readings[i + 1];
      ASSERT_EQ(reading.domain, backwards[i]);
      const telemetry::Domain& domain = source.probe().domains[reading.domain];
      SCOPED_TRACE(domain.id);
      EXPECT_GE(reading.ns, last_time[reading.domain]);
      EXPECT_LE(reading.ns, now_ns());
      last_time[reading.domain] = reading.ns;
      if (std::isnan(reading.value)) continue;
      EXPECT_TRUE(std::isfinite(reading.value));
      if (!telemetry::is_cumulative(domain.kind)) continue;
      EXPECT_GE(reading.value, 0);
      if (domain.wraps_at) {
        EXPECT_LT(reading.value, *domain.wraps_at);
      } else {
        EXPECT_GE(reading.value, last_value[reading.domain]) << "fell without a wrap";
        last_value[reading.domain] = reading.value;
      }
    }
  }
}

inline void expect_sound_subsets(telemetry::Source& source) {
  const std::size_t count = source.probe().domains.size();
  std::vector<telemetry::Reading> readings;
  source.read({}, readings);
  EXPECT_TRUE(readings.empty());
  for (std::size_t i = 0; i < count; ++i) {
    const std::vector<std::size_t> twice = {i, i};
    readings.clear();
    source.read(twice, readings);
    ASSERT_EQ(readings.size(), 2u);
    EXPECT_EQ(readings[0].domain, i);
    EXPECT_EQ(readings[1].domain, i);
  }
}

}  // namespace conformance

/// A source by itself. Cumulative domains without wraps_at must not fall while this runs.
inline void expect_conforms(telemetry::Source& source) {
  SCOPED_TRACE(source.name());
  EXPECT_FALSE(source.name().empty());
  const telemetry::Probe* probe = &source.probe();
  const std::vector<std::string> ids = ids_of(source);
  conformance::expect_sound_probe(*probe);
  conformance::expect_sound_readings(source);
  conformance::expect_sound_subsets(source);
  for (const telemetry::DeviceState& device : source.devices()) {
    EXPECT_FALSE(device.pci_address.empty());
  }
  const std::ptrdiff_t descriptors = open_descriptors();
  for (int i = 0; i < 50; ++i) read_all(source);
  EXPECT_EQ(open_descriptors(), descriptors) << "readings must not keep descriptors";
  EXPECT_EQ(&source.probe(), probe) << "what can be read is fixed";
  EXPECT_EQ(ids_of(source), ids);
}

/// A source that `open` gives: also two at once, the same ids in each, and nothing left behind.
inline void expect_conforms(const std::function<std::unique_ptr<telemetry::Source>()>& open) {
  open();  // whatever a library keeps for ever, it has now
  const std::ptrdiff_t descriptors = open_descriptors();
  {
    auto first = open();
    const auto second = open();
    ASSERT_NE(first, nullptr);
    ASSERT_NE(second, nullptr);
    EXPECT_EQ(ids_of(*first), ids_of(*second)) << "the same in every run";
    expect_conforms(*first);
    first.reset();
    expect_conforms(*second);
  }
  EXPECT_EQ(open_descriptors(), descriptors) << "closing must give all descriptors back";
}

}  // namespace ridgeline::test
