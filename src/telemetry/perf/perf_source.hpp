// A source whose domains are sums of performance counters, and the three sources of that sort.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "machine/tree.hpp"
#include "telemetry/perf/perf_events.hpp"
#include "telemetry/source.hpp"
#include "telemetry/sources.hpp"

namespace ridgeline::telemetry {

/// The counters behind one domain: the value is Σ scale · count; one that fails makes it NaN.
struct PerfChannel {
  struct Term {
    int handle = -1;
    double scale = 1;
  };
  std::vector<Term> terms;
};

/// Opened counters on their way into a source: channels[i] reads probe.domains[i]. Closes what is
/// left in it.
class PerfFindings {
 public:
  explicit PerfFindings(PerfEvents& events) : events_(&events) {}
  PerfFindings(PerfFindings&& from) noexcept;
  PerfFindings& operator=(PerfFindings&&) = delete;
  ~PerfFindings();

  /// Adds one counter to a channel, counting every process on `cpu`: 0, or an errno.
  int open(const PerfConfig& config, int cpu, double scale, PerfChannel& channel);
  void close(PerfChannel& channel);
  void add(Domain domain, PerfChannel channel);

  PerfEvents& events() const { return *events_; }
  const std::vector<PerfChannel>& channels() const { return channels_; }

  Probe probe;

 private:
  PerfEvents* events_;
  std::vector<PerfChannel> channels_;
};

/// `name` must outlive the source: a literal.
std::unique_ptr<Source> make_perf_source(std::string_view name, PerfFindings findings);

/// Why counters could not be opened, from the errno: missing permission with both commands that
/// give it, a virtual machine, too many open files. `what`: "the memory controller counters".
Absence perf_refused(Kind kind, int error, const machine::Tree& tree, const std::string& what);

/// As in sources.hpp, with counters of the caller's, which must outlive the source.
std::unique_ptr<Source> open_perf_power(const Environment& environment, PerfEvents& events);
std::unique_ptr<Source> open_perf_uncore(const Environment& environment, PerfEvents& events);
std::unique_ptr<Source> open_perf_cpu(const Environment& environment, PerfEvents& events);

}  // namespace ridgeline::telemetry
