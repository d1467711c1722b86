// Runs the probes through workers, and keeps what they say.
#include "study/peaks.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <nlohmann/json.hpp>

#include "base/clock.hpp"
#include "base/cpu_list.hpp"
#include "machine/inventory.hpp"
#include "measure/efficiency.hpp"
#include "measure/engine_locator.hpp"
#include "protocol/client.hpp"
#include "study/peaks_idle.hpp"
#include "study/peaks_probes.hpp"
#include "telemetry/device_match.hpp"

namespace ridgeline::study {
namespace {

using machine::Ceiling;
using machine::Ceilings;
using machine::CeilingSet;
using machine::Machine;

// Making gigabytes of arrays and the first, slow product of a size come before the seconds asked
// for.
protocol::Deadlines deadlines_for(double seconds) {
  return {std::chrono::seconds(300) + std::chrono::seconds(std::llround(20 * seconds)),
          std::chrono::nanoseconds(0)};
}

std::string text_of(const Json& json, const char* key) {
  const Json& value = entry_of(json, key);
  return value.is_string() ? value.get<std::string>() : std::string();
}

struct EngineDevice {
  std::string id;  // "cpu", "cuda:0"
  std::string name;
  std::string pci_address;
  std::optional<double> memory;
};

std::vector<EngineDevice> devices_of(const Json& hello) {
  std::vector<EngineDevice> devices;
  const Json& list = entry_of(hello, "devices");
  if (!list.is_array()) return devices;
  for (const Json& one : list) {
    EngineDevice device;
    const std::string kind = text_of(one, "kind");
    const Json& ordinal = entry_of(one, "ordinal");
    if (kind.empty()) continue;
    device.id = kind == "cpu" ? kind
                              : fmt::format("{}:{}", kind,
                                            ordinal.is_number_integer() ? ordinal.get<int>() : 0);
    device.name = text_of(one, "name");
    device.pci_address = text_of(one, "pci_address");
    const Json& memory = entry_of(one, "memory");
    if (memory.is_number() && memory.get<double>() > 0) device.memory = memory.get<double>();
    devices.push_back(std::move(device));
  }
  return devices;
}

Result<std::vector<EngineDevice>> chosen_devices(const Json& hello, const PeaksOptions& options) {
  std::vector<EngineDevice> devices = devices_of(hello);
  std::vector<std::string> names;
  for (const EngineDevice& device : devices) names.push_back(device.id);
  if (options.device != "all") {
    std::erase_if(devices, [&](const EngineDevice& one) { return one.id != options.device; });
  }
  if (!devices.empty()) return devices;
  return environment_error(
      fmt::format("engine {} has no device '{}'", options.engine, options.device),
      names.empty() ? "it names no device" : fmt::format("it has: {}", fmt::join(names, ", ")));
}

// The machine as far as --cores leaves it.
Result<Machine> usable(const Machine& machine, const std::string& cores) {
  Machine part = machine;
  if (cores.empty()) return part;
  RIDGELINE_TRY(const std::vector<int> wanted, parse_cpu_list(cores));
  std::erase_if(part.allowed.cpus, [&](int cpu) {
    return std::find(wanted.begin(), wanted.end(), cpu) == wanted.end();
  });
  if (part.allowed.cpus.size() != wanted.size() || wanted.empty()) {
    return bad_input(fmt::format("--cores: not all of '{}' may be used here", cores.substr(0, 100)),
                     "allowed are " + to_cpu_list(machine.allowed.cpus));
  }
  return part;
}

// Other work takes part of what is to be measured, and a best repetition may not escape it.
std::string busy_note(const Machine& machine) {
  constexpr double kBusyShare = 0.5;
  const auto cpus = static_cast<double>(machine.cpu.logical.size());
  if (!machine.load || cpus == 0 || machine.load->one_minute <= kBusyShare * cpus) return {};
  return fmt::format(
      "other processes were running (load average {:.2f} on {:.0f} CPUs), so these may be too low; "
      "measure again on a quiet machine with --refresh",
      machine.load->one_minute, cpus);
}

class Measurement {
 public:
  Measurement(const PeaksOptions& options, std::string program)
      : options_(options), program_(std::move(program)) {}

  // The worker bound to these CPUs: the one at hand, or a new one.
  Result<protocol::Worker*> worker(const std::string& cores) {
    if (worker_ && worker_->alive() && cores == cores_) return worker_.get();
    end();
    RIDGELINE_TRY(const std::vector<int> cpus, parse_cpu_list(cores));
    RIDGELINE_TRY(worker_,
                  protocol::Worker::start({.argv = {program_}, .cores = cpus}, options_.interrupt));
    cores_ = cores;
    return worker_.get();
  }

