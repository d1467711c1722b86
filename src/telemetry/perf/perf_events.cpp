// perf_event_open of the running kernel.
#include "telemetry/perf/perf_events.hpp"

#include <linux/perf_event.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <limits>

namespace ridgeline::telemetry {
namespace {

class SystemPerfEvents final : public PerfEvents {
 public:
  int open(const PerfConfig& config, int cpu, int pid) override {
    perf_event_attr attributes{};
    attributes.size = sizeof(attributes);
    attributes.type = config.type;
    attributes.config = config.config;
    attributes.config1 = config.config1;
    attributes.config2 = config.config2;
    attributes.read_format = PERF_FORMAT_TOTAL_TIME_ENABLED | PERF_FORMAT_TOTAL_TIME_RUNNING;
    const long handle =
        ::syscall(SYS_perf_event_open, &attributes, pid, cpu, -1, PERF_FLAG_FD_CLOEXEC);
    return handle < 0 ? -errno : static_cast<int>(handle);
  }

  std::optional<PerfCount> read(int handle) override {
    std::array<std::uint64_t, 3> words{};
    if (::read(handle, words.data(), sizeof(words)) != sizeof(words)) return std::nullopt;
    return PerfCount{words[0], words[1], words[2]};
  }

  void close(int handle) override { ::close(handle); }
};

class NoPerfEvents final : public PerfEvents {
 public:
  int open(const PerfConfig& /*config*/, int /*cpu*/, int /*pid*/) override { return -ENODEV; }
  std::optional<PerfCount> read(int /*handle*/) override { return std::nullopt; }
  void close(int /*handle*/) override {}
};

}  // namespace

double full_count(const PerfCount& count) {
  if (count.running == 0) return std::numeric_limits<double>::quiet_NaN();
  const auto value = static_cast<double>(count.value);
  if (count.running >= count.enabled) return value;
  return value * (static_cast<double>(count.enabled) / static_cast<double>(count.running));
}

PerfEvents& perf_events_of(const std::string& root) {
  static SystemPerfEvents system;
  static NoPerfEvents none;
  if (root == "/") return system;
  return none;
}

}  // namespace ridgeline::telemetry
