// In which order workers are started and workloads run: random, but the same again on resume.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "measure/matrix.hpp"
#include "measure/plan.hpp"

namespace ridgeline::measure {

/// Indices 0 … count-1 in an order that depends on `seed` only (Fisher-Yates over splitmix64, the
/// same on every platform).
std::vector<std::size_t> shuffled(std::size_t count, std::uint64_t seed);

/// Order of the configurations in round `round` of invocations: shuffled by the plan's seed in even
/// rounds and the reverse of it in odd ones (ABBA), so that slow drift of the machine falls on all
/// configurations alike. Configurations that differ in nothing but their engine run next to each
/// other, in an order of their own: they are what is compared.
std::vector<std::size_t> schedule(const Plan& plan, const Matrix& matrix, std::int64_t round);

/// Order of a configuration's workloads in one invocation, from (seed, configuration, invocation).
std::vector<std::size_t> workload_order(std::size_t count, std::int64_t seed,
                                        std::string_view configuration_id, std::int64_t invocation);

}  // namespace ridgeline::measure
