// Empty kernels and tiny additions, by the host's clock.
#include "engines/native/ceilings/launch.hpp"

#include <ATen/ops/add.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/ones.h>
#include <c10/core/DeviceGuard.h>
#include <c10/core/InferenceMode.h>

#include <algorithm>
#include <vector>

#include "base/clock.hpp"
#include "engines/native/ceilings/host/contest.hpp"
#include "engines/native/device/cuda/module.hpp"

namespace ridgeline::native::ceilings {
namespace {

// Launches between two looks at the clock; fewer than a queue of the driver holds (1024).
constexpr int kInARow = 500;
constexpr const char* kEmptyKernel = R"(extern "C" __global__ void nothing() {})";

double seconds_since(std::int64_t begin_ns) {
  return static_cast<double>(now_ns() - begin_ns) / static_cast<double>(kNsPerSecond);
}

// Times `work` again and again for `seconds`; the first time is dropped.
template <typename Work>
std::vector<double> repeat(double seconds, const Request& request, const Work& work) {
  std::vector<double> samples;
  work();
  const std::int64_t begin = now_ns();
  do {
    request.tick();
    const std::int64_t start = now_ns();
    work();
    samples.push_back(seconds_since(start));
  } while (seconds_since(begin) < seconds);
  return samples;
}

Ceiling answer(std::vector<double> samples, const char* kernel, std::int64_t begin_ns) {
  for (double& sample : samples) sample /= kInARow;
  Ceiling found;
  found.median = median_of(samples);
  found.value = found.median;
  found.unit = "s";
  found.samples = static_cast<std::int64_t>(samples.size());
  found.kernel = kernel;
  found.seconds = seconds_since(begin_ns);
  return found;
}

Ceiling host_launch(const Request& request) {
  const at::Tensor one = at::ones({1});
  at::Tensor sum = at::ones({1});
  const std::int64_t begin = now_ns();
  auto samples = repeat(request.seconds, request, [&] {
    for (int i = 0; i < kInARow; ++i) at::add_out(sum, one, one);
  });
  return answer(std::move(samples), "ATen add of one element", begin);
}

Result<Ceiling> device_launch(const Request& request) {
  const c10::DeviceGuard guard(request.device);
  // Makes the context that the driver's calls need.
  at::empty({1}, at::TensorOptions().device(request.device));
  RIDGELINE_TRY(const cuda::Module module,
                cuda::compile_module(kEmptyKernel, "empty.cu", request.device));
  RIDGELINE_TRY(const cuda::Kernel kernel, module.kernel("nothing"));
  const c10::Stream stream = cuda::current_stream(request.device);
  Status failed;
  const auto launch = [&] {
    if (auto status = kernel.launch({}, stream); !status) failed = std::move(status);
  };
  stream.synchronize();
  const std::int64_t begin = now_ns();
  auto in_a_row = repeat(request.seconds / 2, request, [&] {
    for (int i = 0; i < kInARow; ++i) launch();
    stream.synchronize();
  });
  const auto round_trips = repeat(request.seconds / 2, request, [&] {
    launch();
    stream.synchronize();
  });
  RIDGELINE_CHECK(failed);
  Ceiling found = answer(std::move(in_a_row), "own empty kernel", begin);
  found.round_trip = median_of(round_trips);
  return found;
}

}  // namespace

Result<Ceiling> launch_latency(const Request& request) {
  const c10::InferenceMode inference;
  if (request.device.is_cpu()) return host_launch(request);
  return device_launch(request);
}

}  // namespace ridgeline::native::ceilings
