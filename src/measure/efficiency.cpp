// MFU and MBU.
#include "measure/efficiency.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <map>
#include <nlohmann/json.hpp>

#include "base/json_values.hpp"
#include "machine/inventory.hpp"
#include "measure/engine_name.hpp"

namespace ridgeline::measure {
namespace {

using machine::Ceiling;
using machine::CeilingSet;
using results::Flag;
using results::Metric;

// Above this a share is no measuring error any more.
constexpr double kMostShare = 1.05;
constexpr double kGiga = 1e9;

constexpr std::string_view kNative = "native";

// One matrix product can be limited by another dtype than the next one.
using FlopsByDtype = std::map<std::string, double>;

FlopsByDtype flops_by_dtype(const Json& cost, const std::string& usual) {
  FlopsByDtype flops;
  const Json& ops = entry_of(cost, "ops");
  if (ops.is_array()) {
    for (const Json& op : ops) {
      const Json& dtype = entry_of(op, "dtype");
      const Json& count = entry_of(op, "flops");
      if (!dtype.is_string() || !count.is_number() || count.get<double>() <= 0) continue;
      flops[dtype.get<std::string>()] += count.get<double>();
    }
  }
  if (flops.empty()) flops[usual] = 1;
  return flops;
}

// The rate at which all of them would be done at their own rates; absent when one is unknown.
Metric combined_rate(const FlopsByDtype& flops, const std::function<Metric(std::string)>& rate_of) {
  double total = 0;
  double seconds = 0;
  Metric combined;
  for (const auto& [dtype, count] : flops) {
    const Metric rate = rate_of(dtype);
    if (!rate.value) return rate;
    // Of several the weakest evidence is what the sum is worth.
    const bool weaker = !combined.source || results::is_stronger(*combined.source, *rate.source);
    if (weaker) combined = rate;
    total += count;
    seconds += count / *rate.value;
  }
  combined.value = total / seconds;
  return combined;
}

Metric of_ceiling(const CeilingSet& set, const std::string& id, const char* unit) {
  const Ceiling* ceiling = set.find(id);
  if (ceiling == nullptr) {
    return results::absent(unit, fmt::format("no {} was measured on {}", id, set.device), {},
                           results::Source::kTimed);
  }
  if (!ceiling->value) {
    return results::absent(unit, fmt::format("{}: {}", id, ceiling->reason), ceiling->enable,
                           results::Source::kTimed);
  }
  return results::measured(*ceiling->value, unit, results::Source::kTimed);
}

// A share of the row is still the vendor's figure; a formula is not.
Metric of_limit(const machine::Limit& limit, const char* unit) {
  const auto source =
      limit.source == "modelled" ? results::Source::kModelled : results::Source::kDatasheet;
  if (!limit.value) return results::absent(unit, limit.reason, limit.enable, source);
  return results::measured(*limit.value, unit, source);
}

Metric cost_of(const Json& cost, const char* key, const char* unit) {
  const Json& value = entry_of(cost, key);
  if (!value.is_number()) return results::absent(unit, why_no_cost(cost));
  return results::measured(value.get<double>(), unit, results::Source::kModelled);
}

// What measures them with `engine`; those of native serve every engine.
std::string peaks_command(const Configuration& configuration, const std::string& engine) {
  std::string command = "ridgeline peaks --device " + configuration.device;
  if (configuration.device == "cpu" && configuration.threads) {
    command += fmt::format(" --threads {}", *configuration.threads);
  }
  if (configuration.device == "cpu" && configuration.cores) {
    command += " --cores " + *configuration.cores;
  }
  if (engine != kNative) command += " --engine " + engine;
  return command;
}

bool fits(const CeilingSet& set, const Configuration& configuration) {
  if (set.device != configuration.device) return false;
  if (configuration.device != "cpu") return true;
  return configuration.threads && set.threads == *configuration.threads &&
         set.cores == configuration.cores.value_or("");
}

// The smallest cache level that holds so many bytes, with its measured read.
const Ceiling* holding_cache(const CeilingSet* set, double bytes) {
  if (set == nullptr) return nullptr;
  for (const char* id : {"read.l1", "read.l2", "read.l3"}) {
    const Ceiling* ceiling = set->find(id);
    const bool holds =
        ceiling != nullptr && ceiling->capacity && bytes <= static_cast<double>(*ceiling->capacity);
    if (holds) return ceiling;
  }
  return nullptr;
}

class Efficiency {
 public:
  Efficiency(const PhaseWork& work, results::Metrics& metrics)
      : work_(work),
        metrics_(metrics),
        flops_(cost_of(*work.cost, "flops", "FLOP")),
        bytes_(cost_of(*work.cost, "bytes", "B")) {}

