// Reads the process's own clocks and counters.
#include "measure/harness.hpp"

#include <sys/resource.h>

#include <ctime>
#include <nlohmann/json.hpp>

#include "base/clock.hpp"
#include "base/json_values.hpp"

namespace ridgeline::measure {
namespace {

HarnessCost now() {
  timespec t{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  HarnessCost cost;
  cost.wall_seconds = 1e-9 * static_cast<double>(now_ns());
  cost.cpu_seconds = static_cast<double>(t.tv_sec) + 1e-9 * static_cast<double>(t.tv_nsec);
  cost.wakeups = usage.ru_nvcsw;
  return cost;
}

}  // namespace

HarnessCost& HarnessCost::operator+=(const HarnessCost& other) {
  wall_seconds += other.wall_seconds;
  cpu_seconds += other.cpu_seconds;
  wakeups += other.wakeups;
  return *this;
}

HarnessMeter::HarnessMeter() : begin_(now()) {}

HarnessCost HarnessMeter::elapsed() const {
  const HarnessCost end = now();
  return {end.wall_seconds - begin_.wall_seconds, end.cpu_seconds - begin_.cpu_seconds,
          end.wakeups - begin_.wakeups};
}

Json to_json(const HarnessCost& cost) {
  return {{"wall_seconds", cost.wall_seconds},
          {"cpu_seconds", cost.cpu_seconds},
          {"wakeups", cost.wakeups}};
}

HarnessCost harness_from_json(const Json& json) {
  return {number_in(json, "wall_seconds").value_or(0), number_in(json, "cpu_seconds").value_or(0),
          static_cast<std::int64_t>(number_in(json, "wakeups").value_or(0))};
}

}  // namespace ridgeline::measure
