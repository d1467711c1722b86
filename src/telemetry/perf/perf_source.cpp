// Reads domains that are sums of performance counters, and explains refusals.
#include "telemetry/perf/perf_source.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <cstring>
#include <limits>
#include <utility>

#include "base/clock.hpp"
#include "machine/system.hpp"
#include "telemetry/absence.hpp"

namespace ridgeline::telemetry {
namespace {

using machine::Tree;

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

constexpr std::string_view kAllow =
    "sudo sysctl kernel.perf_event_paranoid=0"
    "  # or: sudo setcap cap_perfmon=ep \"$(command -v ridgeline)\"";

class PerfSource final : public Source {
 public:
  PerfSource(std::string_view name, PerfFindings findings)
      : name_(name), findings_(std::move(findings)) {}

  std::string_view name() const override { return name_; }
  const Probe& probe() const override { return findings_.probe; }

  void read(std::span<const std::size_t> domains, std::vector<Reading>& readings) override {
    for (const std::size_t index : domains) {
      const std::int64_t begin = now_ns();
      const double value = value_of(index);
      const std::int64_t end = now_ns();
      readings.push_back({index, begin + (end - begin) / 2, value});
    }
  }

 private:
  double value_of(std::size_t index) const {
    if (index >= findings_.channels().size()) return kNaN;
    double sum = 0;
    for (const PerfChannel::Term& term : findings_.channels()[index].terms) {
      const auto count = findings_.events().read(term.handle);
      if (!count) return kNaN;
      sum += term.scale * full_count(*count);
    }
    return sum;
  }

  std::string_view name_;
  PerfFindings findings_;
};

Absence no_permission(Kind kind, const Tree& tree, const std::string& what) {
  const auto paranoid = tree.integer("proc/sys/kernel/perf_event_paranoid");
  if (paranoid && *paranoid > 0) {
    return {kind,
            fmt::format("{} may not be opened: kernel.perf_event_paranoid is {}, counting all "
                        "processes needs 0 or CAP_PERFMON",
                        what, *paranoid),
            std::string(kAllow)};
  }
  // Then it is not the kernel's setting that refuses, but a container's filter of system calls or
  // a lockdown.
  const machine::Virtualization where = machine::read_virtualization(tree);
  if (where.container) {
    return {kind, fmt::format("{} may not be opened: {} container", what, *where.container),
            std::string(kOutsideContainer)};
  }
  return {kind, fmt::format("{} may not be opened", what),
          "sudo setcap cap_perfmon=ep \"$(command -v ridgeline)\""};
}

}  // namespace

PerfFindings::PerfFindings(PerfFindings&& from) noexcept
    : probe(std::move(from.probe)),
      events_(from.events_),
      channels_(std::exchange(from.channels_, {})) {}

PerfFindings::~PerfFindings() {
  for (PerfChannel& channel : channels_) close(channel);
}

int PerfFindings::open(const PerfConfig& config, int cpu, double scale, PerfChannel& channel) {
  const int handle = events_->open(config, cpu, -1);
  if (handle < 0) return -handle;
  channel.terms.push_back({handle, scale});
  return 0;
}

void PerfFindings::close(PerfChannel& channel) {
  for (const PerfChannel::Term& term : channel.terms) events_->close(term.handle);
  channel.terms.clear();
}

void PerfFindings::add(Domain domain, PerfChannel channel) {
  probe.domains.push_back(std::move(domain));
  channels_.push_back(std::move(channel));
}

std::unique_ptr<Source> make_perf_source(std::string_view name, PerfFindings findings) {
  return std::make_unique<PerfSource>(name, std::move(findings));
}

Absence perf_refused(Kind kind, int error, const Tree& tree, const std::string& what) {
  switch (error) {
    case EACCES:
    case EPERM:
      return no_permission(kind, tree, what);
    case EMFILE:
    case ENFILE:
      return {kind, fmt::format("{}: too many open files", what), "ulimit -n 65536"};
    case ENOSYS:
      return {kind, fmt::format("{}: this kernel has no perf_event_open", what)};
    default:
      return missing_sensor(kind, tree,
                            fmt::format("{} cannot be opened ({})", what, std::strerror(error)));
  }
}

}  // namespace ridgeline::telemetry
