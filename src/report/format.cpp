// Digits and units.
#include "report/format.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>

namespace ridgeline::report {
namespace {

// Numbers from here on get an exponent, so that nonsense cannot fill the screen.
constexpr double kPlainLimit = 1e15;

struct Unit {
  double scale;
  std::string_view name;
};

constexpr std::array kTimeUnits = {Unit{1, "s"}, Unit{1e-3, "ms"}, Unit{1e-6, "µs"},
                                   Unit{1e-9, "ns"}};
constexpr std::array kByteUnits = {Unit{1e12, "TB"}, Unit{1e9, "GB"}, Unit{1e6, "MB"},
                                   Unit{1e3, "kB"}, Unit{1, "B"}};
constexpr std::array kFlopUnits = {Unit{1e15, "PFLOP/s"}, Unit{1e12, "TFLOP/s"},
                                   Unit{1e9, "GFLOP/s"},  Unit{1e6, "MFLOP/s"},
                                   Unit{1e3, "kFLOP/s"},  Unit{1, "FLOP/s"}};
constexpr std::array kEnergyUnits = {Unit{1e6, "MJ"}, Unit{1e3, "kJ"}, Unit{1, "J"},
                                     Unit{1e-3, "mJ"}, Unit{1e-6, "µJ"}};
constexpr std::array kCapacityUnits = {Unit{1ull << 40, "TiB"}, Unit{1ull << 30, "GiB"},
                                       Unit{1ull << 20, "MiB"}, Unit{1ull << 10, "KiB"},
                                       Unit{1, "B"}};

// `value` as it will be shown, so that 999.96 µs is seen as 1.000 ms before a unit is chosen.
double rounded(double value, int digits) {
  return std::strtod(fmt::format("{:.{}e}", value, digits - 1).c_str(), nullptr);
}

// Decimals that give `digits` significant digits.
int decimals_of(double value, int digits) {
  if (value == 0) return 0;
  const double shown = std::abs(rounded(value, digits));
  const int exponent = static_cast<int>(std::floor(std::log10(shown) + 1e-12));
  return std::clamp(digits - 1 - exponent, 0, 15);
}

template <std::size_t N>
const Unit& unit_for(double value, int digits, const std::array<Unit, N>& units) {
  const double shown = std::abs(rounded(value, digits));
  for (const Unit& unit : units) {
    if (shown >= unit.scale * (1 - 1e-12)) return unit;
  }
  return units.back();
}

template <std::size_t N>
std::string with_unit(double value, const std::array<Unit, N>& units) {
  if (!std::isfinite(value)) return std::string(kNone);
  if (value == 0) return fmt::format("0 {}", units.back().name);
  const Unit& unit = unit_for(value, kDigits, units);
  const bool is_whole_count = unit.scale == 1 && unit.name == "B";
  return fmt::format(
      "{} {}",
      is_whole_count ? fmt::format("{:.0f}", value) : format_significant(value / unit.scale),
      unit.name);
}

}  // namespace

std::string format_significant(double value, int digits) {
  if (!std::isfinite(value)) return std::string(kNone);
  if (std::abs(value) >= kPlainLimit) return fmt::format("{:.{}e}", value, digits - 1);
  return fmt::format("{:.{}f}", value, decimals_of(value, digits));
}

std::string format_time(double seconds) {
  return seconds == 0 ? "0 s" : with_unit(seconds, kTimeUnits);
}

std::string format_time(double seconds, double half_width) {
  if (!std::isfinite(seconds) || !std::isfinite(half_width) || seconds == 0) {
    return format_time(seconds);
  }
  const Unit& unit = unit_for(seconds, kDigits, kTimeUnits);
  const double value = seconds / unit.scale;
  const int decimals = decimals_of(value, kDigits);
  const double half = half_width / unit.scale;
  const double smallest = std::pow(10.0, -decimals);
  const std::string spread = half > 0 && half < smallest / 2
                                 ? fmt::format("<{:.{}f}", smallest, decimals)
                                 : fmt::format("{:.{}f}", half, decimals);
  return fmt::format("{:.{}f} ± {} {}", value, decimals, spread, unit.name);
}

std::string format_rate(double value) {
  if (!std::isfinite(value)) return std::string(kNone);
  if (std::abs(value) >= 1e7) {
    const bool giga = std::abs(rounded(value, kDigits)) >= 1e9;
    return format_significant(value / (giga ? 1e9 : 1e6)) + (giga ? " G" : " M");
  }
  return format_significant(value);
}

std::string format_bytes(double bytes) {
  return with_unit(bytes, kByteUnits);
}

std::string format_capacity(double bytes) {
  if (!std::isfinite(bytes)) return std::string(kNone);
  // Rounding to decimal digits first, as for the others, would push 1 GiB below its own unit.
  const auto it = std::find_if(kCapacityUnits.begin(), kCapacityUnits.end(),
                               [&](const Unit& one) { return bytes >= 0.9995 * one.scale; });
  const Unit& unit = it == kCapacityUnits.end() ? kCapacityUnits.back() : *it;
  const double value = bytes / unit.scale;
  // Above a thousand only the whole number: 1008 KiB, not 1.01e+03.
  return value >= 1000 ? fmt::format("{:.0f} {}", value, unit.name)
                       : fmt::format("{:.3g} {}", value, unit.name);
}

std::string format_flops(double flops_per_second) {
  return with_unit(flops_per_second, kFlopUnits);
}

std::string format_energy(double joules) {
  return with_unit(joules, kEnergyUnits);
}

std::string format_frequency(double hertz) {
  return std::isfinite(hertz) ? fmt::format("{:.3g} GHz", hertz / 1e9) : std::string(kNone);
}

std::string format_percent(double share) {
  if (!std::isfinite(share)) return std::string(kNone);
  const double percent = share * 100;
  return fmt::format("{:.{}f} %", percent, std::abs(percent) < 10 ? 1 : 0);
}

}  // namespace ridgeline::report
