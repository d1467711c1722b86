// The list of probes.
#include "study/peaks_probes.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <nlohmann/json.hpp>

#include "base/cpu_list.hpp"
#include "machine/datasheet.hpp"
#include "machine/inventory.hpp"

namespace ridgeline::study {
namespace {

using machine::Cache;
using machine::Ceiling;
using machine::Machine;

struct Stream {
  std::string_view kind;
  int arrays;
};
constexpr std::array kStreams = {Stream{"read", 1}, Stream{"write", 1}, Stream{"copy", 2},
                                 Stream{"triad", 3}};
constexpr std::array<std::string_view, 5> kCpuDtypes = {"float64", "float32", "bfloat16", "float16",
                                                        "int8"};
constexpr std::array<std::string_view, 7> kAcceleratorDtypes = {
    "float64", "float32", "tfloat32", "bfloat16", "float16", "int8", "float8_e4m3"};

constexpr std::int64_t kLeastArray = std::int64_t{64} << 20;
// A guest sees its share of the host's caches at best: one that was told of 32 MiB read 512 MiB at
// twice the speed of 1 GiB and more.
constexpr std::int64_t kLeastOfGuest = std::int64_t{2} << 30;
constexpr std::int64_t kCachesPerArray = 4;
constexpr int kLevels = 3;

Probe make_probe(std::string id, std::string_view kind, std::string_view unit) {
  Probe probe;
  probe.ceiling.id = std::move(id);
  probe.ceiling.kind = kind;
  probe.ceiling.unit = unit;
  return probe;
}

Probe gemm_probe(std::string_view dtype) {
  Probe probe = make_probe(fmt::format("gemm.{}", dtype), "gemm", machine::rate_unit(dtype));
  probe.ceiling.dtype = dtype;
  return probe;
}

// The data cache of a level; of a processor with two kinds of cores the smaller one.
const Cache* cache_of(const Machine& machine, int level) {
  const Cache* found = nullptr;
  for (const Cache& cache : machine.cpu.caches) {
    if (cache.level != level || cache.type == "instruction" || cache.bytes == 0) continue;
    if (found == nullptr || cache.bytes < found->bytes) found = &cache;
  }
  return found;
}

// What `threads` threads, one on a core and close together, have of a level.
std::int64_t capacity(const Machine& machine, int level, int threads) {
  const Cache* cache = cache_of(machine, level);
  if (cache == nullptr) return 0;
  const int per_core = std::max(machine.cpu.threads_per_core, 1);
  const int cores_each = std::max(cache->shared_by / per_core, 1);
  const int instances =
      std::clamp((threads + cores_each - 1) / cores_each, 1, std::max(cache->count, 1));
  return static_cast<std::int64_t>(cache->bytes) * instances;
}

// All last-level caches of the machine together: a thread may run beside any of them.
std::int64_t last_level_bytes(const Machine& machine) {
  int last = 0;
  for (const Cache& cache : machine.cpu.caches) {
    if (cache.type != "instruction") last = std::max(last, cache.level);
  }
  std::int64_t bytes = 0;
  for (const Cache& cache : machine.cpu.caches) {
    if (cache.level == last && cache.type != "instruction") {
      bytes += static_cast<std::int64_t>(cache.bytes) * std::max(cache.count, 1);
    }
  }
  return bytes;
}

// The working set in memory for so many arrays, or the reason why there is none.
void set_memory_bytes(const Machine& machine, int arrays, Ceiling& ceiling) {
  const std::int64_t caches = last_level_bytes(machine);
  if (caches == 0) return;  // the engine chooses
  std::int64_t wanted = arrays * std::max(kCachesPerArray * caches, kLeastArray);
  if (machine.virtualization.is_virtual) wanted = std::max(wanted, kLeastOfGuest);
  if (machine.memory.available_bytes) {
    std::uint64_t free = *machine.memory.available_bytes;
    if (machine.memory.limit_bytes) free = std::min(free, *machine.memory.limit_bytes);
    const auto half = static_cast<std::int64_t>(free / 2);
    if (wanted > half && half < kCachesPerArray * caches) {
      ceiling.reason = fmt::format(
          "needs {} MiB, four times the caches, and half of the free memory "
          "is {} MiB",
          (kCachesPerArray * caches) >> 20, half >> 20);
      return;
    }
    wanted = std::min(wanted, half);
  }
  ceiling.bytes = wanted;
}

void set_cache_bytes(const Machine& machine, int level, int threads, Ceiling& ceiling) {
  const std::int64_t own = capacity(machine, level, threads);
  const std::int64_t above = level > 1 ? capacity(machine, level - 1, threads) : 0;
  ceiling.capacity = own;
  if (own / 2 < 2 * above) {
    ceiling.reason = fmt::format(
        "{} threads have {} KiB of L{} and {} KiB of L{}: no working set "
        "lies in L{} alone",
        threads, own >> 10, level, above >> 10, level - 1, level);
    return;
  }
  ceiling.bytes = own / 2;
}

void add_memory(const Machine& machine, int threads, const std::string& cores,
                std::optional<int> node, std::vector<Probe>& probes) {
  for (const Stream& stream : kStreams) {
    const std::string kind(stream.kind);
    Probe probe = make_probe(node ? fmt::format("{}.node{}", kind, *node) : kind, kind, "B/s");
    probe.ceiling.level = "memory";
    probe.ceiling.threads = threads;
    probe.ceiling.cores = cores;
    probe.ceiling.node = node;
    set_memory_bytes(machine, stream.arrays, probe.ceiling);
    probes.push_back(std::move(probe));
  }
}

// Nodes on which this process may run, each with the CPUs it may use there.
std::vector<machine::NumaNode> usable_nodes(const Machine& machine) {
  std::vector<machine::NumaNode> nodes;
  for (machine::NumaNode node : machine.cpu.nodes) {
    std::erase_if(node.cpus, [&](int cpu) {
      return !std::binary_search(machine.allowed.cpus.begin(), machine.allowed.cpus.end(), cpu);
    });
    if (!node.cpus.empty()) nodes.push_back(std::move(node));
  }
  return nodes;
}

void add_nodes(const Machine& machine, std::vector<Probe>& probes) {
  const auto nodes = usable_nodes(machine);
  if (nodes.size() < 2) return;
  for (const machine::NumaNode& node : nodes) {
    Machine part = machine;
    part.allowed.cpus = node.cpus;
    part.allowed.quota_cpus.reset();
    const auto threads = static_cast<int>(machine::physical_cores(part).size());
    add_memory(machine, std::max(threads, 1), to_cpu_list(node.cpus), node.id, probes);
  }
}

}  // namespace

std::vector<Probe> cpu_probes(const Machine& machine, int threads, const std::string& cores) {
  std::vector<Probe> probes;
  add_memory(machine, threads, cores, std::nullopt, probes);
  if (threads > 1) {
    Probe one = make_probe("read.one_thread", "read", "B/s");
    one.ceiling.level = "memory";
    one.ceiling.threads = 1;
    one.ceiling.cores = cores;
    set_memory_bytes(machine, 1, one.ceiling);
    probes.push_back(std::move(one));
  }
  add_nodes(machine, probes);
  for (int level = 1; level <= kLevels; ++level) {
    if (cache_of(machine, level) == nullptr) continue;
    for (const Stream& stream : kStreams) {
      Probe probe = make_probe(fmt::format("{}.l{}", stream.kind, level), stream.kind, "B/s");
      probe.ceiling.level = fmt::format("l{}", level);
      probe.ceiling.threads = threads;
      probe.ceiling.cores = cores;
      set_cache_bytes(machine, level, threads, probe.ceiling);
      probes.push_back(std::move(probe));
    }
  }
  for (const std::string_view dtype : kCpuDtypes) {
    Probe probe = gemm_probe(dtype);
    probe.ceiling.threads = threads;
    probe.ceiling.cores = cores;
    probes.push_back(std::move(probe));
  }
  return probes;
}

std::vector<Probe> accelerator_probes() {
  std::vector<Probe> probes;
  for (const Stream& stream : kStreams) {
    probes.push_back(make_probe(std::string(stream.kind), stream.kind, "B/s"));
    probes.back().ceiling.level = "memory";
  }
  for (const std::string_view dtype : kAcceleratorDtypes) probes.push_back(gemm_probe(dtype));
  probes.push_back(make_probe("launch", "launch", "s"));
  for (const char* kind : {"h2d", "d2h"}) {
    for (const bool pinned : {true, false}) {
      probes.push_back(
          make_probe(fmt::format("{}.{}", kind, pinned ? "pinned" : "pageable"), kind, "B/s"));
      probes.back().pinned = pinned;
    }
  }
  return probes;
}

Json probe_fields(const Probe& probe, std::string_view device, double seconds,
                  double steady_seconds) {
  const Ceiling& ceiling = probe.ceiling;
  Json fields = {{"kind", ceiling.kind}, {"device", device}, {"seconds", seconds}};
  if (steady_seconds > 0) fields["steady_seconds"] = steady_seconds;
  if (!ceiling.dtype.empty()) fields["dtype"] = ceiling.dtype;
  if (ceiling.bytes) fields["bytes"] = *ceiling.bytes;
  if (ceiling.threads > 0) fields["threads"] = ceiling.threads;
  if (!ceiling.cores.empty()) fields["cores"] = ceiling.cores;
  if (probe.pinned) fields["pinned"] = *probe.pinned;
  return fields;
}

Status take_reply(const Json& reply, Ceiling& ceiling) {
  const std::string what = "the reply to the probe of " + ceiling.id;
  const auto broken = [&](std::string_view why) {
    return Error{ErrorClass::kProtocol, fmt::format("{} {}", what, why)};
  };
  const auto number = [&](const char* key) -> std::optional<double> {
    const Json& value = entry_of(reply, key);
    if (!value.is_number()) return std::nullopt;
    const auto got = value.get<double>();
    return std::isfinite(got) && got > 0 ? std::optional(got) : std::nullopt;
  };
  const auto text = [&](const char* key) {
    const Json& value = entry_of(reply, key);
    return value.is_string() ? value.get<std::string>() : std::string();
  };
  const auto value = number("value");
  if (!value) return broken("has no value above 0");
  if (text("unit") != ceiling.unit) {
    return broken(fmt::format("is not in {}", ceiling.unit));
  }
  ceiling.value = value;
  ceiling.median = number("median");
  ceiling.samples = static_cast<std::int64_t>(std::min(number("samples").value_or(0), 1e15));
  ceiling.seconds = number("seconds").value_or(0);
  ceiling.round_trip = number("round_trip");
  if (const auto size = number("size")) {
    ceiling.size = static_cast<std::int64_t>(std::min(*size, 1e15));
  }
  // What was touched in fact, where the engine says it.
  if (const auto bytes = number("bytes")) {
    ceiling.bytes = static_cast<std::int64_t>(std::min(*bytes, 1e18));
  }
  ceiling.kernel = text("kernel");
  ceiling.note = text("note");
  return {};
}

}  // namespace ridgeline::study
