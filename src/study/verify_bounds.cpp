// The table of bounds.
#include "study/verify_bounds.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace ridgeline::study {
namespace {

constexpr double kTwoRoundingsBfloat16 = 1.0 / 128;  // 8 bits: each at most 2^-8
constexpr double kTwoRoundingsFloat16 = 1.0 / 1024;  // 11 bits: each at most 2^-11

constexpr std::array kRows = {
    VerifyBound{"float32", true, 1e-4, 0, 2},
    VerifyBound{"bfloat16", false, kTwoRoundingsBfloat16, 2, 3},
    VerifyBound{"float16", false, kTwoRoundingsFloat16, 2, 3},
};

}  // namespace

std::span<const VerifyBound> verify_bounds() {
  return kRows;
}

Result<VerifyBound> verify_bound(std::string_view dtype) {
  const auto* row = std::find_if(kRows.begin(), kRows.end(),
                                 [&](const VerifyBound& one) { return one.dtype == dtype; });
  if (row != kRows.end()) return *row;
  return unsupported(fmt::format("no bound is known for outputs in {}", dtype),
                     "use float32, bfloat16 or float16");
}

double bound_of(const VerifyBound& row, const std::optional<double>& peer_error) {
  return std::max(row.floor, row.factor * peer_error.value_or(0));
}

}  // namespace ridgeline::study
