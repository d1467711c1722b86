// Names and units of kinds, and what sources say as JSON.
#include "telemetry/source.hpp"

#include <array>
#include <nlohmann/json.hpp>

#include "base/json_values.hpp"

namespace ridgeline::telemetry {
namespace {

struct KindRow {
  Kind kind;
  std::string_view name;
  std::string_view unit;
  bool cumulative;
};

constexpr std::array kKinds = {
    KindRow{Kind::kEnergy, "energy", "J", true},
    KindRow{Kind::kPower, "power", "W", false},
    KindRow{Kind::kClock, "clock", "Hz", false},
    KindRow{Kind::kTemperature, "temperature", "Cel", false},
    KindRow{Kind::kThrottleTime, "throttle_time", "s", true},
    KindRow{Kind::kTraffic, "traffic", "B", true},
    KindRow{Kind::kActivity, "activity", "s", true},
    KindRow{Kind::kEvents, "events", "1", true},
};

const KindRow& row_of(Kind kind) {
  return kKinds[static_cast<std::size_t>(kind)];
}

}  // namespace

std::string_view name_of(Kind kind) {
  return row_of(kind).name;
}

std::string_view unit_of(Kind kind) {
  return row_of(kind).unit;
}

bool is_cumulative(Kind kind) {
  return row_of(kind).cumulative;
}

Json to_json(std::string_view source, const std::vector<Absence>& absences) {
  Json list = Json::array();
  for (const Absence& absence : absences) {
    list.push_back({{"kind", name_of(absence.kind)},
                    {"source", source},
                    {"scope", text_or_null(absence.scope)},
                    {"device", text_or_null(absence.device)},
                    {"reason", absence.reason},
                    {"enable", text_or_null(absence.enable)}});
  }
  return list;
}

Json to_json(std::string_view source, const std::vector<Domain>& domains) {
  Json list = Json::array();
  for (const Domain& domain : domains) {
    list.push_back({{"source", source},
                    {"id", domain.id},
                    {"kind", name_of(domain.kind)},
                    {"unit", unit_of(domain.kind)},
                    {"scope", domain.scope},
                    {"device", text_or_null(domain.device)},
                    {"provenance", domain.provenance},
                    {"resolution", domain.resolution},
                    {"update_period", or_null(domain.update_period)},
                    {"wraps_at", or_null(domain.wraps_at)},
                    {"systematic", or_null(domain.systematic)},
                    {"note", text_or_null(domain.note)}});
  }
  return list;
}

Json to_json(const DeviceState& device) {
  Json processes = Json::array();
  for (const DeviceProcess& process : device.processes) {
    processes.push_back({{"pid", process.pid},
                         {"name", text_or_null(process.name)},
                         {"memory_bytes", or_null(process.memory_bytes)}});
  }
  Json missing = Json::array();
  for (const DeviceState::Missing& one : device.missing) {
    missing.push_back(
        {{"field", one.field}, {"reason", one.reason}, {"enable", text_or_null(one.enable)}});
  }
  return {{"pci_address", device.pci_address},
          {"name", text_or_null(device.name)},
          {"driver_version", text_or_null(device.driver_version)},
          {"power_limit", or_null(device.power_limit)},
          {"power_limit_default", or_null(device.power_limit_default)},
          {"clock_max", or_null(device.clock_max)},
          {"memory_clock_max", or_null(device.memory_clock_max)},
          {"memory_bandwidth", or_null(device.memory_bandwidth)},
          {"memory_total", or_null(device.memory_total)},
          {"memory_used", or_null(device.memory_used)},
          {"ecc", or_null(device.ecc)},
          {"mig", or_null(device.mig)},
          {"persistence", or_null(device.persistence)},
          {"performance_state", or_null(device.performance_state)},
          {"pcie_generation", or_null(device.pcie_generation)},
          {"pcie_width", or_null(device.pcie_width)},
          {"pcie_generation_max", or_null(device.pcie_generation_max)},
          {"pcie_width_max", or_null(device.pcie_width_max)},
          {"throttle_reasons", device.throttle_reasons},
          {"processes", std::move(processes)},
          {"missing", std::move(missing)}};
}

}  // namespace ridgeline::telemetry
