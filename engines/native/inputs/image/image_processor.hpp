// Pictures to the numbers a model takes, as the PIL image processors of transformers make them.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.hpp"
#include "base/json.hpp"
#include "engines/native/inputs/image/image.hpp"
#include "engines/native/inputs/image/processor_config.hpp"

namespace ridgeline::native {

/// pixel_values: float32, [batch, channels, height, width].
struct PixelBatch {
  std::int64_t batch = 0;
  std::int64_t channels = 3;
  std::int64_t height = 0;
  std::int64_t width = 0;
  std::vector<float> values;
};

/// Resizes, crops, rescales, normalises and pads, in this order, each where its settings say so.
/// The values are those of transformers bit for bit (given the same decoded pixels).
class ImageProcessor {
 public:
  explicit ImageProcessor(ImageProcessorConfig config) : config_(std::move(config)) {}

  /// For a model folder; see read_image_processor_config().
  static Result<ImageProcessor> load(const std::string& folder, std::string_view family);

  /// For a model without a folder; see default_image_processor_config().
  static Result<ImageProcessor> defaults(std::string_view family, const Json& model_config);

  const ImageProcessorConfig& config() const { return config_; }

  /// The same processor for an output of height x width.
  Result<ImageProcessor> with_size(std::int64_t height, std::int64_t width) const;

  /// What a single picture of `from` becomes.
  Result<PictureSize> output_size(PictureSize from) const;

  /// Errors: no picture; pictures that become different sizes without do_pad; one larger than
  /// pad_size; no memory.
  Result<PixelBatch> process(std::span<const Image> images) const;

 private:
  ImageProcessorConfig config_;
};

}  // namespace ridgeline::native
