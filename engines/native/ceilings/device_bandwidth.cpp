// Arrays on the device, a check of every way, and the contest between the ways.
#include "engines/native/ceilings/device_bandwidth.hpp"

#include <ATen/ops/allclose.h>
#include <ATen/ops/empty.h>
#include <c10/core/DeviceGuard.h>
#include <c10/core/InferenceMode.h>
#include <fmt/format.h>

#include <algorithm>

#include "engines/native/ceilings/device_kernels.hpp"
#include "engines/native/ceilings/device_memory.hpp"
#include "engines/native/ceilings/device_timer.hpp"
#include "engines/native/ceilings/device_ways.hpp"
#include "engines/native/ceilings/host/contest.hpp"

namespace ridgeline::native::ceilings {
namespace {

constexpr std::int64_t kDefaultBytes = std::int64_t{8} << 30;
// Time of the calls between two events: launches and the events themselves vanish in it.
constexpr double kBatchSeconds = 5e-3;
// Clocks rise before anything is counted.
constexpr double kWarmUpSeconds = 0.1;
// Words that are looked at in each of three places after a write, copy or triad.
constexpr std::int64_t kLookedAt = std::int64_t{1} << 16;

// The beginning, a piece of the middle and the end.
std::vector<at::Tensor> places(const at::Tensor& array) {
  const std::int64_t count = std::min(kLookedAt, array.numel());
  const std::int64_t last = array.numel() - count;
  return {array.narrow(0, 0, count), array.narrow(0, last / 2, count),
          array.narrow(0, last, count)};
}

bool is_right(Kind kind, const std::vector<at::Tensor>& arrays, std::size_t place) {
  const at::Tensor first = places(arrays[0])[place];
  if (kind == Kind::kWrite) return first.eq(kDeviceWord).all().item<bool>();
  const at::Tensor second = places(arrays[1])[place];
  if (kind == Kind::kCopy) return first.equal(second);
  const at::Tensor third = places(arrays[2])[place];
  // The kernel may fuse product and sum, and where both cancel the difference is relatively large.
  constexpr double kAbsolute = 1e-5;
  return at::allclose(first.view(at::kFloat),
                      second.view(at::kFloat) + third.view(at::kFloat) * kDeviceScale, 1e-5,
                      kAbsolute);
}

// Runs every way once, and looks at what it did. This is also each one's first call.
Status check(Kind kind, const std::vector<at::Tensor>& arrays, const std::vector<DeviceWay>& ways) {
  const std::int64_t sum = kind == Kind::kRead ? arrays[0].sum().item<std::int64_t>() : 0;
  for (const DeviceWay& way : ways) {
    if (kind != Kind::kRead) arrays[0].fill_(1);
    RIDGELINE_CHECK(way.run());
    const bool right =
        kind == Kind::kRead
            ? way.sums.sum().item<std::int64_t>() == sum
            : is_right(kind, arrays, 0) && is_right(kind, arrays, 1) && is_right(kind, arrays, 2);
    if (!right) {
      return Error{ErrorClass::kInternal, fmt::format("'{}' computed something wrong", way.name)};
    }
  }
  return {};
}

// Seconds of one call; several are made back to back.
Result<double> time(DeviceTimer& timer, std::int64_t calls, const DeviceWay& way) {
  Status failed;
  const double seconds = timer.time(calls, [&] {
    if (auto status = way.run(); !status) failed = std::move(status);
  });
  RIDGELINE_CHECK(failed);
  return seconds;
}

std::int64_t warm_up(DeviceTimer& timer, const DeviceWay& way, double seconds) {
  const auto run = [&] { (void)way.run(); };
  const double warm = std::min(kWarmUpSeconds, seconds / 4);
  timer.time(timer.calls_for(warm, run), run);
  return timer.calls_for(std::min(kBatchSeconds, seconds / 8), run);
}

Result<std::int64_t> array_bytes_for(const Request& request) {
  std::int64_t bytes = request.bytes;
  if (bytes == 0) {
    RIDGELINE_TRY(const std::int64_t free, free_device_bytes(request.device));
    bytes = std::min(kDefaultBytes, free / 4);
  } else {
    RIDGELINE_CHECK(check_fits(request.device, bytes));
  }
  const int arrays = arrays_of(request.kind);
  const std::int64_t each = bytes / arrays / kArrayStep * kArrayStep;
  if (each > 0) return each;
  return bad_input(
      fmt::format("{} bytes are too few for {} arrays on {}", bytes, arrays, request.device.str()),
      fmt::format("ask for at least {}", kArrayStep * arrays));
}

}  // namespace

Result<Ceiling> device_bandwidth(const Request& request) {
  const c10::InferenceMode inference;
  const c10::DeviceGuard guard(request.device);
  const auto words = at::TensorOptions().dtype(at::kLong).device(request.device);
  // The first tensor of a device makes its context, which the driver's calls need.
  at::empty({1}, words);
  RIDGELINE_TRY(const std::int64_t each, array_bytes_for(request));
  RIDGELINE_TRY(const cuda::Module module,
                cuda::compile_module(device_source(request.kind), "bandwidth.cu", request.device));
  std::vector<at::Tensor> arrays;
  for (int array = 0; array < arrays_of(request.kind); ++array) {
    // Normally distributed float32: no NaN, and nothing that is all zeros.
    arrays.push_back(at::empty({each / 4}, words.dtype(at::kFloat)).normal_().view(at::kLong));
  }
  DeviceTimer timer(request.device);
  RIDGELINE_TRY(const std::vector<DeviceWay> ways,
                device_ways(request.kind, arrays, module, timer.stream()));
  RIDGELINE_CHECK(check(request.kind, arrays, ways));
  const std::int64_t calls = warm_up(timer, ways.front(), request.seconds);

  const std::int64_t bytes = each * arrays_of(request.kind);
  Contest contest(ways.size(), std::max(request.seconds, request.steady_seconds), /*warm=*/true);
  while (const auto turn = contest.next()) {
    request.tick();
    RIDGELINE_TRY(const double seconds, time(timer, calls, ways[*turn]));
    contest.add(static_cast<double>(bytes) / seconds);
  }
  timer.wait();
  Ceiling found;
  found.value = contest.best();
  found.unit = "B/s";
  found.median = contest.median();
  found.samples = contest.samples();
  found.seconds = found.steady_seconds = contest.seconds();
  found.kernel = ways[contest.winner()].name;
  found.note = join_notes(contest.note(), timer.note());
  found.bytes = bytes;
  found.bytes_per_repetition = bytes * calls;
  return found;
}

}  // namespace ridgeline::native::ceilings
