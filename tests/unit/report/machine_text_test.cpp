// What `machine` prints, against approved texts of recorded machines.
#include "report/machine_text.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "machine/inventory.hpp"
#include "machine/settings.hpp"
#include "machine/validity.hpp"
#include "report/device_text.hpp"
#include "report/section.hpp"
#include "report/sensor_text.hpp"
#include "report/text.hpp"
#include "support/approved.hpp"
#include "support/recorded_tree.hpp"
#include "telemetry/source.hpp"

namespace ridgeline::report {
namespace {

using telemetry::Absence;
using telemetry::Domain;
using telemetry::Kind;

// The recorded machine as `machine --json` shows it, with these sensors.
Json machine_json(const std::string& name, const Json& sources,
                  const Json& devices = Json::array()) {
  const test::RecordedTree tree(name);
  tree.write("proc/sys/kernel/numa_balancing", "1\n");
  const machine::Machine machine = machine::inventory(tree.root());
  const machine::Settings settings = machine::read_settings(machine, tree.root());
  Json json = to_json(machine);
  json["settings"] = to_json(settings);
  json["sources"] = sources;
  json["devices"] = devices;
  json["ceilings"] = Json::object();
  json["flags"] = machine::to_json(machine::environment_flags(machine, 0, settings));
  return json;
}

Json source_json(const char* name, const std::vector<Domain>& domains,
                 const std::vector<Absence>& absences) {
  return {{"name", name},
          {"domains", telemetry::to_json(name, domains)},
          {"absences", telemetry::to_json(name, absences)}};
}

Domain domain(std::string id, Kind kind, std::string scope, std::string device = {},
              std::optional<double> period = {}, std::string note = {}) {
  Domain made;
  made.id = device.empty() ? std::move(id) : device + "/" + id;
  made.kind = kind;
  made.scope = std::move(scope);
  made.device = std::move(device);
  made.provenance = kind == Kind::kPower ? "sampled" : "counter";
  made.update_period = period;
  made.note = std::move(note);
  return made;
}

constexpr std::array kCards = {"0000:17:00.0", "0000:b1:00.0"};

// Two cards with eleven domains each.
Json nvml() {
  std::vector<Domain> domains;
  std::vector<Absence> absences;
  for (const char* card : kCards) {
    domains.push_back(domain("energy", Kind::kEnergy, "board", card, 0.1));
    domains.push_back(domain("power.instant", Kind::kPower, "gpu", card, 0.1));
    domains.push_back(domain("power.average", Kind::kPower, "gpu", card, 0.1, "averaged over 1 s"));
    for (const char* cause : {"sw_power_cap", "sw_thermal", "hw_thermal", "hw_power_brake"}) {
      domains.push_back(domain(std::string("throttle.") + cause, Kind::kThrottleTime, cause, card));
    }
    for (const char* unit : {"sm", "tensor", "fp16", "fp32"}) {
      domains.push_back(domain(std::string("activity.") + unit, Kind::kActivity, unit, card));
    }
    absences.push_back({Kind::kTraffic, "no NVLink bridge", "", card, "nvlink_rx"});
    absences.push_back({Kind::kTraffic, "no NVLink bridge", "", card, "nvlink_tx"});
  }
  return source_json("nvml", domains, absences);
}

Json card(const char* address) {
  telemetry::DeviceState state;
  state.pci_address = address;
  state.uuid = "GPU-secret";
  state.name = "NVIDIA H100 PCIe";
  state.driver_version = "550.90.07";
  state.performance_state = "P0";
  state.power_limit = 300;
  state.power_limit_default = 350;
  state.clock_max = 1.755e9;
  state.memory_clock_max = 1.593e9;
  state.memory_bandwidth = 2.039e12;
  state.memory_total = 80ull << 30;
  state.memory_used = 3ull << 30;
  state.ecc = true;
  state.mig = false;
  state.pcie_generation = state.pcie_generation_max = 5;
  state.pcie_width = 8;
  state.pcie_width_max = 16;
  state.throttle_reasons = {"gpu_idle"};
  state.processes = {{4711, "python3", 3ull << 30}};
  state.missing = {{"persistence", "the driver does not tell", "sudo nvidia-smi -pm 1"}};
  return to_json(state);
}

Json all_lack(const char* name, const std::vector<Kind>& kinds, const std::string& reason,
              const std::string& enable) {
  std::vector<Absence> absences;
  for (const Kind kind : kinds) absences.push_back({kind, reason, enable});
  return source_json(name, {}, absences);
}

TEST(MachineText_Recorded, intel_server_is_as_approved) {
  const Json rapl =
      source_json("rapl",
                  {domain("package-0", Kind::kEnergy, "package", "", 1e-3),
                   domain("package-1", Kind::kEnergy, "package", "", 1e-3),
                   domain("dram-0", Kind::kEnergy, "dram", "", 1e-3),
                   domain("dram-1", Kind::kEnergy, "dram", "", 1e-3)},
                  {{Kind::kEnergy, "no such domain in /sys/class/powercap", "", "", "psys"}});
  const Json uncore =
      all_lack("perf_uncore", {Kind::kTraffic}, "memory controller counters may not be read",
               "sudo sysctl kernel.perf_event_paranoid=0");
  Json devices = Json::array();
  for (const char* address : kCards) devices.push_back(card(address));
  const std::string text =
      machine_text(machine_json("intel-2s-smt", Json::array({nvml(), rapl, uncore}), devices));
  EXPECT_EQ(text.find("secret"), std::string::npos);
  test::expect_approved("machine_intel.txt", text);
}

TEST(MachineText_Recorded, virtual_machine_is_as_approved) {
  const Json sources = Json::array(
      {all_lack("nvml", {Kind::kEnergy, Kind::kPower, Kind::kTraffic}, "no NVIDIA device", ""),
       all_lack("rapl", {Kind::kEnergy, Kind::kPower},
                "no RAPL in /sys/class/powercap: virtual machine", "measure on bare metal"),
       all_lack("hwmon", {Kind::kEnergy, Kind::kPower, Kind::kTemperature},
                "no sensor in /sys/class/hwmon: virtual machine", "measure on bare metal")});
  test::expect_approved("machine_vm.txt", machine_text(machine_json("amd-vm", sources)));
}

TEST(MachineText_Recorded, arm_board_is_as_approved) {
  const Json hwmon = source_json(
      "hwmon",
      {domain("VDD_GPU_SOC", Kind::kPower, "board"), domain("VIN_SYS_5V0", Kind::kPower, "board")},
      {});
  test::expect_approved("machine_arm.txt",
                        machine_text(machine_json("arm-board", Json::array({hwmon}))));
}

TEST(MachineText_Recorded, lines_fit_a_terminal_unless_they_are_commands) {
  const std::string text = machine_text(machine_json("intel-2s-smt", Json::array({nvml()})));
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    if (line.find("→") != std::string::npos) continue;
    EXPECT_LE(display_width(line), kSectionColumns) << line;
  }
}

TEST(MachineText_Sensors, fold_devices_that_are_alike_and_keep_others_apart) {
  Json source = nvml();
  const std::string alike = sensor_text(Json::array({source}));
  EXPECT_NE(alike.find(" 0000:17:00.0, 0000:b1:00.0\n"), std::string::npos) << alike;
  source["domains"].erase(source["domains"].size() - 1);
  const std::string apart = sensor_text(Json::array({source}));
  EXPECT_EQ(apart.find(" 0000:17:00.0, 0000:b1:00.0\n"), std::string::npos) << apart;
  EXPECT_NE(apart.find(" 0000:17:00.0\n"), std::string::npos) << apart;
  EXPECT_NE(apart.find(" 0000:b1:00.0\n"), std::string::npos) << apart;
}

TEST(MachineText_Sensors, a_source_that_lacks_everything_for_one_reason_takes_one_line) {
  const Json source = all_lack("rapl", {Kind::kEnergy, Kind::kPower}, "it is not there", "");
  EXPECT_EQ(sensor_text(Json::array({source})),
            "Sensors\n  rapl           – energy, power: it is not there\n\n");
}

TEST(MachineText_Sensors, a_source_that_says_nothing_is_named) {
  EXPECT_EQ(sensor_text(Json::array({source_json("quiet", {}, {})})),
            "Sensors\n  quiet          –\n\n");
}

TEST(MachineText_Ceilings, are_shown_or_the_command_that_measures_them) {
  EXPECT_NE(ceiling_text(Json::object()).find("→ ridgeline peaks\n"), std::string::npos);
  EXPECT_NE(ceiling_text({{"missing", "peaks.json is damaged"}}).find("damaged"),
            std::string::npos);
  const auto ceiling = [](const char* id, const char* unit, const Json& value) {
    return Json{{"id", id}, {"unit", unit}, {"value", value}};
  };
  const Json set = {
      {"engine", "native"},
      {"device", "cpu"},
      {"threads", 2},
      {"measured_at", "2026-01-31T12:00:00Z"},
      {"ceilings",
       Json::array({ceiling("read", "B/s", 2.5e10), ceiling("read.l2", "B/s", 9e10),
                    ceiling("gemm.float32", "FLOP/s", 1.5e11),
                    ceiling("gemm.int8", "OP/s", nullptr), ceiling("launch", "s", 4e-6)})}};
  EXPECT_EQ(ceiling_text({{"sets", Json::array({set})}}),
            "Measured ceilings\n"
            "  cpu            read 25.00 GB/s, gemm.float32 150.0 GFLOP/s, launch 4.000 µs\n"
            "                 native, threads 2, 2026-01-31T12:00:00Z\n\n");
}

TEST(MachineText_Parts, what_an_engine_adds_becomes_a_section) {
  const Json machine = {{"torch", {{"version", "2.13.0+cpu"}, {"cuda", nullptr}}}};
  const std::string text = machine_text(machine);
  EXPECT_NE(text.find("torch\n  version        2.13.0+cpu\n  cuda           –\n"),
            std::string::npos)
      << text;
}

TEST(MachineText_Parts, the_worst_check_comes_first) {
  const auto flag = [](const char* severity) {
    return Json{{"id", "x"}, {"severity", severity}, {"detail", "y"}, {"advice", ""}};
  };
  const std::string text = machine_text(
      {{"flags", Json::array({flag("odd"), flag("info"), flag("warn"), flag("invalid")})}});
  EXPECT_LT(text.find("  invalid"), text.find("  warn"));
  EXPECT_LT(text.find("  warn"), text.find("  info"));
  EXPECT_LT(text.find("  info"), text.find("  odd"));
}

TEST(MachineText_Parts, names_cannot_write_to_the_terminal) {
  Json source = source_json("x\x1b[31m", {domain("a\nb", Kind::kEnergy, "c")}, {});
  const std::string text = sensor_text(Json::array({source}));
  EXPECT_EQ(text.find('\x1b'), std::string::npos);
  EXPECT_EQ(text.find("a\nb"), std::string::npos);
}

TEST(MachineText_Parts, survives_what_is_no_inventory) {
  for (const Json& json : {Json(), Json(3), Json::array({1}), Json{{"cpu", 7}, {"missing", "x"}}}) {
    EXPECT_NE(machine_text(json).find("CPU\n  model          –\n"), std::string::npos);
    const Json inside = {{"sources", json}, {"devices", json}, {"ceilings", json}, {"flags", json}};
    EXPECT_NE(machine_text(inside).find("CPU\n"), std::string::npos);
    const Json deeper = {
        {"sources",
         Json::array(
             {json, {{"domains", Json::array({json})}, {"absences", Json::array({json})}}})},
        {"devices", Json::array({json})},
        {"ceilings", {{"sets", Json::array({json})}}},
        {"flags", Json::array({json})}};
    EXPECT_NE(machine_text(deeper).find("CPU\n"), std::string::npos);
  }
}

}  // namespace
}  // namespace ridgeline::report
