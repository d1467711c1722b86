// What `machine` prints, against approved texts of recorded machines.
#include "report/machine_text.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "machine/inventory.hpp"
#include "machine/validity.hpp"
#include "support/approved.hpp"
#include "support/recorded_tree.hpp"
#include "telemetry/null_source.hpp"

namespace ridgeline::report {
namespace {

std::string text_of(const std::string& name) {
  const test::RecordedTree tree(name);
  const machine::Machine machine = machine::inventory(tree.root());
  return machine_text(to_json(machine), machine::to_json(machine::environment_flags(machine)),
                      telemetry::to_json(telemetry::null_source(tree.root())->probe().absences));
}

TEST(MachineText_Recorded, intel_server_is_as_approved) {
  test::expect_approved("machine_intel.txt", text_of("intel-2s-smt"));
}

TEST(MachineText_Recorded, virtual_machine_is_as_approved) {
  test::expect_approved("machine_vm.txt", text_of("amd-vm"));
}

TEST(MachineText_Recorded, arm_board_is_as_approved) {
  test::expect_approved("machine_arm.txt", text_of("arm-board"));
}

TEST(MachineText_Parts, what_an_engine_adds_becomes_a_section) {
  const Json machine = {{"torch", {{"version", "2.13.0+cpu"}, {"cuda", nullptr}}}};
  const std::string text = machine_text(machine, Json(), Json());
  EXPECT_NE(text.find("torch\n  version        2.13.0+cpu\n  cuda           –\n"),
            std::string::npos)
      << text;
}

TEST(MachineText_Parts, survives_what_is_no_inventory) {
  for (const Json& json : {Json(), Json(3), Json::array({1}), Json{{"cpu", 7}, {"missing", "x"}}}) {
    EXPECT_NE(machine_text(json, json, json).find("CPU\n  model          –\n"), std::string::npos);
  }
}

}  // namespace
}  // namespace ridgeline::report
