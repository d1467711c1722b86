// What a machine is, as values: filled by inventory(), written into records by to_json().
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace ridgeline::machine {

/// Why a field is null: `field` is its JSON path ("cpu.governor"), `enable` the command or step
/// that would make it readable (empty when there is none).
struct Missing {
  std::string field;
  std::string reason;
  std::string enable = {};
};

/// One logical CPU that is online. `core` is the lowest logical CPU of its physical core, so two
/// CPUs share a core exactly when their `core` is equal.
struct LogicalCpu {
  int id = 0;
  int socket = 0;
  int core = 0;
  int node = 0;
  std::optional<std::int64_t> capacity = {};  ///< relative speed, 1024 = the fastest (Arm, hybrid)
};

/// Caches of one level and type: `count` of them, each of `bytes`, shared by `shared_by` logical
/// CPUs.
struct Cache {
  int level = 0;
  std::string type;  ///< "data", "instruction" or "unified"
  std::uint64_t bytes = 0;
  int shared_by = 0;
  int count = 0;
};

struct NumaNode {
  int id = 0;
  std::vector<int> cpus;
  std::optional<std::uint64_t> memory_bytes;
};

struct Cpu {
  std::optional<std::string> vendor;
  std::optional<std::string> model;
  std::optional<std::string> architecture;  ///< "x86_64", "aarch64", …
  int sockets = 0;
  int physical_cores = 0;
  int threads_per_core = 0;         ///< the largest number found on one core
  std::vector<LogicalCpu> logical;  ///< online ones, ascending
  std::vector<Cache> caches;
  std::vector<NumaNode> nodes;   ///< empty when the kernel names none
  std::vector<std::string> isa;  ///< the extensions that matter here, in the kernel's spelling
  std::optional<double> base_hz;
  std::optional<double> max_hz;
  std::optional<std::string> governor;  ///< "performance"; "mixed" when CPUs differ
  std::optional<bool> boost;
  std::optional<std::string> smt;  ///< "on", "off" or "not supported"
};

/// What this process may use of the CPUs.
struct Allowed {
  std::vector<int> cpus;             ///< affinity and cpuset, online ones, ascending
  std::optional<double> quota_cpus;  ///< cgroup CPU time per wall time; empty when unlimited
  double effective_cpus = 0;         ///< the smaller of both
};

struct Memory {
  std::optional<std::uint64_t> total_bytes;
  std::optional<std::uint64_t> available_bytes;
  std::optional<std::uint64_t> limit_bytes;  ///< cgroup limit; empty when unlimited
  std::optional<std::string> transparent_hugepage;
  std::optional<std::uint64_t> swap_total_bytes;
  std::optional<std::uint64_t> swap_used_bytes;
};

/// A PCI display or processing device; one entry for each PCI address, virtual functions left to
/// their parent.
struct Accelerator {
  std::string pci_address;  ///< "0000:17:00.0"
  std::string kind;  ///< "gpu", "accelerator", or "display" for a console adapter that computes
                     ///< nothing
  std::optional<std::string> vendor;
  std::string vendor_id;  ///< "0x10de"
  std::string device_id;
  std::optional<std::string> name;
  std::optional<std::string> driver;
  std::optional<std::string> driver_version;
  std::optional<int> numa_node;
  int virtual_functions = 0;
};

struct Os {
  std::optional<std::string> kernel;        ///< release, as `uname -r`
  std::optional<std::string> distribution;  ///< PRETTY_NAME of os-release
};

struct Virtualization {
  bool is_virtual = false;
  std::optional<std::string> hypervisor;  ///< its name, where something tells it
  std::optional<std::string>
      container;  ///< "docker", "podman", "kubernetes", "lxc", …; empty: none
};

struct LoadAverage {
  double one_minute = 0;
  double five_minutes = 0;
  double fifteen_minutes = 0;
};

/// The whole inventory. Host names, serial numbers and device UUIDs are left out on purpose.
struct Machine {
  std::optional<std::string> board;  ///< DMI product or device-tree model
  Cpu cpu;
  Allowed allowed;
  Memory memory;
  std::vector<Accelerator> accelerators;
  Os os;
  Virtualization virtualization;
  std::optional<LoadAverage> load;
  std::vector<Missing> missing;
};

}  // namespace ridgeline::machine