  std::vector<Flag> add() {
    const Configuration& configuration = *work_.configuration;
    const ChosenCeilings chosen = choose_ceilings(*work_.limits, configuration, *work_.engine);
    set_ = chosen.set;
    const auto dtypes = flops_by_dtype(*work_.cost, configuration.dtype);
    const Metric no_flops =
        results::absent("FLOP/s", chosen.reason, chosen.enable, results::Source::kTimed);
    const Metric no_bytes =
        results::absent("B/s", chosen.reason, chosen.enable, results::Source::kTimed);
    add_pair("", "ceiling",
             set_ == nullptr ? no_flops
                             : combined_rate(dtypes,
                                             [&](const std::string& dtype) {
                                               return of_ceiling(*set_, "gemm." + dtype, "FLOP/s");
                                             }),
             set_ == nullptr ? no_bytes : of_ceiling(*set_, "read", "B/s"));
    const machine::Datasheet sheet = datasheet_for(*work_.limits, configuration, set_);
    add_pair(".datasheet", "datasheet",
             combined_rate(
                 dtypes,
                 [&](const std::string& dtype) { return of_limit(sheet.rate(dtype), "FLOP/s"); }),
             of_limit(sheet.bandwidth, "B/s"));
    return std::move(flags_);
  }

 private:
  // Two limits and the shares of them.
  void add_pair(const std::string& suffix, const std::string& group, const Metric& flops_rate,
                const Metric& bytes_rate) {
    metrics_.emplace_back(group + ".flops_rate", flops_rate);
    metrics_.emplace_back(group + ".bytes_rate", bytes_rate);
    add_share("mfu" + suffix, "flops", flops_, group + ".flops_rate", flops_rate);
    add_share("mbu" + suffix, "bytes", bytes_, group + ".bytes_rate", bytes_rate);
  }

  void add_share(const std::string& name, const char* cost_key, const Metric& cost,
                 const std::string& rate_name, const Metric& rate) {
    const std::string& phase = work_.phase;
    Metric share =
        results::derived("1",
                         {{fmt::format("cost.{}.{}", phase, cost_key), cost},
                          {phase + ".latency", *work_.latency},
                          {phase + "." + rate_name, rate}},
                         [](const std::vector<double>& v) { return v[0] / (v[1] * v[2]); });
    if (share.value && *share.value > kMostShare) flag(name, *share.value);
    metrics_.emplace_back(name, std::move(share));
  }

  void flag(const std::string& name, double share) {
    const std::string head = fmt::format("{}: {} is {:.2f}: ", work_.phase, name, share);
    if (name == "mbu" || name == "mbu.datasheet") {
      const Ceiling* cache = holding_cache(set_, *bytes_.value);
      if (cache != nullptr && cache->value) {
        const double of_cache = *bytes_.value / (*work_.latency->value * *cache->value);
        flags_.push_back(
            {name, Flag::Severity::kInfo,
             head + fmt::format("the {:.3g} MB of a call fit the {} cache, which was measured to "
                                "read {:.4g} GB/s; of that it is {:.2f}",
                                *bytes_.value / 1e6, cache->level, *cache->value / kGiga, of_cache),
             "compare with the ceiling of that cache, not with that of memory"});
        return;
      }
    }
    const bool measured = name == "mfu" || name == "mbu";
    flags_.push_back(
        {name, Flag::Severity::kWarn,
         head + (measured ? "above the measured ceiling, so the count, the latency or the ceiling "
                            "is wrong"
                          : "above what the vendor promises, so the count, the latency or the row "
                            "of the hardware table is wrong, or the cores ran above base clock"),
         measured ? "measure again with `" + peaks_command(*work_.configuration, set_->engine) +
                        " --refresh`"
                  : "see `ridgeline peaks` for the row that was taken"});
  }

