// Finds out which domains a GPU has, and says why it lacks the others.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "telemetry/nvml/device.hpp"

namespace ridgeline::telemetry::nvml {
namespace {

// Between boards of one model, and linear: two runs on one board may differ by less (Yang, Adamek,
// Armour, SC24, arXiv 2312.02741).
constexpr double kSystematic = 0.05;

constexpr const char* kAllowProfiling =
    "run as root, or: echo options nvidia NVreg_RestrictProfilingToAdminUsers=0 | sudo tee "
    "/etc/modprobe.d/nvidia-profiling.conf, then reboot";

// Of energy and power, as measured by Yang et al.; empty where they did not look.
std::optional<double> power_period(std::uint32_t architecture) {
  if (architecture == kArchitectureUnknown) return std::nullopt;
  return architecture <= kArchitectureVolta ? 0.02 : 0.1;
}

// The sensor looks at a part of each period only (Yang et al., for those two).
std::string coverage_note(std::uint32_t architecture) {
  const bool partial = architecture == kArchitectureAmpere || architecture == kArchitectureHopper;
  return partial ? "data centre models: mean over about 25 ms of every 100 ms" : "";
}

void append_note(std::string& note, std::string_view more) {
  if (more.empty()) return;
  if (!note.empty()) note += "; ";
  note += more;
}

// "RmProfilingAdminOnly: 1" of the driver's parameters.
bool profiling_is_restricted(const machine::Tree& tree) {
  const auto parameters = tree.text("proc/driver/nvidia/params");
  if (!parameters) return false;
  for (const std::string_view line : machine::split_lines(*parameters)) {
    const auto pair = machine::key_value(line);
    if (pair && pair->first == "RmProfilingAdminOnly") return pair->second == "1";
  }
  return false;
}

struct Explanation {
  std::string reason;
  std::string enable;
};

Explanation gpm_permission(const machine::Tree& tree) {
  std::string reason = "GPM may not be read by this user";
  if (profiling_is_restricted(tree)) reason += " (RmProfilingAdminOnly is 1)";
  return {std::move(reason), kAllowProfiling};
}

Explanation why_no_gpm(const GpmCounter::Opened& opened, const Identity& identity,
                       const machine::Tree& tree) {
  using Step = GpmCounter::Opened::Step;
  if (opened.step == Step::kStreaming) {
    return {fmt::format("GPM is switched off on this GPU, and cannot be switched on: {}",
                        reason_of(opened.status)),
            fmt::format("sudo nvidia-smi gpm -i {} -s 1", identity.index)};
  }
  if (opened.status == Return::kNoPermission) return gpm_permission(tree);
  if (opened.step == Step::kSupport && opened.status == Return::kFunctionNotFound) {
    return {"this driver's library has no GPM", "update the NVIDIA driver to 525 or newer"};
  }
  if (opened.step == Step::kSupport && opened.status == Return::kNotSupported) {
    return {"GPM needs Hopper or newer (GeForce: Blackwell or newer)", ""};
  }
  return {fmt::format("GPM gives no sample{}: {}", identity.mig ? " while MIG is on" : "",
                      reason_of(opened.status)),
          remedy_of(opened.status)};
}

std::size_t wide_answers(const std::vector<FieldValue>& answers) {
  return static_cast<std::size_t>(
      std::count_if(answers.begin(), answers.end(), [](const FieldValue& answer) {
        return answer.status == Return::kSuccess && is_wide(answer.type);
      }));
}

// Why a counter of time cannot be had.
Explanation why_no_time(const FieldValue& answer) {
  if (answer.status == Return::kSuccess) {
    return {"the driver answers in 32 bits, which is no counter of nanoseconds", ""};
  }
  return {reason_of(answer.status), remedy_of(answer.status)};
}

}  // namespace

void Device::probe_device(const machine::Tree& tree, Probe& probe) {
  probe_energy(probe);
  probe_sampled(probe);
  probe_calls(probe);
  probe_throttle(probe);
  probe_gpm(tree, probe);
}

std::vector<FieldValue> Device::answers(std::span<const FieldRow> rows) const {
  std::vector<FieldValue> values(rows.size());
  for (std::size_t i = 0; i < rows.size(); ++i) {
    values[i].field = rows[i].field;
    values[i].scope = rows[i].scope_id;
  }
  ask(*library_, handle_, values);
  return values;
}

void Device::add(Probe& probe, Domain domain, Channel channel) {
  domain.id = fmt::format("{}/{}", identity_.pci_address, domain.id);
  domain.device = identity_.pci_address;
  if (domain.kind == Kind::kEnergy || domain.kind == Kind::kPower) {
    domain.systematic = kSystematic;
    if (!domain.update_period) domain.update_period = power_period(identity_.architecture);
    if (identity_.mig) append_note(domain.note, "MIG is on: the whole GPU, not one slice");
  }
  probe.domains.push_back(std::move(domain));
  channels_.push_back(channel);
}

void Device::add_field(Probe& probe, const FieldRow& row, ValueType type) {
  Domain domain{row.id, row.kind, row.scope};
  const bool counter = is_cumulative(row.kind);
  domain.provenance = counter ? "counter" : "sampled";
  domain.resolution = row.resolution;
  domain.note = row.note;
  if (row.field == kFieldPowerInstant) {
    append_note(domain.note, coverage_note(identity_.architecture));
  }
  if (counter && !is_wide(type)) domain.wraps_at = 4294967296.0 * row.scale;
  add(probe, std::move(domain),
      {How::kField, row.field, row.scope_id, row.scale, row.zero_is_nothing});
}

void Device::add_absence(Probe& probe, Kind kind, std::string scope, std::string reason,
                         std::string enable) const {
  probe.absences.push_back(
      {kind, std::move(reason), std::move(enable), identity_.pci_address, std::move(scope)});
}

void Device::probe_energy(Probe& probe) {
  const auto rows = energy_rows();
  const std::vector<FieldValue> values = answers(rows);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (std::isfinite(number_of(values[i]))) return add_field(probe, rows[i], values[i].type);
  }
  unsigned long long millijoules = 0;
  const Return read = call((*library_)->total_energy, handle_, &millijoules);
  if (read != Return::kSuccess) {
    const bool old = read == Return::kNotSupported || read == Return::kFunctionNotFound;
    return add_absence(probe, Kind::kEnergy, "board",
                       fmt::format("no energy counter: {}{}", reason_of(read),
                                   old ? " (it needs Volta or newer)" : ""),
                       remedy_of(read));
  }
  Domain domain{"energy", Kind::kEnergy, "board"};
  domain.provenance = "counter";
  domain.resolution = 1e-3;
  add(probe, std::move(domain), {How::kEnergyCall, 0, 0, 1e-3, false});
}

