// The hardware table holds what it should, and a device gets its own row or none.
#include "machine/datasheet.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <regex.h>
#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "machine/datasheet_rows.hpp"

namespace ridgeline::machine {
namespace {

using testing::HasSubstr;

const std::vector<DatasheetRow>& rows() {
  return *datasheet_table();
}

std::optional<double> rate_of(const DatasheetRow& row, const std::string& dtype) {
  for (const auto& [name, value] : row.rates) {
    if (name == dtype) return value;
  }
  return std::nullopt;
}

// --- the table ----------------------------------------------------------------------------------

TEST(Datasheet_Table, is_read_whole) {
  ASSERT_TRUE(datasheet_table()) << datasheet_table().error().line();
  EXPECT_GE(rows().size(), 134u);
}

TEST(Datasheet_Table, has_plausible_figures) {
  const std::set<std::string> kinds = {"gpu", "cpu", "soc", "apu", "igpu", "npu", "asic", "tpu"};
  for (const DatasheetRow& row : rows()) {
    SCOPED_TRACE(row.name);
    EXPECT_TRUE(kinds.contains(row.kind));
    ASSERT_TRUE(row.bandwidth);
    EXPECT_GE(*row.bandwidth, 60e9);
    EXPECT_LE(*row.bandwidth, 30e12);
    for (const double size : row.memory) {
      EXPECT_GE(size, 4.0 * (1 << 30));
      EXPECT_LE(size, 600.0 * (1 << 30));
    }
    EXPECT_EQ(row.memory.empty(), row.kind == "cpu" && row.name.find("HBM") == std::string::npos);
    if (row.power) {
      EXPECT_GE(*row.power, 10);
      EXPECT_LE(*row.power, 2500);
    }
    for (const auto& [dtype, rate] : row.rates) {
      EXPECT_GE(rate, 5e10) << dtype;
      EXPECT_LE(rate, 1e17) << dtype;
    }
  }
}

TEST(Datasheet_Table, has_rates_that_grow_as_numbers_shrink) {
  for (const DatasheetRow& row : rows()) {
    SCOPED_TRACE(row.name);
    const auto not_above = [&](const char* low, const char* high) {
      const auto a = rate_of(row, low);
      const auto b = rate_of(row, high);
      if (!a || !b) return;
      EXPECT_LE(*a, *b * 1.001) << low << " above " << high;
    };
    not_above("float64", "float32");
    not_above("float64", "float64.matrix");
    not_above("float32", "float32.matrix");
    not_above("tfloat32", "float16");
    not_above("tfloat32", "bfloat16");
    not_above("float32", "bfloat16");
    not_above("bfloat16", "float8_e4m3");
    not_above("float8_e4m3", "float4_e2m1");
  }
}

TEST(Datasheet_Table, has_every_name_and_pci_id_once) {
  std::set<std::string> names;
  std::set<std::string> ids;
  for (const DatasheetRow& row : rows()) {
    EXPECT_TRUE(names.insert(row.vendor + row.name).second) << row.name;
    for (const std::string& id : row.pci_ids) {
      EXPECT_TRUE(ids.insert(id).second) << id << " of " << row.name;
      EXPECT_EQ(id.size(), 9u) << id;
      EXPECT_EQ(id.find(':'), 4u) << id;
      EXPECT_EQ(id.find_first_not_of("0123456789abcdef:"), std::string::npos) << id;
    }
  }
  EXPECT_GT(ids.size(), 80u);
}

TEST(Datasheet_Table, has_patterns_that_fit_their_own_example_alone) {
  for (const DatasheetRow& row : rows()) {
    ASSERT_FALSE(row.example.empty()) << row.name;
    regex_t compiled;
    ASSERT_EQ(::regcomp(&compiled, row.pattern.c_str(), REG_EXTENDED | REG_ICASE), 0) << row.name;
    for (const DatasheetRow& other : rows()) {
      const bool fits = ::regexec(&compiled, other.example.c_str(), 0, nullptr, 0) == 0;
      EXPECT_EQ(fits, &other == &row) << row.name << " and " << other.example;
    }
    ::regfree(&compiled);
  }
}

TEST(Datasheet_Table, names_its_sources_and_no_file_of_ours) {
  for (const DatasheetRow& row : rows()) {
    EXPECT_GT(row.source.size(), 2u) << row.name;
    for (const char* file : {".md", ".csv", "/work", "reference/"}) {
      EXPECT_EQ(row.source.find(file), std::string::npos) << row.name;
    }
  }
}

TEST(Datasheet_Table, counts_the_cores_of_processors_only) {
  for (const DatasheetRow& row : rows()) EXPECT_EQ(row.cores > 0, row.kind == "cpu") << row.name;
}

TEST(Datasheet_Parse, says_which_line_is_wrong) {
  const std::string head =
      "vendor,name,kind,match_regex,mem_gib,mem_bw_gbs,fp64_tf,fp64_matrix_tf,fp32_tf,"
      "fp32_matrix_tf,tf32_tf,fp16_tf,bf16_tf,fp8_tf,int8_tops,fp4_tf,tdp_w,cores,devices,"
      "evidence,source,example_device_name,pci_ids\n";
  const auto says = [&](const std::string& line) {
    const auto parsed = parse_datasheet(head + line);
    return parsed ? std::string("read") : parsed.error().message;
  };
  EXPECT_EQ(says("V,N,gpu,N,8;16,100,,,1,,,,,,,,,,1,C,\"s, t\",N,\n"), "read");
  EXPECT_THAT(says("V,N,gpu,N,8,fast,,,1,,,,,,,,,,1,C,s,N,\n"), HasSubstr("line 2: 'fast'"));
  EXPECT_THAT(says("V,N,gpu,N,8,-1,,,1,,,,,,,,,,1,C,s,N,\n"), HasSubstr("mem_bw_gbs"));
  EXPECT_THAT(says("V,N,gpu,N,8,nan,,,1,,,,,,,,,,1,C,s,N,\n"), HasSubstr("mem_bw_gbs"));
  EXPECT_THAT(says("V,N,gpu,N,8,1,,,1,,,,,,,,,,1,Z,s,N,\n"), HasSubstr("evidence"));
  EXPECT_THAT(says("V,,gpu,N,8,1,,,1,,,,,,,,,,1,C,s,N,\n"), HasSubstr("name"));
  EXPECT_THAT(says("V,N,gpu\n"), HasSubstr("line 2: not 23 columns"));
  EXPECT_THAT(says("V,\"N,gpu,N,8,1,,,1,,,,,,,,,,1,C,s,N,\n"), HasSubstr("columns"));
  EXPECT_FALSE(parse_datasheet(""));
  EXPECT_FALSE(parse_datasheet(std::string(23, ',')));
}

// --- accelerators -------------------------------------------------------------------------------

Datasheet by_name(const std::string& name, std::optional<double> gib = {}) {
  DeviceFacts facts;
  facts.name = name;
  if (gib) facts.memory = *gib * (1 << 30);
  return find_datasheet(facts, rows());
}

TEST(Datasheet_Accelerator, gets_its_own_row) {
  const Datasheet h200 = by_name("NVIDIA H200", 139.8);
  EXPECT_EQ(h200.name, "NVIDIA H200 SXM");
  EXPECT_EQ(h200.bandwidth.value, 4.8e12);
  EXPECT_EQ(h200.bandwidth.source, "datasheet");
  EXPECT_EQ(h200.rate("bfloat16").value, 989.4e12);
  EXPECT_EQ(h200.power.value, 700);
  EXPECT_EQ(by_name("NVIDIA L4").rate("bfloat16").value, 121e12);
  EXPECT_EQ(by_name("nvidia l40s").rate("bfloat16").value, 362.05e12);
  EXPECT_EQ(by_name("NVIDIA L40").name, "NVIDIA L40");
  EXPECT_EQ(by_name("NVIDIA GB200").name, "NVIDIA GB200 (per GPU)");
}

TEST(Datasheet_Accelerator, has_the_rate_of_matrix_units_where_they_differ) {
  EXPECT_DOUBLE_EQ(*by_name("NVIDIA H200").rate("float64").value, 66.9e12);
  EXPECT_EQ(by_name("NVIDIA L4").rate("float64").value, 0.49e12);
}

TEST(Datasheet_Accelerator, that_is_unknown_has_no_limits) {
  for (const char* name : {"NVIDIA GeForce RTX 4090 Laptop GPU", "NVIDIA H2000", "", "A100",
                           "NVIDIA GeForce RTX 9999"}) {
    const Datasheet sheet = by_name(name);
    EXPECT_EQ(sheet.name, "") << name;
    EXPECT_FALSE(sheet.bandwidth.value) << name;
    EXPECT_FALSE(sheet.rate("float32").value) << name;
    EXPECT_THAT(sheet.bandwidth.reason, HasSubstr("no row")) << name;
  }
  EXPECT_EQ(by_name(std::string(100'000, 'A') + "NVIDIA H200").name, "");
}

TEST(Datasheet_Accelerator, is_known_by_its_pci_id_first) {
  const DeviceFacts h200{"0x10DE", "0x2335", "NVIDIA L4", {}, {}};
  EXPECT_EQ(find_datasheet(h200, rows()).name, "NVIDIA H200 SXM");
  const DeviceFacts unknown_id{"10de", "ffff", "NVIDIA L4", {}, {}};
  EXPECT_EQ(find_datasheet(unknown_id, rows()).name, "NVIDIA L4");
}

TEST(Datasheet_Accelerator, with_another_memory_is_another_product) {
  const Datasheet slice = by_name("NVIDIA H200", 16);
  EXPECT_EQ(slice.name, "");
  EXPECT_THAT(slice.bandwidth.reason, HasSubstr("a slice of it"));
  EXPECT_EQ(by_name("Tesla V100-PCIE-32GB", 31.7).name, "NVIDIA Tesla V100 PCIe");
  EXPECT_EQ(by_name("Orin (nvgpu)", 7.4).name, "");  // the small module prints the same name
  EXPECT_EQ(by_name("NVIDIA A10", 22.1).name, "NVIDIA A10");  // ECC takes a sixteenth
}

TEST(Datasheet_Accelerator, of_two_devices_halves_what_each_has) {
  const Datasheet half = by_name("AMD Instinct MI250X", 64);
  EXPECT_DOUBLE_EQ(*half.bandwidth.value, 3276.8e9 / 2);
  EXPECT_DOUBLE_EQ(*half.rate("bfloat16").value, 191.5e12);
  EXPECT_EQ(half.bandwidth.source, "derived");
  ASSERT_EQ(half.notes.size(), 1u);
  EXPECT_FALSE(by_name("AMD Instinct MI250X").bandwidth.value);
  EXPECT_EQ(by_name("AMD Instinct MI250X", 128).rate("float16").value, 383e12);
}

TEST(Datasheet_Accelerator, whose_memory_clock_disagrees_says_so) {
  DeviceFacts facts;
  facts.name = "NVIDIA H200";
  facts.bandwidth = 4.9e12;
  EXPECT_TRUE(find_datasheet(facts, rows()).notes.empty());
  facts.bandwidth = 3.35e12;
  ASSERT_EQ(find_datasheet(facts, rows()).notes.size(), 1u);
  EXPECT_THAT(find_datasheet(facts, rows()).notes[0], HasSubstr("3350 GB/s"));
}

TEST(Datasheet_Device, is_found_on_the_bus) {
  Machine machine;
  Accelerator h200;
  h200.pci_address = "0000:17:00.0";
  h200.kind = "gpu";
  h200.vendor_id = "0x10de";
  h200.device_id = "0x2335";
  machine.accelerators = {h200, h200};
  EXPECT_EQ(datasheet_of(machine, "cuda:0", 0).name, "NVIDIA H200 SXM");
  machine.accelerators[1].pci_address = "0000:65:00.0";
  machine.accelerators[1].device_id = "0x27b8";
  const Datasheet which = datasheet_of(machine, "cuda:0", 0);
  EXPECT_THAT(which.bandwidth.reason, HasSubstr("several kinds"));
  EXPECT_EQ(which.bandwidth.enable, "ridgeline peaks --device cuda:0");
  EXPECT_EQ(datasheet_of(machine, "cuda:1", 0, "0000:65:00.0").name, "NVIDIA L4");
  machine.accelerators.clear();
  EXPECT_THAT(datasheet_of(machine, "cuda:0", 0).bandwidth.reason, HasSubstr("no accelerator"));
}

// --- processors ---------------------------------------------------------------------------------

Machine with_cpu(const std::string& model, int sockets, int cores) {
  Machine machine;
  machine.cpu.model = model;
  machine.cpu.sockets = sockets;
  machine.cpu.physical_cores = cores;
  machine.cpu.architecture = "x86_64";
  return machine;
}

TEST(Datasheet_Processor, has_the_sum_of_its_sockets) {
  const Machine two = with_cpu("AMD EPYC 9654 96-Core Processor", 2, 192);
  const Datasheet sheet = find_datasheet(two, 0, rows());
  EXPECT_EQ(sheet.name, "AMD EPYC 9654 (Genoa)");
  EXPECT_DOUBLE_EQ(*sheet.bandwidth.value, 2 * 460.8e9);
  EXPECT_DOUBLE_EQ(*sheet.rate("float32").value, 2 * 7.37e12);
  EXPECT_FALSE(sheet.rate("float16").value);
  EXPECT_TRUE(sheet.notes.empty());
  const Datasheet one =
      find_datasheet(with_cpu("AMD EPYC 9654 96-Core Processor", 1, 96), 0, rows());
  EXPECT_EQ(one.bandwidth.source, "datasheet");
}

TEST(Datasheet_Processor, divides_rates_by_cores_but_not_memory) {
  const Machine machine = with_cpu("AMD EPYC 9654 96-Core Processor", 1, 96);
  const Datasheet sheet = find_datasheet(machine, 8, rows());
  EXPECT_DOUBLE_EQ(*sheet.rate("float32").value, 7.37e12 * 8 / 96);
  EXPECT_EQ(sheet.rate("float32").source, "derived");
  EXPECT_DOUBLE_EQ(*sheet.bandwidth.value, 460.8e9);
  EXPECT_THAT(sheet.notes.at(0), HasSubstr("8 of 96 cores"));
}

TEST(Datasheet_Processor, in_a_virtual_machine_has_no_share_of_the_memory) {
  Machine machine = with_cpu("Intel(R) Xeon(R) Platinum 8480+", 1, 4);
  machine.virtualization.is_virtual = true;
  const Datasheet sheet = find_datasheet(machine, 0, rows());
  EXPECT_DOUBLE_EQ(*sheet.rate("bfloat16").value, 114.69e12 * 4 / 56);
  EXPECT_FALSE(sheet.bandwidth.value);
  EXPECT_THAT(sheet.bandwidth.reason, HasSubstr("4 of the 56 cores"));
  EXPECT_FALSE(sheet.power.value);
  EXPECT_THAT(sheet.notes.back(), HasSubstr("virtual machine"));
}

TEST(Datasheet_Processor, that_is_unknown_is_modelled_from_its_clock) {
  Machine machine = with_cpu("Intel(R) Xeon(R) Gold 6338 CPU @ 2.00GHz", 1, 4);
  machine.cpu.vendor = "Intel";
  machine.cpu.isa = {"avx2", "fma", "avx512f", "avx512_vnni"};
  const Datasheet sheet = find_datasheet(machine, 0, rows());
  EXPECT_EQ(sheet.name, "");
  EXPECT_DOUBLE_EQ(*sheet.rate("float32").value, 4 * 2.0e9 * 64);
  EXPECT_DOUBLE_EQ(*sheet.rate("float64").value, 4 * 2.0e9 * 32);
  EXPECT_DOUBLE_EQ(*sheet.rate("int8").value, 4 * 2.0e9 * 256);
  EXPECT_EQ(sheet.rate("float32").source, "modelled");
  EXPECT_FALSE(sheet.rate("bfloat16").value);
  EXPECT_FALSE(sheet.bandwidth.value);
  EXPECT_EQ(sheet.bandwidth.enable, "sudo dmidecode -t memory");
  EXPECT_THAT(sheet.source, HasSubstr("4 cores × 2 GHz"));
}

TEST(Datasheet_Processor, tells_zen_4_from_zen_5) {
  Machine machine = with_cpu("AMD EPYC", 1, 2);
  machine.cpu.vendor = "AMD";
  machine.cpu.base_hz = 3e9;
  machine.cpu.isa = {"avx2", "fma", "avx512f", "avx512_bf16"};
  EXPECT_DOUBLE_EQ(*find_datasheet(machine, 0, rows()).rate("bfloat16").value, 2 * 3e9 * 64);
  machine.cpu.isa.push_back("avx_vnni");
  EXPECT_DOUBLE_EQ(*find_datasheet(machine, 0, rows()).rate("bfloat16").value, 2 * 3e9 * 128);
  EXPECT_DOUBLE_EQ(*find_datasheet(machine, 1, rows()).rate("float32").value, 3e9 * 64);
}

TEST(Datasheet_Processor, whose_clock_or_instructions_are_unknown_has_no_limits) {
  Machine machine = with_cpu("AMD EPYC", 1, 2);
  EXPECT_THAT(find_datasheet(machine, 0, rows()).rate("float32").reason, HasSubstr("clock"));
  machine.cpu.base_hz = 3e9;
  EXPECT_THAT(find_datasheet(machine, 0, rows()).rate("float32").reason,
              HasSubstr("instruction set"));
  machine.cpu.architecture = "aarch64";
  machine.cpu.model = "Neoverse-N1";
  EXPECT_DOUBLE_EQ(*find_datasheet(machine, 0, rows()).rate("float32").value, 2 * 3e9 * 16);
}

TEST(Datasheet_Json, says_null_with_its_reason) {
  const Json json = to_json(by_name("NVIDIA H200"));
  EXPECT_EQ(json.at("name"), "NVIDIA H200 SXM");
  EXPECT_EQ(json.at("evidence"), "C");
  EXPECT_EQ(json.at("bandwidth").at("value"), 4.8e12);
  EXPECT_EQ(json.at("rates").at("int8").at("unit"), "OP/s");
  EXPECT_TRUE(json.at("rates").at("float4_e2m1").at("value").is_null());
  EXPECT_TRUE(json.at("rates").at("float4_e2m1").at("reason").is_string());
  EXPECT_TRUE(to_json(by_name("none")).at("name").is_null());
}

}  // namespace
}  // namespace ridgeline::machine
