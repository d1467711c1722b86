// Fills DeviceState, one fact after the other; each may be missing for a reason of its own.
#include "telemetry/nvml/device_facts.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "telemetry/nvml/fields.hpp"

namespace ridgeline::telemetry::nvml {
namespace {

// A GPU shared by more processes than this is not one to measure on.
constexpr std::uint32_t kMaxProcesses = 4096;

class Facts {
 public:
  Facts(const Library& library, DeviceHandle handle, DeviceState& state)
      : library_(library), handle_(handle), state_(state) {}

  /// A number that one function gives, times `scale`.
  template <typename T>
  void number(std::optional<T>& member, const char* field, Functions::GetNumber* function,
              double scale = 1) {
    std::uint32_t value = 0;
    const Return read = call(function, handle_, &value);
    if (read != Return::kSuccess) return missing(field, read);
    member = static_cast<T>(value * scale);
  }

  /// The same with a field to fall back to.
  void watts(std::optional<double>& member, const char* name, Functions::GetNumber* function,
             std::uint32_t field) {
    std::uint32_t milliwatts = 0;
    const Return read = call(function, handle_, &milliwatts);
    if (read == Return::kSuccess) {
      member = milliwatts * 1e-3;
      return;
    }
    FieldValue value{};
    value.field = field;
    ask(library_, handle_, {&value, 1});
    const double number = number_of(value);
    if (!std::isfinite(number)) return missing(name, read);
    member = number * 1e-3;
  }

  void flag(std::optional<bool>& member, const char* field, Functions::GetModes* function) {
    std::uint32_t current = 0;
    std::uint32_t pending = 0;
    const Return read = call(function, handle_, &current, &pending);
    if (read != Return::kSuccess) return missing(field, read);
    member = current == 1;
  }

  void max_clock(std::optional<double>& member, const char* field, std::uint32_t clock) {
    std::uint32_t megahertz = 0;
    const Return read = call(library_->max_clock, handle_, clock, &megahertz);
    if (read != Return::kSuccess) return missing(field, read);
    member = megahertz * 1e6;
  }

  void bandwidth() {
    std::uint32_t bits = 0;
    const Return read = call(library_->memory_bus_width, handle_, &bits);
    if (read != Return::kSuccess) return missing("memory_bandwidth", read);
    if (!state_.memory_clock_max || bits == 0) {
      return missing("memory_bandwidth", "the memory's clock or bus width is not told", "");
    }
    // Two transfers a clock.
    state_.memory_bandwidth = 2 * *state_.memory_clock_max * bits / 8;
  }

  void memory() {
    MemoryV2 newer{};
    newer.version = kMemoryV2;
    if (call(library_->memory_v2, handle_, &newer) == Return::kSuccess) {
      state_.memory_total = newer.total;
      state_.memory_used = newer.used;
      return;
    }
    Memory older{};
    const Return read = call(library_->memory, handle_, &older);
    if (read != Return::kSuccess) return missing("memory_total", read);
    state_.memory_total = older.total;
    state_.memory_used = older.used;
  }

  void persistence() {
    std::uint32_t mode = 0;
    const Return read = call(library_->persistence, handle_, &mode);
    if (read != Return::kSuccess) return missing("persistence", read);
    state_.persistence = mode == 1;
  }

  void performance_state() {
    std::uint32_t level = 0;
    const Return read = call(library_->performance_state, handle_, &level);
    if (read != Return::kSuccess) return missing("performance_state", read);
    if (level > 15) return missing("performance_state", "the driver does not know it", "");
    state_.performance_state = fmt::format("P{}", level);
  }

  void throttle_reasons() {
    unsigned long long bits = 0;
    const Return read = call(library_->throttle_reasons, handle_, &bits);
    if (read != Return::kSuccess) return missing("throttle_reasons", read);
    state_.throttle_reasons = throttle_names(bits);
  }

  void processes(const machine::Tree& tree) {
    const Functions& f = library_.functions();
    const Return compute = list(f.compute_processes, f.compute_processes_v1);
    const Return graphics = list(f.graphics_processes, f.graphics_processes_v1);
    // Many data centre GPUs have no graphics to list.
    if (compute != Return::kSuccess) missing("processes", compute);
    if (compute == Return::kSuccess && graphics == Return::kNoPermission) {
      missing("processes", graphics);
    }
    for (DeviceProcess& process : state_.processes) {
      process.name = tree.text(fmt::format("proc/{}/comm", process.pid)).value_or("");
    }
  }