void Device::probe_sampled(Probe& probe) {
  const auto rows = sampled_rows();
  const std::vector<FieldValue> values = answers(rows);
  bool board = false;
  bool module = false;
  bool memory = false;
  Return board_status = Return::kNotSupported;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const FieldRow& row = rows[i];
    const double number = number_of(values[i]);
    const bool power = row.kind == Kind::kPower;
    if (power && row.scope_id == kScopeGpu) board_status = values[i].status;
    if (!std::isfinite(number) || (number == 0 && row.zero_is_nothing)) {
      if (row.kind == Kind::kTemperature) {
        add_absence(probe, row.kind, row.scope, "the memory's temperature is not told", "");
      }
      continue;
    }
    add_field(probe, row, values[i].type);
    board = board || (power && row.scope_id == kScopeGpu);
    module = module || (power && row.scope_id == kScopeModule);
    memory = memory || (power && row.scope_id == kScopeMemory);
  }
  if (!memory) {
    add_absence(probe, Kind::kPower, "memory",
                "the memory's power is told on Hopper and newer only", "");
  }
  if (board) return;
  if (module) {
    return add_absence(probe, Kind::kPower, "board", "only the power of the whole module is told",
                       "");
  }
  probe_power_usage(probe, board_status);
}

void Device::probe_power_usage(Probe& probe, Return field_status) {
  std::uint32_t milliwatts = 0;
  const Return read = call((*library_)->power_usage, handle_, &milliwatts);
  if (read != Return::kSuccess || milliwatts == 0) {
    const Return status = read == Return::kSuccess ? field_status : read;
    return add_absence(probe, Kind::kPower, "board",
                       fmt::format("no power reading: {}", reason_of(status)), remedy_of(status));
  }
  Domain domain{"power.usage", Kind::kPower, "board"};
  domain.provenance = "sampled";
  domain.resolution = 1e-3;
  // What nvmlDeviceGetPowerUsage means depends on the chip.
  const bool newer = identity_.architecture != kArchitectureUnknown &&
                     identity_.architecture >= kArchitectureAmpere;
  if (newer) domain.note = "averaged over 1 s (A100 and A30: not averaged)";
  if (identity_.architecture == kArchitectureUnknown) {
    domain.note = "averaged over 1 s on Ampere or newer (A100 and A30: not averaged)";
  }
  add(probe, std::move(domain), {How::kPowerCall, 0, 0, 1e-3, true});
}