  Status run(std::vector<Probe> probes, CeilingSet& set, const PowerReading& power) {
    int number = 0;
    for (Probe& probe : probes) {
      ++number;
      if (probe.ceiling.reason.empty()) {
        if (options_.on_progress) {
          options_.on_progress(
              {set.device, probe.ceiling.id, number, static_cast<int>(probes.size())});
        }
        const Status asked = ask(probe, set.device, power);
        if (!asked) {
          if (asked.error().error_class == ErrorClass::kInterrupted) return asked.error();
          probe.ceiling.reason = asked.error().message;
          probe.ceiling.enable = asked.error().remedy;
          probe.ceiling.error_class = wire_name(asked.error().error_class);
        }
      }
      set.ceilings.push_back(std::move(probe.ceiling));
    }
    return {};
  }

  // How it ends does not change what it said.
  void end() {
    if (worker_) (void)worker_->quit(std::chrono::seconds(5));
    worker_.reset();
  }

 private:
  Status ask(Probe& probe, const std::string& device, const PowerReading& power) {
    RIDGELINE_TRY(protocol::Worker* const asked, worker(probe.ceiling.cores));
    const bool reads = !power.meters.empty() && has_power(probe.ceiling);
    const double steady = reads ? power.steady_seconds() : 0;
    // So that each way of going through a large working set has its turns.
    constexpr std::int64_t kLarge = std::int64_t{1} << 30;
    constexpr double kLonger = 3;
    const bool is_large = device == "cpu" && probe.ceiling.bytes.value_or(0) >= kLarge;
    const double seconds = options_.seconds * (is_large ? kLonger : 1);
    const auto request = [&] {
      return asked->request("probe", probe_fields(probe, device, seconds, steady),
                            deadlines_for(seconds + steady));
    };
    std::optional<double> watts;
    RIDGELINE_TRY(const Json reply, reads ? power.during(request, watts) : request());
    RIDGELINE_CHECK(take_reply(reply, probe.ceiling));
    // An engine that knows nothing of steady load may have paused while power was read.
    const Json& told = entry_of(reply, "steady_seconds");
    if (told.is_number() && told.get<double>() >= power.window) probe.ceiling.power = watts;
    return {};
  }

