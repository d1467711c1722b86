// Copies of torch between two tensors.
#include "engines/native/ceilings/transfer.hpp"

#include <ATen/ops/empty.h>
#include <ATen/ops/randint.h>
#include <c10/core/DeviceGuard.h>
#include <c10/core/InferenceMode.h>
#include <fmt/format.h>

#include <algorithm>

#include "base/host_memory.hpp"
#include "engines/native/ceilings/device_memory.hpp"
#include "engines/native/ceilings/device_timer.hpp"
#include "engines/native/ceilings/host/contest.hpp"

namespace ridgeline::native::ceilings {
namespace {

constexpr std::int64_t kDefaultBytes = std::int64_t{512} << 20;
constexpr std::int64_t kLeastBytes = 4096;
constexpr double kBatchSeconds = 5e-3;

Result<std::int64_t> bytes_for(const Request& request) {
  const auto host = available_host_bytes();
  if (request.bytes == 0) {
    RIDGELINE_TRY(const std::int64_t device, free_device_bytes(request.device));
    const std::int64_t least = std::min(device, host.value_or(device)) / 4;
    return std::max(kLeastBytes, std::min(kDefaultBytes, least));
  }
  if (request.bytes < kLeastBytes) {
    return bad_input(fmt::format("{} bytes are too few for a transfer", request.bytes),
                     fmt::format("ask for at least {}", kLeastBytes));
  }
  RIDGELINE_CHECK(check_fits(request.device, request.bytes));
  if (host && request.bytes > *host / 2) {
    return Error{ErrorClass::kOomHost,
                 fmt::format("{:.2f} GB of host memory are more than half of what is left",
                             static_cast<double>(request.bytes) / 1e9),
                 "ask for fewer bytes", request.bytes};
  }
  return request.bytes;
}

}  // namespace

Result<Ceiling> transfer_bandwidth(const Request& request) {
  const c10::InferenceMode inference;
  const c10::DeviceGuard guard(request.device);
  const auto options = at::TensorOptions().dtype(at::kByte);
  at::empty({1}, options.device(request.device));
  RIDGELINE_TRY(const std::int64_t bytes, bytes_for(request));
  const at::Tensor host = at::empty({bytes}, options.pinned_memory(request.pinned));
  const at::Tensor device = at::empty({bytes}, options.device(request.device));
  // Random bytes, made where that is fast; the host's pages are touched by this copy.
  device.random_(1, 256);
  host.copy_(device);
  const bool up = request.kind == Kind::kHostToDevice;
  const at::Tensor& to = up ? device : host;
  const at::Tensor& from = up ? host : device;
  const auto copy = [&] { to.copy_(from, /*non_blocking=*/request.pinned); };

  DeviceTimer timer(request.device);
  const std::int64_t calls = timer.calls_for(std::min(kBatchSeconds, request.seconds / 8), copy);
  Contest contest(1, request.seconds);
  while (contest.next()) {
    request.tick();
    contest.add(static_cast<double>(bytes) / timer.time(calls, copy));
  }
  Ceiling found;
  found.value = contest.best();
  found.unit = "B/s";
  found.median = contest.median();
  found.samples = contest.samples();
  found.seconds = contest.seconds();
  found.kernel = fmt::format("ATen copy_, {} memory", request.pinned ? "pinned" : "pageable");
  found.note = join_notes(contest.note(), timer.note());
  found.bytes = bytes;
  found.bytes_per_repetition = bytes * calls;
  return found;
}

}  // namespace ridgeline::native::ceilings