  const PhaseWork& work_;
  results::Metrics& metrics_;
  const Metric flops_;
  const Metric bytes_;
  const CeilingSet* set_ = nullptr;
  std::vector<Flag> flags_;
};

}  // namespace

std::string why_no_cost(const Json& cost) {
  const std::string reason = text_in(cost, "reason");
  return reason.empty() ? "the engine states no cost of this phase" : reason;
}

MachineLimits read_limits(const machine::Machine& machine) {
  MachineLimits limits;
  limits.machine = machine;
  limits.ceilings.machine = machine::fingerprint(machine);
  const Result<std::string> path = machine::ceilings_path(limits.ceilings.machine);
  if (!path) {
    limits.reason = path.error().message;
    limits.enable = path.error().remedy;
    return limits;
  }
  Result<machine::Ceilings> read = machine::read_ceilings(*path, limits.ceilings.machine);
  if (read) {
    limits.ceilings = *std::move(read);
  } else {
    limits.reason = read.error().message;
    limits.enable = "ridgeline peaks --refresh";
  }
  return limits;
}

std::string engine_version(const Json& engine) {
  const auto text = [](const Json& json) {
    return json.is_string() ? json.get<std::string>() : std::string();
  };
  const std::string name = text(entry_of(engine, "name"));
  std::string libraries;
  const Json& versions = entry_of(engine, "versions");
  if (versions.is_object()) {
    for (const auto& [library, version] : versions.items()) {
      // Which compiler made the engine does not set what a library reaches.
      if (library == name || library == "compiler" || !version.is_string()) continue;
      libraries += fmt::format("{}{} {}", libraries.empty() ? "" : ", ", library,
                               version.get<std::string>());
    }
  }
  const std::string version = text(entry_of(engine, "version"));
  return libraries.empty() ? version : fmt::format("{} ({})", version, libraries);
}

ChosenCeilings choose_ceilings(const MachineLimits& limits, const Configuration& configuration,
                               const Json& engine) {
  ChosenCeilings chosen;
  if (!limits.reason.empty()) {
    chosen.reason = limits.reason;
    chosen.enable = limits.enable;
    return chosen;
  }
  const std::string program = parse_engine(configuration.engine).program;
  const std::string version = engine_version(engine);
  bool other_version = false;
  bool other_threads = false;
  for (const CeilingSet& set : limits.ceilings.sets) {
    const bool own = set.engine == program;
    if (!own && set.engine != kNative) continue;
    other_threads = other_threads || set.device == configuration.device;
    if (!fits(set, configuration)) continue;
    if (own && set.engine_version != version) {
      other_version = true;
      continue;
    }
    // Its own engine first, then the one that was measured last.
    const bool better =
        chosen.set == nullptr || (own && chosen.set->engine != program) ||
        (own == (chosen.set->engine == program) && set.measured_at > chosen.set->measured_at);
    if (better) chosen.set = &set;
  }
  if (chosen.set != nullptr) return chosen;
  chosen.enable = peaks_command(configuration, std::string(other_version ? program : kNative));
  if (other_version) {
    chosen.reason =
        fmt::format("the ceilings were measured with another version than {} {}", program, version);
  } else if (other_threads) {
    chosen.reason = "the ceilings were measured with other threads or cores";
  } else {
    chosen.reason = "no ceilings were measured on this machine";
  }
  return chosen;
}

machine::Datasheet datasheet_for(const MachineLimits& limits, const Configuration& configuration,
                                 const CeilingSet* set) {
  const bool known = set != nullptr && configuration.device != "cpu";
  const int cores =
      static_cast<int>(std::clamp<std::int64_t>(configuration.threads.value_or(0), 0, 65536));
  return machine::datasheet_of(
      limits.machine, configuration.device, cores, known ? set->pci_address : std::string(),
      known ? set->device_name : std::string(), known ? set->memory : std::nullopt);
}

Json ceilings_json(const MachineLimits& limits, const Configuration& configuration,
                   const Json& engine) {
  ChosenCeilings chosen;
  if (engine.is_object()) {
    chosen = choose_ceilings(limits, configuration, engine);
  } else {
    chosen.reason = "no worker got far enough to say which engine it is";
  }
  const bool found = chosen.set != nullptr;
  return {{"measured", found ? machine::to_json(*chosen.set) : Json(nullptr)},
          {"reason", found ? Json(nullptr) : Json(chosen.reason)},
          {"enable", found ? Json(nullptr) : text_or_null(chosen.enable)},
          {"datasheet", machine::to_json(datasheet_for(limits, configuration, chosen.set))}};
}

std::vector<Flag> add_efficiency(const PhaseWork& work, results::Metrics& metrics) {
  return Efficiency(work, metrics).add();
}

}  // namespace ridgeline::measure
