// Chooses sizes, and lets ways and sizes compete.
#include "engines/native/ceilings/gemm.hpp"
#include "base/clock.hpp"

#include <ATen/Parallel.h>
#include <c10/core/DeviceGuard.h>
#include <c10/core/InferenceMode.h>
#include <c10/util/Exception.h>
#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <exception>
#include <thread>

#include "base/clock.hpp"
#include "base/host_memory.hpp"
#include "engines/native/ceilings/device_memory.hpp"
#include "engines/native/ceilings/device_timer.hpp"
#include "engines/native/ceilings/host/contest.hpp"
#include "engines/native/ceilings/products.hpp"
#include "engines/native/ops/cpu/parallel.hpp"

namespace ridgeline::native::ceilings {
namespace {

constexpr std::int64_t kFirstSize = 256;
constexpr std::int64_t kLargestOnCpu = 8192;
constexpr std::int64_t kLargestOnDevice = 16384;
// Sizes at which accelerators show what they can do; the first is what everybody quotes.
constexpr std::array<std::int64_t, 3> kDeviceSizes = {8192, 16384, 4096};
// Before a repetition on a device, so that its power limit does not lower the clock within it: a
// rest lets the controller's average fall.
constexpr std::chrono::milliseconds kRest(100);
constexpr double kRestFactor = 3;
// Time of the products of one repetition, at least.
constexpr double kBatchSeconds = 10e-3;
constexpr double kLongestOnCpu = 0.1;
constexpr double kWarmUpSeconds = 0.1;
// A way that takes so many times as long as the best one at the smallest size is not tried at a
// larger one: a product without instructions for its dtype could take minutes there.
constexpr double kHopeless = 8;

double flops_of(std::int64_t size) {
  const auto n = static_cast<double>(size);
  return 2 * n * n * n;
}

Status check_memory(const Request& request, std::int64_t size, std::int64_t copies = 1) {
  const std::int64_t bytes = copies * product_bytes(request.dtype, size);
  if (!request.device.is_cpu()) return check_fits(request.device, bytes);
  const auto available = available_host_bytes();
  if (!available || bytes <= *available) return {};
  return Error{ErrorClass::kOomHost,
               fmt::format("products of size {} need {:.2f} GB of memory", size,
                           static_cast<double>(bytes) / 1e9),
               "ask for a smaller size", bytes};
}

// The first line of what torch said.
std::string reason_of(const c10::Error& error) {
  std::string text = error.what_without_backtrace();
  return text.substr(0, text.find('\n'));
}

// The ways of one size that are worth timing, and how long the best of them takes.
struct Field {
  std::vector<Product> ways;
  double seconds = 0;
};

// Runs each way once, and times a few runs more. On the CPU hopeless ways are left out.
Field time_each(const Request& request, DeviceTimer& timer, std::vector<Product> ways) {
  constexpr int kRuns = 3;
  Field field;
  std::vector<double> took;
  for (const Product& way : ways) {
    request.tick();
    way.run();
    double best = timer.time(1, way.run);
    for (int run = 1; run < kRuns; ++run) best = std::min(best, timer.time(1, way.run));
    took.push_back(best);
  }
  field.seconds = *std::min_element(took.begin(), took.end());
  for (std::size_t way = 0; way < ways.size(); ++way) {
    const bool hopeless = request.device.is_cpu() && took[way] > kHopeless * field.seconds;
    if (!hopeless) field.ways.push_back(std::move(ways[way]));
  }
  return field;
}

// Those of `ways` that are in `field`, by name.
std::vector<Product> only(const Field& field, std::vector<Product> ways) {
  std::erase_if(ways, [&](const Product& way) {
    return std::none_of(field.ways.begin(), field.ways.end(),
                        [&](const Product& known) { return known.name == way.name; });
  });
  return ways;
}

// The smallest size; an error where this device has no product of that dtype.
Result<Field> try_smallest(const Request& request, DeviceTimer& timer) {
  if (request.device.is_cpu() && request.dtype == GemmDtype::kTfloat32) {
    return unsupported("CPUs have no TF32", "ask for float32");
  }
  if (request.device.is_cpu() && request.dtype == GemmDtype::kFloat8) {
    return unsupported("ATen multiplies float8 on CPUs in a reference loop, which is no ceiling",
                       "ask for int8 or bfloat16");
  }
  try {
    return time_each(request, timer, products(request.dtype, request.device, kFirstSize));
  } catch (const c10::OutOfMemoryError&) {
    throw;
  } catch (const c10::Error& error) {
    return unsupported(fmt::format("no {} product on {}: {}", name_of(request.dtype),
                                   request.device.str(), reason_of(error)));
  }
}

// Doubles the size for as long as a product may take that long, and memory allows.
std::int64_t largest_size(const Request& request, DeviceTimer& timer, const Field& smallest,
                          double longest) {
  const std::int64_t most = request.device.is_cpu() ? kLargestOnCpu : kLargestOnDevice;
  std::int64_t size = kFirstSize;
  double seconds = smallest.seconds;
  // Small products run at a smaller share of the peak: the estimate errs on the long side. Operands
  // of the smaller sizes are there at the same time: less than once more.
  while (size < most && 8 * seconds <= longest && check_memory(request, 2 * size, 2)) {
    size *= 2;
    auto ways = only(smallest, products(request.dtype, request.device, size));
    if (ways.empty()) return size / 2;
    seconds = time_each(request, timer, std::move(ways)).seconds;
  }
  return size;
}

std::vector<std::int64_t> sizes_for(const Request& request, DeviceTimer& timer,
                                    const Field& smallest) {
  if (request.size > 0) return {request.size};
  if (request.device.is_cpu()) {
    const double longest = std::min(kLongestOnCpu, request.seconds / 10);
    const std::int64_t largest = largest_size(request, timer, smallest, longest);
    // Rows of a power of two may fall on each other in the caches.
    return {largest, largest / 4 * 3};
  }
  const std::int64_t largest = largest_size(request, timer, smallest, request.seconds / 8);
  std::vector<std::int64_t> sizes;
  for (const std::int64_t size : kDeviceSizes) {
    if (size <= largest) sizes.push_back(size);
  }
  if (sizes.empty()) sizes.push_back(largest);
  return sizes;
}

struct Entrant {
  std::int64_t size;
  Product product;
  std::int64_t calls;  // of one repetition
};

std::vector<Entrant> entrants_for(const Request& request, DeviceTimer& timer, const Field& smallest,
                                  const std::vector<std::int64_t>& sizes) {
  std::vector<Entrant> entrants;
  for (const std::int64_t size : sizes) {
    for (Product& product : only(smallest, products(request.dtype, request.device, size))) {
      request.tick();
      const std::int64_t calls = timer.calls_for(kBatchSeconds, product.run);
      entrants.push_back({size, std::move(product), calls});
    }
  }
  return entrants;
}

// The median rate without any rest: where the power limit has its say.
double steady_rate(const Request& request, DeviceTimer& timer, const Entrant& entrant,
                   double seconds) {
  std::vector<double> rates;
  const std::int64_t end = now_ns() + static_cast<std::int64_t>(1e9 * seconds);
  do {
    request.tick();
    rates.push_back(flops_of(entrant.size) / timer.time(entrant.calls, entrant.product.run));
  } while (now_ns() < end);
  return median_of(rates);
}

Result<Ceiling> measure(const Request& request) {
  const c10::InferenceMode inference;
  const c10::DeviceGuard guard(request.device);
  std::optional<Tf32Guard> tf32;
  if (!request.device.is_cpu()) tf32.emplace(request.dtype == GemmDtype::kTfloat32);
  DeviceTimer timer(request.device);
  RIDGELINE_TRY(const Field smallest, try_smallest(request, timer));
  if (request.size > 0) RIDGELINE_CHECK(check_memory(request, request.size));
  const auto sizes = sizes_for(request, timer, smallest);
  const auto entrants = entrants_for(request, timer, smallest, sizes);
  if (entrants.empty()) {
    return unsupported(fmt::format("no {} product of size {} on {}", name_of(request.dtype),
                                   sizes.front(), request.device.str()));
  }
  const bool is_device = !request.device.is_cpu();
  if (is_device) {
    const auto& run = entrants.front().product.run;
    timer.time(timer.calls_for(std::min(kWarmUpSeconds, request.seconds / 4), run), run);
  }
  // The rests are most of the time.
  const double steady = std::max(request.seconds, request.steady_seconds);
  Contest contest(entrants.size(), is_device ? request.seconds * kRestFactor : steady,
                  /*warm=*/true);
  while (const auto turn = contest.next()) {
    request.tick();
    if (is_device) std::this_thread::sleep_for(kRest);
    const Entrant& entrant = entrants[*turn];
    contest.add(flops_of(entrant.size) / timer.time(entrant.calls, entrant.product.run));
  }
  const Entrant& winner = entrants[contest.winner()];
  Ceiling found;
  found.value = contest.best();
  found.unit = request.dtype == GemmDtype::kInt8 ? "OP/s" : "FLOP/s";
  found.median = is_device ? steady_rate(request, timer, winner, steady) : contest.median();
  found.samples = contest.samples();
  found.seconds = contest.seconds();
  found.steady_seconds = is_device ? steady : found.seconds;
  found.kernel = winner.product.name;
  found.note = join_notes(contest.note(), timer.note());
  if (is_device) found.note = join_notes("best: from rest; median: under steady load", found.note);
  found.flops_per_repetition = flops_of(winner.size) * static_cast<double>(winner.calls);
  found.size = winner.size;
  if (request.device.is_cpu()) found.threads = request.placement.threads();
  return found;
}

// Every member of the team of the calling thread may run on these CPUs. A runtime that keeps
// threads hands out ones that were bound before; one that starts them lets them inherit.
bool bind_team(const Placement& placement) {
  std::atomic<bool> bound{true};
  ops::cpu::on_each_member([&] {
    if (!bind_to(placement.cpus)) bound = false;
  });
  return bound;
}

// A thread of its own, which takes its team along: the CPUs of the main thread and of its team stay
// as they are.
Result<Ceiling> measure_on(const Placement& placement, const Request& request) {
  Result<Ceiling> found = environment_error("the system refuses to bind a thread to its CPUs");
  std::exception_ptr thrown;
  const int threads_before = at::get_num_threads();
  std::thread worker([&] {
    try {
      at::set_num_threads(placement.threads());
      if (!bind_to(placement.cpus) || !bind_team(placement)) return;
      found = measure(request);
    } catch (...) {
      thrown = std::current_exception();
    }
  });
  worker.join();
  at::set_num_threads(threads_before);
  if (thrown) std::rethrow_exception(thrown);
  return found;
}

}  // namespace

Result<Ceiling> gemm_rate(const Request& request) {
  return request.device.is_cpu() ? measure_on(request.placement, request) : measure(request);
}

}  // namespace ridgeline::native::ceilings
