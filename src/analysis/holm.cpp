// From the smallest p-value to the largest.
#include "analysis/holm.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <numeric>

namespace ridgeline::analysis {

std::vector<double> holm_adjusted(std::span<const double> p) {
  std::vector<double> adjusted;
  adjusted.reserve(p.size());
  for (const double value : p) adjusted.push_back(std::isnan(value) ? 1.0 : value);
  std::vector<std::size_t> order(p.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return adjusted[a] < adjusted[b]; });
  double largest = 0;
  for (std::size_t rank = 0; rank < order.size(); ++rank) {
    double& value = adjusted[order[rank]];
    const auto left = static_cast<double>(order.size() - rank);
    largest = std::max(largest, std::min(1.0, left * value));
    value = largest;
  }
  return adjusted;
}

}  // namespace ridgeline::analysis
