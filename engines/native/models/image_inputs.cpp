// Images as inputs: config fields, specifications, and positions for images of other sizes.
#include "engines/native/models/image_inputs.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "engines/native/models/token_inputs.hpp"

namespace ridgeline::native {
namespace {

constexpr std::string_view kPixels = "pixel_values";
constexpr std::string_view kInterpolate = "interpolate_pos_encoding";

/// Workload::image_size of tensors that are there already: their own size counts.
constexpr std::int64_t kSizeOfTensor = 0;

Result<std::int64_t> read_bounded(const Json& value, std::string_view key, std::int64_t most) {
  if (!value.is_number_integer()) {
    return bad_input(fmt::format("config.json: '{}' must be an integer or a pair of them", key));
  }
  // As a double first: an unsigned number beyond int64 would wrap.
  const auto size = value.get<double>();
  if (size >= 1 && size <= static_cast<double>(most)) return value.get<std::int64_t>();
  return bad_input(fmt::format("config.json: '{}' is {}, outside 1 to {}", key, size, most));
}

Result<ops::Plane> read_plane(const Json& config, std::string_view key, std::int64_t fallback) {
  const auto found = config.is_object() ? config.find(key) : config.end();
  if (found == config.end() || found->is_null()) return ops::Plane{fallback, fallback};
  if (!found->is_array()) {
    RIDGELINE_TRY(const std::int64_t side, read_bounded(*found, key, kLongestSide));
    return ops::Plane{side, side};
  }
  if (found->size() != 2) {
    return bad_input(fmt::format("config.json: '{}' must be an integer or a pair of them", key));
  }
  RIDGELINE_TRY(const std::int64_t height, read_bounded((*found)[0], key, kLongestSide));
  RIDGELINE_TRY(const std::int64_t width, read_bounded((*found)[1], key, kLongestSide));
  return ops::Plane{height, width};
}

ops::Plane size_of(const at::Tensor& pixels) {
  return {pixels.size(2), pixels.size(3)};
}

// Whether the flag asks for positions of another size. On meta it has no value, and then the size
// of the images says it.
bool asks_to_interpolate(const NamedTensors& inputs, bool same_size) {
  const at::Tensor* flag = find(inputs, kInterpolate);
  if (flag == nullptr) return false;
  return flag->is_meta() ? !same_size : flag->item<std::int64_t>() != 0;
}

}  // namespace

Result<nn::PatchShape> read_patch_shape(const Json& config, std::int64_t default_patch) {
  constexpr std::int64_t kDefaultImage = 224;
  nn::PatchShape shape{.channels = 3, .image = {}, .patch = {}};
  RIDGELINE_TRY(shape.image, read_plane(config, "image_size", kDefaultImage));
  RIDGELINE_TRY(shape.patch, read_plane(config, "patch_size", default_patch));
  const auto channels = config.is_object() ? config.find("num_channels") : config.end();
  if (channels != config.end() && !channels->is_null()) {
    RIDGELINE_TRY(shape.channels, read_bounded(*channels, "num_channels", kMostChannels));
  }
  if (shape.patch[0] > shape.image[0] || shape.patch[1] > shape.image[1]) {
    return bad_input(fmt::format("config.json: patches of {}x{} pixels in images of {}x{}",
                                 shape.patch[0], shape.patch[1], shape.image[0], shape.image[1]));
  }
  return shape;
}

Result<std::vector<InputSpec>> image_specs(const Workload& workload, const nn::PatchShape& shape) {
  ops::Plane size = shape.image;
  bool interpolated = false;
  Shape pixels = {workload.batch, shape.channels, size[0], size[1]};
  if (workload.is_real() || workload.image_size == kSizeOfTensor) {
    pixels = {-1, shape.channels, -1, -1};
  } else if (workload.image_size) {
    const std::int64_t side = *workload.image_size;
    if (side < 1 || side > kLongestSide) {
      return bad_input(fmt::format("image size {} is outside 1 to {}", side, kLongestSide));
    }
    interpolated = ops::Plane{side, side} != size;
    pixels = {workload.batch, shape.channels, side, side};
  }
  return std::vector<InputSpec>{
      {.name = std::string(kPixels),
       .kind = InputSpec::Kind::kFeatures,
       .shape = std::move(pixels),
       .required = true},
      {.name = std::string(kInterpolate),
       .kind = InputSpec::Kind::kFlag,
       .shape = {},
       .synthetic = interpolated},
  };
}

Result<Workload> image_workload(const NamedTensors& inputs) {
  const at::Tensor* pixels = find(inputs, kPixels);
  if (pixels == nullptr) return bad_input(fmt::format("input '{}' is missing", kPixels));
  if (pixels->dim() != 4 || pixels->numel() == 0) {
    return bad_input(fmt::format("input '{}' is {}, expected [batch, channels, height, width]",
                                 kPixels, to_string(pixels->sizes().vec())));
  }
  Workload workload;
  workload.batch = pixels->size(0);
  workload.image_size = kSizeOfTensor;
  return workload;
}

Result<Images> bind_images(const NamedTensors& inputs, const nn::PatchShape& shape,
                           const at::Tensor& positions) {
  const at::Tensor pixels = tensor_or_none(inputs, kPixels);
  const ops::Plane size = size_of(pixels);
  Images images{pixels, shape.grid(size), positions};
  const bool interpolate = asks_to_interpolate(inputs, size == shape.image);
  if (!interpolate && size != shape.image) {
    return bad_input(fmt::format("the images have {}x{} pixels, the model takes {}x{}", size[0],
                                 size[1], shape.image[0], shape.image[1]),
                     "resize them, or set interpolate_pos_encoding");
  }
  const std::int64_t patches = images.grid[0] * images.grid[1];
  if (patches == 0) {
    return bad_input(fmt::format("images of {}x{} pixels hold no patch of {}x{}", size[0], size[1],
                                 shape.patch[0], shape.patch[1]));
  }
  // transformers keeps the positions as they are here, whatever the flag says.
  if (!interpolate || (patches == shape.patches() && size[0] == size[1])) return images;
  const ops::Plane from = shape.grid(shape.image);
  if (from[0] != from[1]) {
    return unsupported(fmt::format(
        "interpolate_pos_encoding with positions of {}x{} patches: only square ones can be resized",
        from[0], from[1]));
  }
  images.positions = nn::resize_positions(positions, from, images.grid);
  return images;
}

std::int64_t image_tokens(const NamedTensors& inputs, const nn::PatchShape& shape) {
  const ops::Plane grid = shape.grid(size_of(tensor_or_none(inputs, kPixels)));
  return 1 + grid[0] * grid[1];
}

}  // namespace ridgeline::native
