// Binds kernels, grids and arrays together.
#include "engines/native/ceilings/device_ways.hpp"

#include <ATen/ops/empty.h>
#include <fmt/format.h>

#include <algorithm>

#include "engines/native/ceilings/device_kernels.hpp"

namespace ridgeline::native::ceilings {
namespace {

template <typename... Arguments>
std::function<Status()> bind(const cuda::Kernel& kernel, const cuda::Grid& grid,
                             const c10::Stream& stream, Arguments... arguments) {
  return [=] { return kernel.launch(grid, stream, arguments...); };
}

Result<DeviceWay> own_way(Kind kind, const Shape& shape, const std::vector<at::Tensor>& arrays,
                          const cuda::Module& module, const c10::Stream& stream,
                          int multiprocessors) {
  const char* const prefix = kernel_prefix(kind);
  RIDGELINE_TRY(const cuda::Kernel kernel,
                module.kernel(fmt::format("{}_{}", prefix, shape.kernel)));
  RIDGELINE_TRY(const int fit, kernel.blocks_on_multiprocessor(shape.threads));
  const auto tiles = static_cast<std::int64_t>(arrays.front().nbytes()) /
                     (std::int64_t{shape.threads} * shape.loads * kVectorBytes);
  const std::int64_t resident = std::int64_t{multiprocessors} * std::max(fit, 1);
  const std::int64_t blocks = shape.spread == Spread::kResident ? std::min(resident, tiles) : tiles;
  const cuda::Grid grid{static_cast<unsigned>(blocks), shape.threads};
  DeviceWay way{fmt::format("own {}_{}: {} blocks of {} threads, {} vectors of 16 bytes each",
                            prefix, shape.kernel, blocks, shape.threads, shape.loads),
                {}};
  void* const first = arrays[0].data_ptr();
  const auto address = [&](std::size_t array) -> const void* { return arrays[array].data_ptr(); };
  switch (kind) {
    case Kind::kRead:
      way.sums = at::empty({blocks}, arrays[0].options());
      way.run = bind(kernel, grid, stream, address(0), tiles, way.sums.data_ptr());
      break;
    case Kind::kWrite:
      way.run = bind(kernel, grid, stream, first, tiles, kDeviceWord);
      break;
    case Kind::kCopy:
      way.run = bind(kernel, grid, stream, first, address(1), tiles);
      break;
    default:
      way.run = bind(kernel, grid, stream, first, address(1), address(2), tiles, kDeviceScale);
  }
  return way;
}

}  // namespace

Result<std::vector<DeviceWay>> device_ways(Kind kind, const std::vector<at::Tensor>& arrays,
                                           const cuda::Module& module, const c10::Stream& stream) {
  RIDGELINE_TRY(const cuda::Driver* const driver, cuda::Driver::get());
  RIDGELINE_TRY(const int multiprocessors,
                driver->attribute(cuda::DeviceAttribute::kMultiprocessors, stream.device_index()));
  std::vector<DeviceWay> ways;
  // Torch's first: whatever else there is time for, nothing below them is a ceiling.
  if (kind == Kind::kCopy) {
    ways.push_back({"ATen copy_ (cudaMemcpyAsync)", [to = arrays[0], from = arrays[1]]() -> Status {
                      to.copy_(from, /*non_blocking=*/true);
                      return {};
                    }});
  }
  if (kind == Kind::kWrite) {
    ways.push_back({"ATen fill_", [to = arrays[0]]() -> Status {
                      to.fill_(kDeviceWord);
                      return {};
                    }});
  }
  for (const Shape& shape : kShapes) {
    RIDGELINE_TRY(DeviceWay way, own_way(kind, shape, arrays, module, stream, multiprocessors));
    ways.push_back(std::move(way));
  }
  return ways;
}

}  // namespace ridgeline::native::ceilings
