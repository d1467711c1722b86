// The limits of a processor: from its row, or from cores, clock and instruction set.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

#include "machine/datasheet.hpp"
#include "machine/datasheet_rows.hpp"

namespace ridgeline::machine {
namespace {

// Operations per cycle of one core, a multiply-add being two; 0: not known.
struct PerCycle {
  std::string_view what;
  double float32 = 0;
  double bfloat16 = 0;
  double float16 = 0;
  double int8 = 0;
};

bool has(const Cpu& cpu, std::string_view extension) {
  return std::find(cpu.isa.begin(), cpu.isa.end(), extension) != cpu.isa.end();
}

// Vendors' optimisation guides: two 512-bit FMA ports of Intel's servers, 512-bit operations in two
// halves on Zen 4 and whole ones on Zen 5 (which has AVX-VNNI, Zen 4 does not), a tile product of
// AMX in 16 cycles.
PerCycle x86_rates(const Cpu& cpu) {
  const bool amd = cpu.vendor == "AMD";
  if (has(cpu, "avx512f") && amd) {
    const double width = has(cpu, "avx_vnni") ? 2 : 1;
    return {width == 2 ? "AVX-512 of Zen 5" : "AVX-512 of Zen 4", 32 * width,
            has(cpu, "avx512_bf16") ? 64 * width : 0, 0, has(cpu, "avx512_vnni") ? 128 * width : 0};
  }
  if (has(cpu, "avx512f")) {
    PerCycle rates{"AVX-512 with two FMA ports", 64, 0, 0, 0};
    if (has(cpu, "avx512_bf16")) rates.bfloat16 = 128;
    if (has(cpu, "avx512_fp16")) rates.float16 = 128;
    if (has(cpu, "avx512_vnni")) rates.int8 = 256;
    if (has(cpu, "amx_bf16")) rates.bfloat16 = 1024;
    if (has(cpu, "amx_fp16")) rates.float16 = 1024;
    if (has(cpu, "amx_int8")) rates.int8 = 2048;
    if (has(cpu, "amx_tile")) rates.what = "AVX-512 with two FMA ports, and AMX";
    return rates;
  }
  if (has(cpu, "avx2") && has(cpu, "fma")) return {"AVX2 with two FMA ports", 32, 0, 0, 0};
  return {};
}

PerCycle arm_rates(const Cpu& cpu) {
  const std::string model = cpu.model.value_or("");
  if (model == "Neoverse-N1") return {"two 128-bit NEON units", 16, 0, 32, 64};
  if (model == "Neoverse-V1" || model == "Neoverse-V2") {
    return {"512 bits of SVE units, with matrix instructions", 32, 128, 64, 256};
  }
  return {};
}

// "… CPU @ 2.30GHz" of Intel's model names.
std::optional<double> clock_in_name(const std::string& model) {
  const auto at = model.rfind("@ ");
  if (at == std::string::npos) return std::nullopt;
  const char* const end = model.data() + model.size();
  double gigahertz = 0;
  const auto [stop, error] = std::from_chars(model.data() + at + 2, end, gigahertz);
  if (error != std::errc() || std::string_view(stop, end) != "GHz") return std::nullopt;
  if (!(gigahertz > 0.1 && gigahertz < 20)) return std::nullopt;
  return gigahertz * 1e9;
}

int used_cores(const Machine& machine, int cores) {
  const int seen = std::max(machine.cpu.physical_cores, 1);
  return cores <= 0 ? seen : std::min(cores, seen);
}

void add_vm_note(const Machine& machine, Datasheet& sheet) {
  if (!machine.virtualization.is_virtual) return;
  sheet.notes.push_back(
      "virtual machine: a core that is seen may be half of one, and neighbours share caches, "
      "memory "
      "and power");
}

Datasheet modelled(const Machine& machine, int cores) {
  const Cpu& cpu = machine.cpu;
  const PerCycle rates = cpu.architecture == "aarch64" ? arm_rates(cpu) : x86_rates(cpu);
  const std::optional<double> clock =
      cpu.base_hz ? cpu.base_hz : clock_in_name(cpu.model.value_or(""));
  const std::string who = fmt::format("{} is not in the hardware table",
                                      cpu.model ? *cpu.model : std::string("this processor"));
  if (!clock) {
    return no_limits(who + ", and its clock cannot be read", "ridgeline machine");
  }
  if (rates.float32 == 0) {
    return no_limits(who + ", and no rate is known for its instruction set", {});
  }
  Datasheet sheet = no_limits(who, {});
  sheet.source = fmt::format("{} cores × {:.3g} GHz × operations per cycle ({})", cores,
                             *clock / 1e9, rates.what);
  sheet.bandwidth = {
      {}, {}, who + ", and how its memory is built is not known", "sudo dmidecode -t memory"};
  const auto set = [&](std::string_view dtype, double per_cycle) {
    for (auto& [name, limit] : sheet.rates) {
      if (name != dtype) continue;
      limit = per_cycle > 0
                  ? Limit{cores * *clock * per_cycle, "modelled", {}, {}}
                  : Limit{{}, {}, who + ", and its instruction set has no known rate for it", {}};
    }
  };
  set("float64", rates.float32 / 2);
  set("float32", rates.float32);
  set("bfloat16", rates.bfloat16);
  set("float16", rates.float16);
  set("int8", rates.int8);
  return sheet;
}

// Rates by cores; memory and power belong to whole sockets.
Datasheet part_of(const DatasheetRow& row, const Machine& machine, int cores) {
  const int sockets = std::max(machine.cpu.sockets, 1);
  if (row.cores == 0) return limits_of(row, sockets);
  const int all = row.cores * sockets;
  Datasheet sheet = limits_of(row, static_cast<double>(cores) / row.cores);
  const Datasheet sockets_sheet = limits_of(row, sockets);
  sheet.bandwidth = sockets_sheet.bandwidth;
  sheet.power = sockets_sheet.power;
  if (machine.cpu.physical_cores < all) {
    const auto unknown = [&](std::string_view what) {
      return Limit{
          {},
          {},
          fmt::format("{} of the {} cores of {} are seen here: how much of its {} they may "
                      "take is not known",
                      machine.cpu.physical_cores, all, row.name, what),
          {}};
    };
    if (sheet.bandwidth.value) sheet.bandwidth = unknown("memory bandwidth");
    if (sheet.power.value) sheet.power = unknown("power");
  }
  if (cores != all) {
    sheet.notes.push_back(
        fmt::format("rates are those of {} of {} cores, at base clock", cores, all));
  }
  return sheet;
}

}  // namespace

Datasheet find_datasheet(const Machine& machine, int cores, const std::vector<DatasheetRow>& rows) {
  const int used = used_cores(machine, cores);
  const std::string model = machine.cpu.model.value_or("");
  for (const DatasheetRow& row : rows) {
    if (row.kind != "cpu" || !names_fit(row, model)) continue;
    Datasheet sheet = part_of(row, machine, used);
    add_vm_note(machine, sheet);
    return sheet;
  }
  Datasheet sheet = modelled(machine, used);
  if (!sheet.source.empty()) add_vm_note(machine, sheet);
  return sheet;
}

}  // namespace ridgeline::machine
