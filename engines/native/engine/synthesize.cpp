// Writing a synthetic checkpoint.
#include "engines/native/engine/synthesize.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "base/file.hpp"
#include "engines/native/device/device.hpp"
#include "engines/native/scope/tensor_file.hpp"

namespace ridgeline::native {
namespace {

namespace fs = std::filesystem;

Status write_folder(const ResolvedModel& resolved, const LoadRequest& request,
                    const NamedTensors& tensors, const std::string& folder) {
  Json config = *resolved.config;
  config["architectures"] = {resolved.architecture.architecture};
  config.erase("torch_dtype");
  config["dtype"] = request.dtype;
  // Says what the file is, wherever it ends up.
  config["ridgeline_synthetic"] = {{"seed", request.seed}, {"reference", request.model}};
  RIDGELINE_CHECK(write_text_file(folder + "/config.json", config.dump(2) + "\n"));
  return write_tensors(folder + "/model.safetensors", tensors, /*widen=*/false);
}

}  // namespace

Result<Json> write_synthetic_checkpoint(const LoadRequest& request, const std::string& folder) {
  std::error_code failure;
  if (fs::exists(folder, failure)) {
    return bad_input(fmt::format("{} exists already", folder), "name a new folder");
  }
  RIDGELINE_TRY(const ResolvedModel resolved, resolve(request));
  RIDGELINE_TRY(const at::ScalarType dtype, dtype_from(request.dtype));
  RIDGELINE_TRY(const BuiltModel built, build(resolved));
  const auto source = synthetic_source(request.seed);
  NamedTensors tensors;
  std::int64_t parameters = 0;
  RIDGELINE_CHECK(built.declarations->for_each_stored(
      *source, dtype, [&](const std::string& name, at::Tensor tensor) -> Status {
        parameters += tensor.numel();
        tensors.emplace_back(name, std::move(tensor));
        return {};
      }));

  const std::string temporary = fmt::format("{}.tmp{}", folder, ::getpid());
  if (!fs::create_directories(temporary, failure)) {
    return bad_input(fmt::format("cannot create {}: {}", temporary, failure.message()));
  }
  if (const Status written = write_folder(resolved, request, tensors, temporary); !written) {
    fs::remove_all(temporary, failure);
    return written.error();
  }
  fs::rename(temporary, folder, failure);
  if (failure) {
    fs::remove_all(temporary);
    return bad_input(fmt::format("cannot create {}", folder));
  }
  return Json{{"outputs", folder}, {"tensors", tensors.size()}, {"parameters", parameters}};
}

}  // namespace ridgeline::native
