// Numbers for people: SI base units in, text with unit and sensible digits out.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace ridgeline::report {

/// Stands for a value that is not there.
inline constexpr std::string_view kNone = "–";

/// Significant digits that are shown.
inline constexpr int kDigits = 4;

/// `value` with `digits` significant digits: 0.01234, 12.34, 12345; from 1e15 on with an exponent.
/// Not finite: "–".
std::string format_significant(double value, int digits = kDigits);

/// Seconds as "12.34 ms" (ns, µs, ms or s).
std::string format_time(double seconds);

/// "12.34 ± 0.05 ms": the half width has the decimals of the value; one too small for them reads
/// "<0.01".
std::string format_time(double seconds, double half_width);

/// A rate or a ratio without unit: "81.04", "10374", "12.35 M".
std::string format_rate(double value);

/// Decimal bytes: "437.9 MB".
std::string format_bytes(double bytes);

/// Bytes of something that is built in powers of two: "32 KiB", "23.5 GiB".
std::string format_capacity(double bytes);

/// "123.4 GFLOP/s".
std::string format_flops(double flops_per_second);

/// "2.6 GHz".
std::string format_frequency(double hertz);

/// "12.3 mJ", "4.56 J", "7.89 kJ".
std::string format_energy(double joules);

/// A share as "4.1 %".
std::string format_percent(double share);

/// Text of an optional value: "–" when it is not there.
template <typename Format>
std::string format_optional(const std::optional<double>& value, Format format) {
  return value ? format(*value) : std::string(kNone);
}

}  // namespace ridgeline::report
