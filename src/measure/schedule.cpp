// Portable shuffles: std::shuffle and its distributions differ between standard libraries.
#include "measure/schedule.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <numeric>
#include <utility>

#include "base/hash.hpp"

namespace ridgeline::measure {
namespace {

// Vigna's splitmix64, https://prng.di.unimi.it/splitmix64.c
std::uint64_t next(std::uint64_t& state) {
  std::uint64_t z = (state += 0x9e3779b97f4a7c15u);
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return z ^ (z >> 31);
}

// Indices of the configurations that differ in their engine alone.
std::vector<std::vector<std::size_t>> groups_of_engines(const Matrix& matrix) {
  std::map<std::string, std::size_t> known;
  std::vector<std::vector<std::size_t>> groups;
  for (std::size_t i = 0; i < matrix.configurations.size(); ++i) {
    Configuration without = matrix.configurations[i].configuration;
    without.engine.clear();
    const auto [entry, is_new] = known.emplace(id_of(without), groups.size());
    if (is_new) groups.emplace_back();
    groups[entry->second].push_back(i);
  }
  return groups;
}

// Below `bound` without the bias of a plain remainder: values of the incomplete last run are drawn
// again.
std::uint64_t below(std::uint64_t bound, std::uint64_t& state) {
  const std::uint64_t skipped = (0 - bound) % bound;
  for (;;) {
    const std::uint64_t value = next(state);
    if (value >= skipped) return value % bound;
  }
}

}  // namespace

std::vector<std::size_t> shuffled(std::size_t count, std::uint64_t seed) {
  std::vector<std::size_t> order(count);
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::uint64_t state = seed;
  for (std::size_t i = count; i > 1; --i) std::swap(order[i - 1], order[below(i, state)]);
  return order;
}

std::vector<std::size_t> schedule(const Plan& plan, const Matrix& matrix, std::int64_t round) {
  const std::vector<std::vector<std::size_t>> groups = groups_of_engines(matrix);
  const auto seed = static_cast<std::uint64_t>(plan.seed);
  std::vector<std::size_t> order;
  for (const std::size_t group : shuffled(groups.size(), seed)) {
    for (const std::size_t member :
         shuffled(groups[group].size(), hash64(fmt::format("{}/{}", seed, group)))) {
      order.push_back(groups[group][member]);
    }
  }
  if (round % 2 != 0) std::reverse(order.begin(), order.end());
  return order;
}

std::vector<std::size_t> workload_order(std::size_t count, std::int64_t seed,
                                        std::string_view configuration_id,
                                        std::int64_t invocation) {
  return shuffled(count, hash64(fmt::format("{}/{}/{}", seed, configuration_id, invocation)));
}

}  // namespace ridgeline::measure
