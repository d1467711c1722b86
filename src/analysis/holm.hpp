// Holm's step-down correction: many tests in one call, one chance of a false alarm in all of them.
#pragma once

#include <span>
#include <vector>

namespace ridgeline::analysis {

/// Adjusted p-values in the order of `p` (Holm 1979): the i-th smallest of m is
/// max over j ≤ i of min(1, (m − j + 1) · p(j)). Those at most alpha may be called different, and
/// the probability that any one of these calls is false stays below alpha, however the tests hang
/// together. NaN counts as 1.
std::vector<double> holm_adjusted(std::span<const double> p);

}  // namespace ridgeline::analysis
