// Units and digits of sentences.
#include "analysis/limit_words.hpp"

#include <fmt/format.h>

#include <array>
#include <cmath>
#include <span>

namespace ridgeline::analysis {
namespace {

// Reasons come from records and may be of any length.
constexpr std::size_t kMostBytes = 300;

struct Unit {
  double scale;
  std::string_view prefix;
};
constexpr std::array kLarge = {Unit{1e15, "P"}, Unit{1e12, "T"}, Unit{1e9, "G"},
                               Unit{1e6, "M"},  Unit{1e3, "k"},  Unit{1, ""}};
constexpr std::array kSmall = {Unit{1, ""}, Unit{1e-3, "m"}, Unit{1e-6, "µ"}, Unit{1e-9, "n"}};

// Three digits without an exponent up to 99999.
std::string digits(double value) {
  const double size = std::abs(value);
  if (size >= 1e5) return fmt::format("{:.3g}", value);
  if (size >= 99.95) return fmt::format("{:.0f}", value);
  return fmt::format("{:.3g}", value);
}

std::string with_unit(double value, std::span<const Unit> units, std::string_view unit) {
  if (!std::isfinite(value)) return "?";
  const Unit* chosen = &units.back();
  for (const Unit& one : units) {
    // 999.6 k reads 1.00 M.
    if (std::abs(value) < 0.9995 * one.scale) continue;
    chosen = &one;
    break;
  }
  if (value == 0) chosen = &units[units.front().scale > 1 ? units.size() - 1 : 0];
  return fmt::format("{} {}{}", digits(value / chosen->scale), chosen->prefix, unit);
}

}  // namespace

std::string seconds_words(double seconds) {
  return with_unit(seconds, kSmall, "s");
}
std::string bytes_words(double bytes) {
  return with_unit(bytes, kLarge, "B");
}
std::string bytes_rate_words(double bytes_per_second) {
  return with_unit(bytes_per_second, kLarge, "B/s");
}
std::string flops_words(double flops) {
  return with_unit(flops, kLarge, "FLOP");
}
std::string flops_rate_words(double flops_per_second) {
  return with_unit(flops_per_second, kLarge, "FLOP/s");
}
std::string clock_words(double hertz) {
  return with_unit(hertz, kLarge, "Hz");
}

std::string share_words(double share) {
  if (!std::isfinite(share)) return "?";
  const double percent = 100 * share;
  if (percent > 0 && percent < 0.1) return "below 0.1 %";
  return fmt::format("{:.{}f} %", percent, percent < 9.95 ? 1 : 0);
}

std::string gain_words(double gain) {
  if (!std::isfinite(gain)) return "?";
  return gain < 10 ? fmt::format("{:.2f}x", gain) : fmt::format("{:.0f}x", gain);
}

std::string short_words(std::string_view text) {
  if (text.size() <= kMostBytes) return std::string(text);
  std::size_t end = kMostBytes;
  // Not within a character of several bytes.
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U) --end;
  return std::string(text.substr(0, end)) + "…";
}

}  // namespace ridgeline::analysis
