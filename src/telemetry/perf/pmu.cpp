// Reads PMUs and encodes their events.
#include "telemetry/perf/pmu.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>

#include "base/cpu_list.hpp"
#include "telemetry/absence.hpp"

namespace ridgeline::telemetry {
namespace {

using machine::Tree;

std::string folder_of(std::string_view pmu) {
  return fmt::format("{}/{}", kPmuFolder, pmu);
}

std::optional<std::uint64_t> parse_unsigned(std::string_view text) {
  const bool hex = text.starts_with("0x") || text.starts_with("0X");
  if (hex) text.remove_prefix(2);
  std::uint64_t value = 0;
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value, hex ? 16 : 10);
  if (error != std::errc() || stop != end) return std::nullopt;
  return value;
}

std::optional<double> parse_scale(std::string_view text) {
  double value = 0;
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc() || stop != end || !std::isfinite(value) || value <= 0) {
    return std::nullopt;
  }
  return value;
}

// Takes the text before the next `separator` off `rest`.
std::string_view next_part(std::string_view& rest, char separator) {
  const auto end = rest.find(separator);
  const std::string_view part = machine::trim(rest.substr(0, end));
  rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
  return part;
}

std::uint64_t* word_of(std::string_view name, PerfConfig& config) {
  if (name == "config") return &config.config;
  if (name == "config1") return &config.config1;
  if (name == "config2") return &config.config2;
  return nullptr;
}

struct Bits {
  unsigned first = 0;
  unsigned last = 0;
};

std::optional<Bits> parse_bits(std::string_view range) {
  const auto dash = range.find('-');
  const auto first = parse_unsigned(range.substr(0, dash));
  const auto last = dash == std::string_view::npos ? first : parse_unsigned(range.substr(dash + 1));
  if (!first || !last || *first > *last || *last > 63) return std::nullopt;
  return Bits{static_cast<unsigned>(*first), static_cast<unsigned>(*last)};
}

Status put_term(const Tree& tree, const Pmu& pmu, std::string_view term, PerfConfig& config) {
  const auto equals = term.find('=');
  const std::string_view name = machine::trim(term.substr(0, equals));
  const auto value = equals == std::string_view::npos
                         ? std::optional<std::uint64_t>(1)
                         : parse_unsigned(machine::trim(term.substr(equals + 1)));
  if (!value)
    return bad_input(
        fmt::format("{}: the term {} of an event has no plain value", pmu.name, printable(term)));
  const std::string path = fmt::format("{}/format/{}", folder_of(pmu.name), printable(name));
  const auto format = name.find('/') == std::string_view::npos ? tree.text(path) : std::nullopt;
  if (format) return put_field(*format, *value, config);
  std::uint64_t* word = word_of(name, config);
  if (word == nullptr) return bad_input(tree.why(path));
  *word |= *value;
  return {};
}

}  // namespace

Status put_field(std::string_view format, std::uint64_t value, PerfConfig& config) {
  const std::string_view whole = format;
  std::uint64_t* word = word_of(next_part(format, ':'), config);
  if (word == nullptr || format.empty()) {
    return bad_input(fmt::format("\"{}\" is no field of an event", printable(whole)));
  }
  while (!format.empty()) {
    const auto bits = parse_bits(next_part(format, ','));
    if (!bits) return bad_input(fmt::format("\"{}\" is no field of an event", printable(whole)));
    const unsigned width = bits->last - bits->first + 1;
    const std::uint64_t mask = width == 64 ? ~0ull : (1ull << width) - 1;
    *word |= (value & mask) << bits->first;
    value = width == 64 ? 0 : value >> width;
  }
  if (value != 0)
    return bad_input(fmt::format("a value is too large for \"{}\"", printable(whole)));
  return {};
}

Result<Pmu> read_pmu(const Tree& tree, std::string_view name) {
  Pmu pmu;
  pmu.name = std::string(name);
  const std::string folder = folder_of(name);
  const auto type = tree.integer(folder + "/type");
  if (!type || *type < 0 || *type > 0xffffffffll) {
    return environment_error(tree.why(folder + "/type"));
  }
  pmu.type = static_cast<std::uint32_t>(*type);
  const bool has_mask = tree.exists(folder + "/cpumask");
  const bool is_core = !has_mask && tree.exists(folder + "/cpus");
  const std::string path = folder + (is_core ? "/cpus" : "/cpumask");
  const auto cpus = parse_cpu_list(tree.text(path).value_or(""));
  if (!cpus) return cpus.error();
  if (cpus->empty()) return environment_error(tree.why(path));
  pmu.cpus = *cpus;
  return pmu;
}

bool has_event(const Tree& tree, std::string_view pmu, std::string_view event) {
  return tree.exists(fmt::format("{}/events/{}", folder_of(pmu), event));
}

Result<PmuEvent> read_event(const Tree& tree, const Pmu& pmu, std::string_view event) {
  const std::string path = fmt::format("{}/events/{}", folder_of(pmu.name), event);
  const auto terms = tree.text(path);
  if (!terms) return environment_error(tree.why(path));
  PmuEvent found;
  RIDGELINE_TRY(found.config, encode_event(tree, pmu, *terms));
  found.unit = tree.text(path + ".unit").value_or("");
  if (const auto scale = tree.text(path + ".scale")) {
    found.scale = parse_scale(*scale);
    if (!found.scale) return bad_input(fmt::format("/{}.scale holds no number", path));
  }
  return found;
}

Result<PerfConfig> encode_event(const Tree& tree, const Pmu& pmu, std::string_view terms) {
  PerfConfig config;
  config.type = pmu.type;
  while (!terms.empty()) RIDGELINE_CHECK(put_term(tree, pmu, next_part(terms, ','), config));
  return config;
}

int socket_of(const Tree& tree, int cpu) {
  const auto socket =
      tree.integer(fmt::format("sys/devices/system/cpu/cpu{}/topology/physical_package_id", cpu));
  return socket && *socket > 0 && *socket < 4096 ? static_cast<int>(*socket) : 0;
}

}  // namespace ridgeline::telemetry
