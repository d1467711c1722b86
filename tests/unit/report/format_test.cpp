// Numbers for people.
#include "report/format.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace ridgeline::report {
namespace {

TEST(Format_Time, picks_the_unit_and_four_digits) {
  EXPECT_EQ(format_time(12.345e-9), "12.35 ns");
  EXPECT_EQ(format_time(412.3e-6), "412.3 µs");
  EXPECT_EQ(format_time(0.05361), "53.61 ms");
  EXPECT_EQ(format_time(2.0), "2.000 s");
  EXPECT_EQ(format_time(1234.5), "1234 s");
  EXPECT_EQ(format_time(0), "0 s");
  EXPECT_EQ(format_time(0.3e-9), "0.3000 ns");
}

TEST(Format_Time, rounds_before_it_picks_the_unit) {
  EXPECT_EQ(format_time(999.96e-6), "1.000 ms");
  EXPECT_EQ(format_time(999.94e-6), "999.9 µs");
  EXPECT_EQ(format_time(9.9996e-3), "10.00 ms");
}

TEST(Format_Time, half_width_shares_unit_and_decimals) {
  EXPECT_EQ(format_time(0.01234, 0.00005), "12.34 ± 0.05 ms");
  EXPECT_EQ(format_time(0.1234, 0.0123), "123.4 ± 12.3 ms");
  EXPECT_EQ(format_time(0.01234, 1e-9), "12.34 ± <0.01 ms");
  EXPECT_EQ(format_time(0.01234, 0), "12.34 ± 0.00 ms");
  EXPECT_EQ(format_time(0.01234, std::nan("")), "12.34 ms");
}

TEST(Format_Absent, is_a_dash_never_zero) {
  EXPECT_EQ(format_time(std::nan("")), "–");
  EXPECT_EQ(format_rate(std::numeric_limits<double>::infinity()), "–");
  EXPECT_EQ(format_bytes(std::nan("")), "–");
  EXPECT_EQ(format_optional(std::nullopt, format_rate), "–");
}

TEST(Format_Rate, has_an_exponent_only_when_absurd) {
  EXPECT_EQ(format_rate(18.653), "18.65");
  EXPECT_EQ(format_rate(123456.7), "123457");
  EXPECT_EQ(format_rate(12345678), "12.35 M");
  EXPECT_EQ(format_rate(2.5e9), "2.500 G");
  EXPECT_EQ(format_rate(0), "0");
  EXPECT_EQ(format_rate(1e308), "1.000e+299 G");
}

TEST(Format_Bytes, are_decimal_and_capacity_binary) {
  EXPECT_EQ(format_bytes(437928960), "437.9 MB");
  EXPECT_EQ(format_bytes(1e9), "1.000 GB");
  EXPECT_EQ(format_bytes(512), "512 B");
  EXPECT_EQ(format_bytes(0), "0 B");
  EXPECT_EQ(format_capacity(32 << 10), "32 KiB");
  EXPECT_EQ(format_capacity(25276502016.0), "23.5 GiB");
  EXPECT_EQ(format_capacity(1008.0 * 1024), "1008 KiB");
  EXPECT_EQ(format_capacity(60.0 * 1048576), "60 MiB");
  EXPECT_EQ(format_capacity(1048576.0 * 1024), "1 GiB");
  EXPECT_EQ(format_capacity(0), "0 B");
}

TEST(Format_Others, flops_percent_frequency) {
  EXPECT_EQ(format_flops(416.8e9), "416.8 GFLOP/s");
  EXPECT_EQ(format_percent(0.0412), "4.1 %");
  EXPECT_EQ(format_percent(0.87), "87 %");
  EXPECT_EQ(format_frequency(2.6e9), "2.6 GHz");
}

}  // namespace
}  // namespace ridgeline::report
