// Names to rows, rows and measured ceilings to rates.
#include "study/predict_chips.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

#include "base/host_memory.hpp"
#include "base/nearest.hpp"
#include "machine/datasheet_rows.hpp"
#include "machine/inventory.hpp"

namespace ridgeline::study {
namespace {

using machine::Ceiling;
using machine::CeilingSet;
using machine::Datasheet;
using machine::DatasheetRow;

constexpr std::size_t kMostListed = 12;
constexpr std::string_view kGemm = "gemm.";

// Letters and digits alone, so that "H100-SXM" is "h100 sxm".
std::string bare(std::string_view name) {
  std::string text;
  for (const char c : name) {
    const auto letter = static_cast<unsigned char>(c);
    if (c == ' ' || c == '-' || c == '_') continue;
    text += static_cast<char>(std::tolower(letter));
  }
  return text;
}

// "H100 SXM5 80GB" as h100, sxm5, 80gb.
std::vector<std::string> words_of(std::string_view name) {
  std::vector<std::string> words(1);
  for (const char c : name) {
    if (c == ' ' || c == '-' || c == '_') {
      words.emplace_back();
    } else {
      words.back() += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    }
  }
  std::erase(words, std::string());
  return words;
}

// How a name may stand for a row, best first.
enum class Match { kWhole, kEnd, kWords, kPart };

bool fits(const std::string& row, std::string_view wanted, Match match) {
  const std::string all = bare(row);
  if (match == Match::kWhole) return all == wanted;
  if (match == Match::kPart) return all.find(wanted) != std::string::npos;
  // Whole words, blanks left out: from any word to the last one, or to any.
  const auto words = words_of(row);
  for (std::size_t from = 0; from < words.size(); ++from) {
    std::string joined;
    for (std::size_t to = from; to < words.size(); ++to) {
      joined += words[to];
      const bool may_end = match == Match::kWords || to + 1 == words.size();
      if (may_end && joined == wanted) return true;
    }
  }
  return false;
}

std::vector<const DatasheetRow*> rows_that_fit(const std::vector<DatasheetRow>& rows,
                                               std::string_view wanted, Match match) {
  std::vector<const DatasheetRow*> found;
  for (const DatasheetRow& row : rows) {
    if (fits(row.vendor + " " + row.name, wanted, match) || fits(row.name, wanted, match)) {
      found.push_back(&row);
    }
  }
  return found;
}

Error ambiguous(std::string_view name, const std::vector<const DatasheetRow*>& rows) {
  std::string list;
  for (std::size_t i = 0; i < rows.size() && i < kMostListed; ++i) {
    list += fmt::format("{}\"{}\"", i == 0 ? "" : ", ", rows[i]->name);
  }
  if (rows.size() > kMostListed) list += fmt::format(" and {} more", rows.size() - kMostListed);
  return bad_input(fmt::format("--on: '{}' may be {}", name, list), "write one of them in full");
}

Error unknown(std::string_view name, const std::vector<DatasheetRow>& rows) {
  std::vector<std::string_view> names;
  for (const DatasheetRow& row : rows) names.push_back(row.name);
  const std::string_view near = nearest_name(name, names);
  const std::string hint =
      near.empty() ? std::string() : fmt::format("did you mean \"{}\"? ", near);
  return bad_input(fmt::format("--on: no chip of the hardware table is '{}'", name),
                   hint + "`--on all` lists them all");
}

DeviceRates rates_of(const Datasheet& sheet) {
  DeviceRates rates;
  rates.basis = Basis::kDatasheet;
  for (const auto& [dtype, limit] : sheet.rates) {
    if (limit.value) rates.flops[dtype] = *limit.value;
  }
  rates.bytes = sheet.bandwidth.value.value_or(0);
  return rates;
}

DeviceRates rates_of(const CeilingSet& set) {
  DeviceRates rates;
  rates.basis = Basis::kMeasured;
  for (const Ceiling& ceiling : set.ceilings) {
    if (ceiling.value && ceiling.id.starts_with(kGemm)) {
      rates.flops[ceiling.id.substr(kGemm.size())] = *ceiling.value;
    }
  }
  const Ceiling* const read = set.find("read");
  if (read != nullptr && read->value) rates.bytes = *read->value;
  return rates;
}

bool can_say_time(const DeviceRates& rates) {
  return rates.bytes > 0 && !rates.flops.empty();
}

std::string first_line_name(const machine::Machine& machine) {
  return machine.cpu.model.value_or("this processor");
}

void set_host_memory(Chip& chip) {
  chip.capacity_of = "host memory that is free";
  if (const auto bytes = available_host_bytes()) {
    chip.capacities = {static_cast<double>(*bytes)};
  } else {
    chip.no_capacity = "how much host memory is free cannot be read";
  }
}

}  // namespace

Chip chip_of(const DatasheetRow& row) {
  Chip chip;
  chip.name = row.name;
  chip.vendor = row.vendor;
  chip.kind = row.kind;
  const double share = 1.0 / row.devices;
  chip.datasheet = machine::limits_of(row, share);
  chip.rates = rates_of(chip.datasheet);
  for (const double bytes : row.memory) chip.capacities.push_back(bytes * share);
  std::sort(chip.capacities.begin(), chip.capacities.end());
  chip.capacity_of = row.kind == "cpu" ? "memory of the package" : "device memory";
  if (row.memory.empty()) {
    chip.no_capacity = "how much memory a machine with it has is not in the hardware table";
  }
  chip.power = chip.datasheet.power.value;
  if (row.devices > 1) {
    chip.notes.push_back(
        fmt::format("{}: one of the {} devices that a driver shows, with 1/{} of its figures",
                    row.name, row.devices, row.devices));
  }
  if (!can_say_time(chip.rates)) chip.missing = "the hardware table has no rate or no bandwidth";
  return chip;
}

Result<Chip> chip_here(const measure::MachineLimits& limits,
                       const measure::Configuration& configuration, const Json& engine) {
  measure::Configuration running = configuration;
  const bool is_cpu = configuration.device == "cpu";
  if (is_cpu && !running.threads) {
    running.threads = std::max<std::int64_t>(
        1, static_cast<std::int64_t>(machine::physical_cores(limits.machine).size()));
  }
  const measure::ChosenCeilings chosen = measure::choose_ceilings(limits, running, engine);
  Chip chip;
  chip.here = true;
  chip.kind = is_cpu ? "cpu" : "gpu";
  chip.name = is_cpu ? first_line_name(limits.machine) : configuration.device;
  if (is_cpu) chip.name += fmt::format(", {} threads", *running.threads);
  const CeilingSet* const set = chosen.set;
  const int cores =
      static_cast<int>(std::clamp<std::int64_t>(running.threads.value_or(0), 0, 65536));
  const bool known = set != nullptr && !is_cpu;
  chip.datasheet = machine::datasheet_of(
      limits.machine, configuration.device, cores, known ? set->pci_address : std::string(),
      known ? set->device_name : std::string(), known ? set->memory : std::nullopt);
  if (known && !set->device_name.empty()) chip.name = set->device_name;
  if (set != nullptr) chip.rates = rates_of(*set);
  if (!can_say_time(chip.rates)) chip.rates = rates_of(chip.datasheet);
  if (!can_say_time(chip.rates)) {
    const machine::Limit& bandwidth = chip.datasheet.bandwidth;
    return environment_error(
        fmt::format("nothing says what {} can do: {}{}{}", chip.name,
                    set == nullptr ? chosen.reason : "its ceilings lack a read or a product",
                    bandwidth.reason.empty() ? "" : "; ", bandwidth.reason),
        chosen.enable.empty()
            ? "run `ridgeline peaks`, or name a chip: --on \"H100 SXM\""
            : fmt::format("run `{}`, or name a chip: --on \"H100 SXM\"", chosen.enable));
  }
  if (set != nullptr && !set->note.empty()) chip.notes.push_back("the ceilings: " + set->note);
  if (set == nullptr) {
    chip.notes.push_back(fmt::format("{}: by its datasheet, since {} ({})", chip.name,
                                     chosen.reason, chosen.enable));
  }
  chip.power = chip.datasheet.power.value;
  if (is_cpu) {
    set_host_memory(chip);
  } else if (known && set->memory) {
    chip.capacity_of = "device memory";
    chip.capacities = {*set->memory};
  } else {
    chip.no_capacity = "how much memory it has is known once `ridgeline peaks` has run";
  }
  return chip;
}

Result<std::vector<const DatasheetRow*>> find_rows(std::string_view name,
                                                   const std::vector<DatasheetRow>& rows) {
  const std::string wanted = bare(name);
  if (wanted.empty()) return bad_input("--on: a name is empty");
  if (wanted == "all") {
    std::vector<const DatasheetRow*> every;
    for (const DatasheetRow& row : rows) every.push_back(&row);
    return every;
  }
  for (const Match match : {Match::kWhole, Match::kEnd, Match::kWords, Match::kPart}) {
    const auto found = rows_that_fit(rows, wanted, match);
    if (found.size() == 1) return found;
    if (found.size() > 1) return ambiguous(name, found);
  }
  return unknown(name, rows);
}

}  // namespace ridgeline::study
