// The pipeline of the PIL image processors.
#include "engines/native/inputs/image/image_processor.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <new>

#include "engines/native/inputs/image/resample.hpp"

namespace ridgeline::native {
namespace {

/// What happens to the pixels of one picture before they become floats.
struct Plan {
  PictureSize resized;
  PictureSize cropped;
  // The corner of the crop in the resized picture; negative where zeros stand around it.
  std::int64_t top = 0;
  std::int64_t left = 0;
};

/// Half of a difference, rounded down also below zero: Python's //.
std::int64_t half(std::int64_t difference) {
  return (difference - (difference < 0 && difference % 2 != 0 ? 1 : 0)) / 2;
}

Result<Plan> make_plan(const ImageProcessorConfig& config, PictureSize from) {
  Plan plan;
  plan.resized = from;
  if (config.do_resize) {
    RIDGELINE_TRY(plan.resized, resized_size(config.size, from));
  }
  plan.cropped = plan.resized;
  if (config.do_center_crop) {
    plan.cropped = {config.crop_size->height, config.crop_size->width};
    plan.top = half(plan.resized.height - plan.cropped.height);
    plan.left = half(plan.resized.width - plan.cropped.width);
  }
  return plan;
}

/// The value of each of the 256 levels, for the three colours: float64 for the scaling and float32
/// from there on, as numpy does it.
using Levels = std::array<std::array<float, 256>, 3>;

Levels levels_of(const ImageProcessorConfig& config) {
  Levels levels = {};
  for (std::size_t c = 0; c < 3; ++c) {
    const auto mean = static_cast<float>(config.image_mean[c]);
    const auto std = static_cast<float>(config.image_std[c]);
    for (std::size_t level = 0; level < 256; ++level) {
      auto value = static_cast<float>(level);
      if (config.do_rescale) {
        value = static_cast<float>(static_cast<double>(level) * config.rescale_factor);
      }
      if (config.do_normalize) value = (value - mean) / std;
      levels[c][level] = value;
    }
  }
  return levels;
}

/// Where a picture goes: one plane a colour, the rows `width` floats apart.
struct Target {
  float* values = nullptr;
  std::size_t plane = 0;
  std::size_t width = 0;
};

Status fill(const Image& image, const ImageProcessorConfig& config, const Plan& plan,
            const Levels& levels, const Target& target) {
  const std::int64_t top = std::max<std::int64_t>(plan.top, 0);
  const std::int64_t left = std::max<std::int64_t>(plan.left, 0);
  const std::int64_t bottom = std::min(plan.resized.height, plan.top + plan.cropped.height);
  const std::int64_t right = std::min(plan.resized.width, plan.left + plan.cropped.width);
  const Region region{top, left, static_cast<int>(bottom - top), static_cast<int>(right - left)};
  RIDGELINE_TRY(const Image part, resize_region(image, plan.resized.height, plan.resized.width,
                                                config.resample, region));
  const bool zeros_around = part.height < plan.cropped.height || part.width < plan.cropped.width;
  for (std::size_t c = 0; c < 3; ++c) {
    float* values = target.values + c * target.plane;
    if (zeros_around) {  // level 0, which is scaled and normalised like the others
      float* row = values;
      for (std::int64_t y = 0; y < plan.cropped.height; ++y, row += target.width) {
        std::fill_n(row, plan.cropped.width, levels[c][0]);
      }
    }
    const std::uint8_t* from = part.pixels.data() + c;
    float* row = values + static_cast<std::size_t>(top - plan.top) * target.width +
                 static_cast<std::size_t>(left - plan.left);
    for (int y = 0; y < part.height; ++y, row += target.width) {
      for (int x = 0; x < part.width; ++x, from += 3) row[x] = levels[c][*from];
    }
  }
  return {};
}

/// The size all pictures have together.
Result<PictureSize> batch_size(const ImageProcessorConfig& config, std::span<const Plan> plans) {
  PictureSize size = plans[0].cropped;
  for (const Plan& plan : plans) {
    if (!config.do_pad && plan.cropped != size) {
      return bad_input(
          fmt::format("the pictures become {} x {} and {} x {} pixels, which is no "
                      "batch",
                      size.width, size.height, plan.cropped.width, plan.cropped.height),
          "give pictures of one shape, or one at a time");
    }
    size.height = std::max(size.height, plan.cropped.height);
    size.width = std::max(size.width, plan.cropped.width);
  }
  if (config.do_pad && config.pad_size) {
    const PictureSize padded = {config.pad_size->height, config.pad_size->width};
    if (size.height > padded.height || size.width > padded.width) {
      return bad_input(fmt::format("a picture becomes {} x {} pixels, more than pad_size ({} x {})",
                                   size.width, size.height, padded.width, padded.height));
    }
    size = padded;
  }
  if (size.height > kMaxImagePixels / size.width) {
    return bad_input(fmt::format("pictures of {} x {} pixels are too large for a model", size.width,
                                 size.height));
  }
  return size;
}

Result<PixelBatch> process_all(const ImageProcessorConfig& config, std::span<const Image> images) {
  if (images.empty()) return bad_input("there is no picture to prepare");
  std::vector<Plan> plans;
  for (const Image& image : images) {
    RIDGELINE_TRY(const Plan plan, make_plan(config, {image.height, image.width}));
    plans.push_back(plan);
  }
  RIDGELINE_TRY(const PictureSize size, batch_size(config, plans));
  PixelBatch batch;
  batch.batch = static_cast<std::int64_t>(images.size());
  batch.height = size.height;
  batch.width = size.width;
  const auto plane = static_cast<std::size_t>(size.height * size.width);
  batch.values.resize(plane * 3 * images.size());
  const Levels levels = levels_of(config);
  float* values = batch.values.data();
  for (std::size_t i = 0; i < images.size(); ++i, values += 3 * plane) {
    const Target target{values, plane, static_cast<std::size_t>(size.width)};
    RIDGELINE_CHECK(fill(images[i], config, plans[i], levels, target));
  }
  return batch;
}

}  // namespace

Result<ImageProcessor> ImageProcessor::load(const std::string& folder, std::string_view family) {
  RIDGELINE_TRY(ImageProcessorConfig config, read_image_processor_config(folder, family));
  return ImageProcessor(std::move(config));
}

Result<ImageProcessor> ImageProcessor::defaults(std::string_view family, const Json& model_config) {
  RIDGELINE_TRY(ImageProcessorConfig config, default_image_processor_config(family, model_config));
  return ImageProcessor(std::move(config));
}

Result<ImageProcessor> ImageProcessor::with_size(std::int64_t height, std::int64_t width) const {
  RIDGELINE_TRY(ImageProcessorConfig config, resized_config(config_, height, width));
  return ImageProcessor(std::move(config));
}

Result<PictureSize> ImageProcessor::output_size(PictureSize from) const {
  RIDGELINE_TRY(const Plan plan, make_plan(config_, from));
  return batch_size(config_, std::span(&plan, 1));
}

Result<PixelBatch> ImageProcessor::process(std::span<const Image> images) const {
  try {
    return process_all(config_, images);
  } catch (const std::bad_alloc&) {
    return Error{ErrorClass::kOomHost, "no memory to prepare the pictures"};
  }
}

}  // namespace ridgeline::native