  const PeaksOptions& options_;
  const std::string program_;
  std::unique_ptr<protocol::Worker> worker_;
  std::string cores_;
};

Result<Ceilings> remembered(const PeaksOptions& options, const std::string& path,
                            const std::string& fingerprint) {
  Result<Ceilings> known = machine::read_ceilings(path, fingerprint);
  if (known || !options.refresh) return known;
  Ceilings none;
  none.machine = fingerprint;
  return none;
}

// Whether each ceiling under whose load power can be read has it.
bool has_powers(const CeilingSet& set) {
  return std::all_of(set.ceilings.begin(), set.ceilings.end(), [](const Ceiling& ceiling) {
    return !has_power(ceiling) || !ceiling.value || ceiling.power;
  });
}

const CeilingSet* usable_set(const Ceilings& known, const CeilingSet& wanted, bool with_power) {
  for (const CeilingSet& set : known.sets) {
    if (!set.same_conditions(wanted)) continue;
    const bool failed = std::any_of(set.ceilings.begin(), set.ceilings.end(),
                                    [](const Ceiling& ceiling) { return ceiling.failed(); });
    return failed || (with_power && !has_powers(set)) ? nullptr : &set;
  }
  return nullptr;
}

bool has_value(const CeilingSet& set) {
  return std::any_of(set.ceilings.begin(), set.ceilings.end(),
                     [](const Ceiling& ceiling) { return ceiling.value.has_value(); });
}

// Writes what was measured now beside what stands there by now.
std::string keep(const PeaksOptions& options, const std::string& path, const Peaks& peaks) {
  Result<Ceilings> all = remembered(options, path, peaks.machine);
  if (!all) return all.error().line();
  bool changed = false;
  for (const DevicePeaks& device : peaks.devices) {
    if (device.cached || !has_value(device.set)) continue;
    all->put(device.set);
    changed = true;
  }
  if (!changed) return {};
  const Status written = machine::write_ceilings(path, *all);
  return written ? std::string() : written.error().line();
}

Result<CeilingSet> conditions(const PeaksOptions& options, const Json& hello,
                              const EngineDevice& device, const Machine& part,
                              const std::string& cores) {
  CeilingSet set;
  set.engine = text_of(hello, "name");
  set.engine_version = measure::engine_version(hello);
  set.device = device.id;
  set.device_name = device.name;
  set.pci_address = device.pci_address;
  set.memory = device.memory;
  set.measured_at = utc_timestamp();
  set.note = busy_note(part);
  if (device.id != "cpu") return set;
  set.device_name = part.cpu.model.value_or(device.name);
  set.cores = cores;
  set.threads =
      options.threads.value_or(std::max<int>(1, static_cast<int>(physical_cores(part).size())));
  if (set.threads < 1 || set.threads > 65536) {
    return bad_input(fmt::format("--threads: {} is not a number of threads", set.threads));
  }
  return set;
}

// Those that `only` names, in the order in which they are measured.
Result<std::vector<Probe>> chosen_probes(std::vector<Probe> all,
                                         const std::vector<std::string>& only,
                                         const std::string& device) {
  for (const std::string& id : only) {
    const auto is_it = [&](const Probe& probe) { return probe.ceiling.id == id; };
    if (std::any_of(all.begin(), all.end(), is_it)) continue;
    std::vector<std::string> known;
    for (const Probe& probe : all) known.push_back(probe.ceiling.id);
    return bad_input(fmt::format("{} has no ceiling '{}'", device, id),
                     fmt::format("it has {}", fmt::join(known, ", ")));
  }
  if (!only.empty()) {
    std::erase_if(all, [&](const Probe& probe) {
      return std::find(only.begin(), only.end(), probe.ceiling.id) == only.end();
    });
  }
  return all;
}

// Whether every set that is remembered has it; measuring it takes seconds.
bool knows_idle_power(const Ceilings& known) {
  return !known.sets.empty() &&
         std::all_of(known.sets.begin(), known.sets.end(),
                     [](const CeilingSet& set) { return set.idle_power.value.has_value(); });
}

}  // namespace

int Peaks::failures() const {
  int count = 0;
  for (const DevicePeaks& device : devices) {
    count += has_value(device.set) ? 0 : 1;
    for (const Ceiling& ceiling : device.set.ceilings) count += ceiling.failed() ? 1 : 0;
  }
  return count;
}

Result<Peaks> measure_peaks(const PeaksOptions& options, const Machine& machine) {
  RIDGELINE_TRY(const std::string program, measure::locate_engine(options.engine));
  RIDGELINE_TRY(const Machine part, usable(machine, options.cores));
  const std::string cores = options.cores.empty() ? std::string() : to_cpu_list(part.allowed.cpus);
  Peaks peaks;
  peaks.machine = machine::fingerprint(machine);
  std::string path = options.cache;
  if (path.empty()) {
    RIDGELINE_TRY(path, machine::ceilings_path(peaks.machine));
  }
  RIDGELINE_TRY(const Ceilings known, remembered(options, path, peaks.machine));

  Json idle = Json::object();
  if (options.instruments != nullptr && options.only.empty() &&
      (options.refresh || !knows_idle_power(known))) {
    RIDGELINE_TRY(idle, measure_idle(*options.instruments, options.interrupt));
  }
  Measurement measurement(options, program);
  RIDGELINE_TRY(protocol::Worker* const first, measurement.worker(cores));
  const Json hello = first->hello();
  RIDGELINE_TRY(const auto devices, chosen_devices(hello, options));
  for (const EngineDevice& device : devices) {
    DevicePeaks one;
    RIDGELINE_TRY(one.set, conditions(options, hello, device, part, cores));
    const std::string address = telemetry::normalize_pci_address(device.pci_address);
    PowerReading power;
    if (options.power && options.instruments != nullptr) {
      power = PowerReading::of(*options.instruments, address);
    }
    const CeilingSet* kept = options.refresh || !options.only.empty()
                                 ? nullptr
                                 : usable_set(known, one.set, !power.meters.empty());
    if (kept != nullptr) {
      one.set = *kept;
      one.cached = true;
    } else {
      const bool is_cpu = device.id == "cpu";
      RIDGELINE_TRY(
          std::vector<Probe> probes,
          chosen_probes(is_cpu ? cpu_probes(part, one.set.threads, cores) : accelerator_probes(),
                        options.only, device.id));
      RIDGELINE_CHECK(measurement.run(std::move(probes), one.set, power));
      if (options.instruments != nullptr && options.only.empty()) {
        one.set.idle_power = idle_power_of(*options.instruments, address, idle);
      }
    }
    one.datasheet = machine::datasheet_of(machine, device.id, one.set.threads, device.pci_address,
                                          device.name, device.memory);
    peaks.devices.push_back(std::move(one));
  }
  measurement.end();
  if (options.only.empty()) peaks.not_kept = keep(options, path, peaks);
  return peaks;
}

}  // namespace ridgeline::study
