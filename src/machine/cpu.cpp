// Reads /proc/cpuinfo and the frequency settings of sysfs.
#include "machine/cpu.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <set>

#include "machine/topology.hpp"

namespace ridgeline::machine {
namespace {

// Extensions that decide which kernels a framework picks, as /proc/cpuinfo spells them.
constexpr std::array<std::string_view, 27> kIsa = {
    "sse4_2",   "avx",      "f16c",        "fma",         "avx2",        "avx_vnni", "avx512f",
    "avx512bw", "avx512vl", "avx512_vnni", "avx512_bf16", "avx512_fp16", "amx_tile", "amx_int8",
    "amx_bf16", "amx_fp16", "asimd",       "asimdhp",     "asimddp",     "i8mm",     "bf16",
    "sve",      "sve2",     "svei8mm",     "svebf16",     "sme",         "sme2"};

struct ArmPart {
  std::int64_t implementer;
  std::int64_t part;
  std::string_view name;
};

// Main ID register values, from Arm's and the vendors' technical reference manuals (the same table
// that lscpu carries).
constexpr std::array kArmParts = {
    ArmPart{0x41, 0xd03, "Cortex-A53"},   ArmPart{0x41, 0xd04, "Cortex-A35"},
    ArmPart{0x41, 0xd05, "Cortex-A55"},   ArmPart{0x41, 0xd07, "Cortex-A57"},
    ArmPart{0x41, 0xd08, "Cortex-A72"},   ArmPart{0x41, 0xd09, "Cortex-A73"},
    ArmPart{0x41, 0xd0a, "Cortex-A75"},   ArmPart{0x41, 0xd0b, "Cortex-A76"},
    ArmPart{0x41, 0xd0c, "Neoverse-N1"},  ArmPart{0x41, 0xd0d, "Cortex-A77"},
    ArmPart{0x41, 0xd40, "Neoverse-V1"},  ArmPart{0x41, 0xd41, "Cortex-A78"},
    ArmPart{0x41, 0xd42, "Cortex-A78AE"}, ArmPart{0x41, 0xd44, "Cortex-X1"},
    ArmPart{0x41, 0xd46, "Cortex-A510"},  ArmPart{0x41, 0xd47, "Cortex-A710"},
    ArmPart{0x41, 0xd48, "Cortex-X2"},    ArmPart{0x41, 0xd49, "Neoverse-N2"},
    ArmPart{0x41, 0xd4a, "Neoverse-E1"},  ArmPart{0x41, 0xd4d, "Cortex-A715"},
    ArmPart{0x41, 0xd4e, "Cortex-X3"},    ArmPart{0x41, 0xd4f, "Neoverse-V2"},
    ArmPart{0x41, 0xd80, "Cortex-A520"},  ArmPart{0x41, 0xd81, "Cortex-A720"},
    ArmPart{0x41, 0xd82, "Cortex-X4"},    ArmPart{0x41, 0xd84, "Neoverse-V3"},
    ArmPart{0x41, 0xd8e, "Neoverse-N3"},  ArmPart{0x46, 0x001, "A64FX"},
    ArmPart{0x48, 0xd01, "Kunpeng-920"},  ArmPart{0x4e, 0x004, "Carmel"},
    ArmPart{0xc0, 0xac3, "Ampere-1"},     ArmPart{0xc0, 0xac4, "Ampere-1a"},
};

struct ArmImplementer {
  std::int64_t id;
  std::string_view name;
};
constexpr std::array kArmImplementers = {
    ArmImplementer{0x41, "ARM"},       ArmImplementer{0x42, "Broadcom"},
    ArmImplementer{0x43, "Cavium"},    ArmImplementer{0x46, "Fujitsu"},
    ArmImplementer{0x48, "HiSilicon"}, ArmImplementer{0x4e, "NVIDIA"},
    ArmImplementer{0x50, "APM"},       ArmImplementer{0x51, "Qualcomm"},
    ArmImplementer{0x56, "Marvell"},   ArmImplementer{0x61, "Apple"},
    ArmImplementer{0x6d, "Microsoft"}, ArmImplementer{0xc0, "Ampere"},
};

std::optional<std::int64_t> parse_hex(std::string_view text) {
  if (text.size() < 3 || text.size() > 10 || text.substr(0, 2) != "0x") return std::nullopt;
  std::int64_t value = 0;
  for (const char c : text.substr(2)) {
    const auto digit = std::string_view("0123456789abcdef").find(c);
    if (digit == std::string_view::npos) return std::nullopt;
    value = value * 16 + static_cast<std::int64_t>(digit);
  }
  return value;
}

std::string arm_model(std::int64_t implementer, std::int64_t part) {
  for (const ArmPart& row : kArmParts) {
    if (row.implementer == implementer && row.part == part) return std::string(row.name);
  }
  return fmt::format("implementer 0x{:02x} part 0x{:03x}", implementer, part);
}

std::string arm_vendor(std::int64_t implementer) {
  for (const ArmImplementer& row : kArmImplementers) {
    if (row.id == implementer) return std::string(row.name);
  }
  return fmt::format("implementer 0x{:02x}", implementer);
}

std::string vendor_name(std::string_view vendor_id) {
  if (vendor_id == "GenuineIntel") return "Intel";
  if (vendor_id == "AuthenticAMD") return "AMD";
  if (vendor_id == "HygonGenuine") return "Hygon";
  if (vendor_id == "CentaurHauls") return "Zhaoxin";
  return std::string(vendor_id);
}

std::set<std::string_view> words(std::string_view text) {
  std::set<std::string_view> found;
  while (!text.empty()) {
    const auto end = text.find(' ');
    if (end != 0) found.insert(text.substr(0, end));
    if (end == std::string_view::npos) break;
    text.remove_prefix(end + 1);
  }
  return found;
}

// What /proc/cpuinfo says about all processors together.
struct Cpuinfo {
  std::optional<std::string> vendor;
  std::vector<std::string> models;  // distinct, in order of appearance
  std::optional<std::string> architecture;
  std::vector<std::string> isa;  // what every processor has
};

void add_model(Cpuinfo& info, std::string model) {
  if (std::find(info.models.begin(), info.models.end(), model) == info.models.end()) {
    info.models.push_back(std::move(model));
  }
}

void keep_common_isa(Cpuinfo& info, std::string_view flags, bool first) {
  const auto present = words(flags);
  if (first) {
    for (const std::string_view name : kIsa) {
      if (present.contains(name)) info.isa.emplace_back(name);
    }
    return;
  }
  std::erase_if(info.isa, [&](const std::string& name) { return !present.contains(name); });
}

Cpuinfo read_cpuinfo(const Tree& tree) {
  Cpuinfo info;
  const std::string text = tree.text("proc/cpuinfo").value_or("");
  bool first_flags = true;
  std::int64_t implementer = 0;
  for (const std::string_view line : split_lines(text)) {
    const auto pair = key_value(line);
    if (!pair) continue;
    const auto& [key, value] = *pair;
    if (key == "vendor_id") info.vendor = vendor_name(value);
    if (key == "model name") add_model(info, std::string(value));
    if (key == "CPU implementer") {
      implementer = parse_hex(value).value_or(0);
      info.vendor = arm_vendor(implementer);
    }
    if (key == "CPU part") add_model(info, arm_model(implementer, parse_hex(value).value_or(0)));
    if (key == "CPU architecture" && value >= "8") info.architecture = "aarch64";
    if (key == "flags" || key == "Features") {
      keep_common_isa(info, value, first_flags);
      if (first_flags && key == "flags") {
        info.architecture = words(value).contains("lm") ? "x86_64" : "i686";
      }
      first_flags = false;
    }
  }
  if (const auto arch = tree.text("proc/sys/kernel/arch")) info.architecture = *arch;
  return info;
}

std::string cpu_path(int cpu, std::string_view file) {
  return fmt::format("sys/devices/system/cpu/cpu{}/{}", cpu, file);
}

std::optional<double> megahertz(const Tree& tree, const std::string& path, double scale) {
  const auto value = tree.integer(path);
  if (!value || *value <= 0) return std::nullopt;
  return static_cast<double>(*value) * scale;
}

void read_clocks(const Tree& tree, Cpu& cpu) {
  for (const LogicalCpu& logical : cpu.logical) {
    // kHz in cpufreq, MHz in acpi_cppc.
    const auto max = megahertz(tree, cpu_path(logical.id, "cpufreq/cpuinfo_max_freq"), 1e3);
    auto base = megahertz(tree, cpu_path(logical.id, "cpufreq/base_frequency"), 1e3);
    if (!base) base = megahertz(tree, cpu_path(logical.id, "acpi_cppc/nominal_freq"), 1e6);
    if (max) cpu.max_hz = std::max(cpu.max_hz.value_or(0), *max);
    if (base) cpu.base_hz = std::max(cpu.base_hz.value_or(0), *base);
    if (const auto governor = tree.text(cpu_path(logical.id, "cpufreq/scaling_governor"))) {
      const bool differs = cpu.governor && *cpu.governor != *governor;
      cpu.governor = differs ? "mixed" : *governor;
    }
  }
}

void read_switches(const Tree& tree, Cpu& cpu) {
  if (const auto off = tree.integer("sys/devices/system/cpu/intel_pstate/no_turbo")) {
    cpu.boost = *off == 0;
  } else if (const auto on = tree.integer("sys/devices/system/cpu/cpufreq/boost")) {
    cpu.boost = *on != 0;
  }
  const auto active = tree.integer("sys/devices/system/cpu/smt/active");
  const std::string control = tree.text("sys/devices/system/cpu/smt/control").value_or("");
  if (control == "notsupported" || control == "notimplemented") {
    // Virtual machines say "notsupported" even when their siblings are visible.
    cpu.smt = cpu.threads_per_core > 1 ? "on" : "not supported";
  } else if (active) {
    cpu.smt = *active != 0 ? "on" : "off";
  } else if (cpu.threads_per_core > 1) {
    cpu.smt = "on";
  }
}

void explain_cpu(const Tree& tree, const Cpu& cpu, bool is_virtual, std::vector<Missing>& missing) {
  if (!cpu.model) missing.push_back({"cpu.model", tree.why("proc/cpuinfo"), ""});
  if (!cpu.vendor) missing.push_back({"cpu.vendor", tree.why("proc/cpuinfo"), ""});
  if (!cpu.architecture) missing.push_back({"cpu.architecture", tree.why("proc/cpuinfo"), ""});
  const bool has_cpufreq = tree.exists("sys/devices/system/cpu/cpu0/cpufreq");
  const std::string no_cpufreq = is_virtual ? "virtual machine: the hypervisor sets the clocks"
                                            : "the kernel has no cpufreq driver for this processor";
  const auto clock_reason = [&](const std::string& path) {
    return has_cpufreq ? tree.why(path) : no_cpufreq;
  };
  const bool is_x86 = cpu.architecture == "x86_64";
  const std::string driver =
      is_virtual || has_cpufreq || !is_x86 ? "" : "sudo modprobe acpi_cpufreq";
  if (!cpu.governor) {
    missing.push_back(
        {"cpu.governor", clock_reason(cpu_path(0, "cpufreq/scaling_governor")), driver});
  }
  if (!cpu.max_hz) {
    missing.push_back(
        {"cpu.max_hz", clock_reason(cpu_path(0, "cpufreq/cpuinfo_max_freq")), driver});
  }
  if (!cpu.base_hz) {
    missing.push_back(
        {"cpu.base_hz", clock_reason(cpu_path(0, "cpufreq/base_frequency")),
         is_virtual || !tree.exists("sys/class/dmi/id") ? "" : "sudo dmidecode -t processor"});
  }
  if (!cpu.boost) {
    missing.push_back({"cpu.boost", clock_reason("sys/devices/system/cpu/cpufreq/boost"), driver});
  }
  if (!cpu.smt) missing.push_back({"cpu.smt", tree.why("sys/devices/system/cpu/smt/control"), ""});
}

}  // namespace

bool has_hypervisor_flag(const Tree& tree) {
  const std::string text = tree.text("proc/cpuinfo").value_or("");
  for (const std::string_view line : split_lines(text)) {
    const auto pair = key_value(line);
    if (pair && pair->first == "flags") return words(pair->second).contains("hypervisor");
  }
  return false;
}

Cpu read_cpu(const Tree& tree, bool is_virtual, std::vector<Missing>& missing) {
  Cpu cpu;
  const Cpuinfo info = read_cpuinfo(tree);
  cpu.vendor = info.vendor;
  cpu.architecture = info.architecture;
  cpu.isa = info.isa;
  if (!info.models.empty()) cpu.model = fmt::format("{}", fmt::join(info.models, " + "));
  read_topology(tree, is_virtual, cpu, missing);
  read_clocks(tree, cpu);
  read_switches(tree, cpu);
  explain_cpu(tree, cpu, is_virtual, missing);
  return cpu;
}

}  // namespace ridgeline::machine
