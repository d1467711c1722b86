// The inventory as JSON, and its fingerprint.
#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "base/cpu_list.hpp"
#include "base/fingerprint.hpp"
#include "base/json_values.hpp"
#include "machine/inventory.hpp"

namespace ridgeline::machine {
namespace {

Json cpu_json(const Cpu& cpu) {
  Json caches = Json::array();
  for (const Cache& cache : cpu.caches) {
    caches.push_back({{"level", cache.level},
                      {"type", cache.type},
                      {"bytes", cache.bytes},
                      {"shared_by", cache.shared_by},
                      {"count", cache.count}});
  }
  Json nodes = Json::array();
  for (const NumaNode& node : cpu.nodes) {
    nodes.push_back({{"id", node.id},
                     {"cpus", to_cpu_list(node.cpus)},
                     {"memory_bytes", or_null(node.memory_bytes)}});
  }
  return {{"vendor", or_null(cpu.vendor)},
          {"model", or_null(cpu.model)},
          {"architecture", or_null(cpu.architecture)},
          {"sockets", cpu.sockets},
          {"physical_cores", cpu.physical_cores},
          {"logical_cpus", cpu.logical.size()},
          {"threads_per_core", cpu.threads_per_core},
          {"caches", std::move(caches)},
          {"numa_nodes", std::move(nodes)},
          {"isa", cpu.isa},
          {"base_hz", or_null(cpu.base_hz)},
          {"max_hz", or_null(cpu.max_hz)},
          {"governor", or_null(cpu.governor)},
          {"boost", or_null(cpu.boost)},
          {"smt", or_null(cpu.smt)}};
}

Json memory_json(const Memory& memory) {
  return {{"total_bytes", or_null(memory.total_bytes)},
          {"available_bytes", or_null(memory.available_bytes)},
          {"limit_bytes", or_null(memory.limit_bytes)},
          {"transparent_hugepage", or_null(memory.transparent_hugepage)},
          {"swap_total_bytes", or_null(memory.swap_total_bytes)},
          {"swap_used_bytes", or_null(memory.swap_used_bytes)}};
}

Json accelerators_json(const std::vector<Accelerator>& devices) {
  Json list = Json::array();
  for (const Accelerator& device : devices) {
    list.push_back({{"pci_address", device.pci_address},
                    {"kind", device.kind},
                    {"vendor", or_null(device.vendor)},
                    {"vendor_id", device.vendor_id},
                    {"device_id", device.device_id},
                    {"name", or_null(device.name)},
                    {"driver", or_null(device.driver)},
                    {"driver_version", or_null(device.driver_version)},
                    {"numa_node", or_null(device.numa_node)},
                    {"virtual_functions", device.virtual_functions}});
  }
  return list;
}

bool is_missing(const Machine& machine, std::string_view field) {
  return std::any_of(machine.missing.begin(), machine.missing.end(),
                     [&](const Missing& entry) { return entry.field == field; });
}

Json missing_json(const std::vector<Missing>& missing) {
  Json list = Json::array();
  for (const Missing& entry : missing) {
    list.push_back({{"field", entry.field},
                    {"reason", entry.reason},
                    {"enable", entry.enable.empty() ? Json(nullptr) : Json(entry.enable)}});
  }
  return list;
}

Json load_json(const std::optional<LoadAverage>& load) {
  if (!load) return nullptr;
  return Json::array({load->one_minute, load->five_minutes, load->fifteen_minutes});
}

Json allowed_json(const Machine& machine) {
  return {{"cpus", to_cpu_list(machine.allowed.cpus)},
          {"count", machine.allowed.cpus.size()},
          {"quota_cpus", or_null(machine.allowed.quota_cpus)},
          {"effective_cpus", machine.allowed.effective_cpus},
          {"physical_cores", to_cpu_list(physical_cores(machine))}};
}

}  // namespace

Json to_json(const Machine& machine) {
  return {{"fingerprint", fingerprint(machine)},
          {"board", or_null(machine.board)},
          {"cpu", cpu_json(machine.cpu)},
          {"allowed", allowed_json(machine)},
          {"memory", memory_json(machine.memory)},
          {"accelerators", is_missing(machine, "accelerators")
                               ? Json(nullptr)
                               : accelerators_json(machine.accelerators)},
          {"os",
           {{"kernel", or_null(machine.os.kernel)},
            {"distribution", or_null(machine.os.distribution)}}},
          {"virtualization",
           {{"virtual", machine.virtualization.is_virtual},
            {"hypervisor", or_null(machine.virtualization.hypervisor)},
            {"container", or_null(machine.virtualization.container)}}},
          {"load_average", load_json(machine.load)},
          {"missing", missing_json(machine.missing)}};
}

std::string fingerprint(const Machine& machine) {
  Json identity = cpu_json(machine.cpu);
  for (const char* setting : {"governor", "boost", "numa_nodes"}) identity.erase(setting);
  identity["nodes"] = machine.cpu.nodes.size();
  identity["allowed"] = machine.allowed.cpus.size();
  identity["quota"] = or_null(machine.allowed.quota_cpus);
  // In GiB: firmware updates and crash kernels move the total by some megabytes.
  const auto total = static_cast<double>(machine.memory.total_bytes.value_or(0));
  identity["memory"] = static_cast<std::int64_t>(std::round(total / (1ull << 30)));
  identity["limit"] = or_null(machine.memory.limit_bytes);
  identity["accelerators"] = accelerators_json(machine.accelerators);
  identity["virtual"] = machine.virtualization.is_virtual;
  return ridgeline::fingerprint(identity);
}

}  // namespace ridgeline::machine