 private:
  void missing(const char* field, Return status) {
    missing(field, reason_of(status), remedy_of(status));
  }
  void missing(const char* field, std::string reason, std::string enable) {
    state_.missing.push_back({field, std::move(reason), std::move(enable)});
  }

  Return list(Functions::GetProcesses<ProcessV2>* newer, Functions::GetProcesses<ProcessV1>* v1) {
    return newer != nullptr ? list_with(newer) : list_with(v1);
  }

  template <typename Process>
  Return list_with(Functions::GetProcesses<Process>* function) {
    std::vector<Process> found(64);
    std::uint32_t count = 0;
    Return read = Return::kInsufficientSize;
    // A process may start between two calls, so there is room to spare.
    while (read == Return::kInsufficientSize && found.size() <= kMaxProcesses) {
      count = static_cast<std::uint32_t>(found.size());
      read = call(function, handle_, &count, found.data());
      if (read == Return::kInsufficientSize) found.resize(found.size() * 4);
    }
    if (read != Return::kSuccess) return read;
    found.resize(std::min<std::size_t>(count, found.size()));
    for (const Process& process : found) merge(process.pid, process.used_memory);
    return read;
  }

  // A process may be listed for compute and for graphics, or once for each of its contexts.
  void merge(std::uint32_t pid, std::uint64_t used) {
    auto known = std::find_if(state_.processes.begin(), state_.processes.end(),
                              [&](const DeviceProcess& one) { return one.pid == pid; });
    if (known == state_.processes.end()) {
      known = state_.processes.insert(known, DeviceProcess{pid, "", std::nullopt});
    }
    if (used == kNotAvailable) return;
    known->memory_bytes = std::max(known->memory_bytes.value_or(0), used);
  }

  const Library& library_;
  DeviceHandle handle_;
  DeviceState& state_;
};

struct ReasonRow {
  std::uint64_t bit;
  const char* name;
};

constexpr ReasonRow kReasons[] = {
    {0x1, "gpu_idle"},      {0x2, "application_clocks"}, {0x4, "sw_power_cap"},
    {0x8, "hw_slowdown"},   {0x10, "sync_boost"},        {0x20, "sw_thermal"},
    {0x40, "hw_thermal"},   {0x80, "hw_power_brake"},    {0x100, "display_clocks"},
    {0x200, "board_limit"}, {0x400, "reliability"},
};

}  // namespace

std::vector<std::string> throttle_names(std::uint64_t bits) {
  std::vector<std::string> names;
  for (const ReasonRow& row : kReasons) {
    if ((bits & row.bit) != 0) names.emplace_back(row.name);
    bits &= ~row.bit;
  }
  for (int i = 0; i < 64; ++i) {
    const std::uint64_t bit = std::uint64_t{1} << i;
    if ((bits & bit) != 0) names.push_back(fmt::format("0x{:x}", bit));
  }
  return names;
}

DeviceState read_facts(const Library& library, DeviceHandle handle, const Identity& identity,
                       const machine::Tree& tree) {
  DeviceState state;
  state.pci_address = identity.pci_address;
  state.uuid = identity.uuid;
  state.name = identity.name;
  state.driver_version = library.driver_version();
  const Functions& f = library.functions();
  Facts facts(library, handle, state);
  facts.watts(state.power_limit, "power_limit", f.power_limit, kFieldPowerCurrentLimit);
  facts.watts(state.power_limit_default, "power_limit_default", f.power_limit_default,
              kFieldPowerDefaultLimit);
  facts.max_clock(state.clock_max, "clock_max", kClockSm);
  facts.max_clock(state.memory_clock_max, "memory_clock_max", kClockMemory);
  facts.bandwidth();
  facts.memory();
  facts.flag(state.ecc, "ecc", f.ecc);
  facts.flag(state.mig, "mig", f.mig);
  facts.persistence();
  facts.performance_state();
  facts.number(state.pcie_generation, "pcie_generation", f.pcie_generation);
  facts.number(state.pcie_width, "pcie_width", f.pcie_width);
  facts.number(state.pcie_generation_max, "pcie_generation_max", f.pcie_generation_max);
  facts.number(state.pcie_width_max, "pcie_width_max", f.pcie_width_max);
  facts.throttle_reasons();
  facts.processes(tree);
  return state;
}

}  // namespace ridgeline::telemetry::nvml