void Device::probe_calls(Probe& probe) {
  struct ClockRow {
    std::uint32_t clock;
    const char* id;
    const char* scope;
  };
  constexpr ClockRow kClocks[] = {{kClockSm, "clock.sm", "sm"},
                                  {kClockMemory, "clock.memory", "memory"},
                                  {kClockGraphics, "clock.graphics", "graphics"}};
  for (const ClockRow& row : kClocks) {
    std::uint32_t megahertz = 0;
    const Return read = call((*library_)->clock, handle_, row.clock, &megahertz);
    if (read != Return::kSuccess) {
      add_absence(probe, Kind::kClock, row.scope, reason_of(read), remedy_of(read));
      continue;
    }
    Domain domain{row.id, Kind::kClock, row.scope};
    domain.provenance = "sampled";
    domain.resolution = 1e6;
    add(probe, std::move(domain), {How::kClockCall, row.clock, 0, 1e6, false});
  }
  double celsius = 0;
  const Return read = read_temperature(*library_, handle_, celsius);
  if (read != Return::kSuccess) {
    return add_absence(probe, Kind::kTemperature, "gpu", reason_of(read), remedy_of(read));
  }
  Domain domain{"temperature", Kind::kTemperature, "gpu"};
  domain.provenance = "sampled";
  domain.resolution = 1;
  add(probe, std::move(domain), {How::kTemperatureCall, 0, 0, 1, false});
}

void Device::probe_throttle(Probe& probe) {
  const auto rows = throttle_rows();
  const std::vector<FieldValue> values = answers(rows);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (values[i].status == Return::kSuccess && is_wide(values[i].type)) {
      add_field(probe, rows[i], values[i].type);
    } else if (rows[i].field == kFieldPolicyPower) {
      Explanation why = why_no_time(values[i]);
      add_absence(probe, rows[i].kind, rows[i].scope, std::move(why.reason), std::move(why.enable));
    }
  }
  // Two numberings, told apart by their answers: settings of power smoothing, which have the other
  // range's numbers, are 32 bits wide.
  const std::vector<FieldValue> now = answers(thermal_rows());
  const std::vector<FieldValue> of_575 = answers(thermal_rows_of_575());
  const bool ambiguous = wide_answers(now) > 0 && wide_answers(of_575) > 0;
  const bool older = wide_answers(now) == 0 && wide_answers(of_575) > 0;
  const auto thermal = older ? thermal_rows_of_575() : thermal_rows();
  const std::vector<FieldValue>& told = older ? of_575 : now;
  for (std::size_t i = 0; i < thermal.size(); ++i) {
    if (!ambiguous && told[i].status == Return::kSuccess && is_wide(told[i].type)) {
      add_field(probe, thermal[i], told[i].type);
      continue;
    }
    Explanation why = why_no_time(told[i]);
    if (ambiguous) why = {"this driver's numbering of its fields is not known", ""};
    add_absence(probe, thermal[i].kind, thermal[i].scope, std::move(why.reason),
                std::move(why.enable));
  }
}

void Device::probe_gpm(const machine::Tree& tree, Probe& probe) {
  GpmCounter::Opened opened = GpmCounter::open(library_, handle_, clock_);
  if (opened.counter == nullptr) {
    const Explanation why = why_no_gpm(opened, identity_, tree);
    add_absence(probe, Kind::kTraffic, "", why.reason, why.enable);
    add_absence(probe, Kind::kActivity, "", why.reason, why.enable);
    return;
  }
  gpm_ = std::move(opened.counter);
  const auto rows = gpm_rows();
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const GpmRow& row = rows[i];
    if (!gpm_->has(i)) {
      const bool width = row.rate == GpmRow::Rate::kDramShare && !gpm_->knows_bandwidth();
      add_absence(probe, row.kind, row.scope,
                  width ? "the width of the memory's bus is not told" : "not supported by this GPU",
                  width ? "update the NVIDIA driver" : "");
      continue;
    }
    Domain domain{row.id, row.kind, row.scope};
    domain.provenance = "counter";
    domain.resolution = row.kind == Kind::kTraffic ? 1.0 : 1e-6;
    domain.update_period = 0.1;
    domain.note = row.note;
    add(probe, std::move(domain), {How::kGpm, static_cast<std::uint32_t>(i), 0, 1, false});
  }
}

}  // namespace ridgeline::telemetry::nvml
