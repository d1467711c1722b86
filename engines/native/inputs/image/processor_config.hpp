// The settings of an image processor, from preprocessor_config.json or from a table of classes.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "base/json.hpp"
#include "engines/native/inputs/image/resample.hpp"
#include "engines/native/inputs/image/size_rule.hpp"

namespace ridgeline::native {

/// The attributes of a PIL image processor of transformers, under their names there. do_convert_rgb
/// is not among them: pictures are RGB when they come here.
struct ImageProcessorConfig {
  std::string type;  ///< the class, without Fast, Pil or FeatureExtractor: "ViTImageProcessor"
  bool do_resize = true;
  SizeRule size;
  Resample resample = Resample::kBilinear;
  bool do_center_crop = false;
  std::optional<SizeRule> crop_size;
  bool do_rescale = true;
  double rescale_factor = 1.0 / 255.0;
  bool do_normalize = true;
  std::array<double, 3> image_mean = {};
  std::array<double, 3> image_std = {};
  bool do_pad = false;
  std::optional<SizeRule> pad_size;  ///< without one, to the largest picture of the batch
};

/// The settings of `folder`: the "image_processor" of its processor_config.json, else its
/// preprocessor_config.json, over the defaults of the class they name, else of the one that
/// `family` (a model_type) uses. Errors: neither file, a class or family that is not in the table
/// (kUnsupported), a field of a wrong type, settings that contradict each other.
Result<ImageProcessorConfig> read_image_processor_config(const std::string& folder,
                                                         std::string_view family);

/// The settings in an object; `what` names it in errors.
Result<ImageProcessorConfig> parse_image_processor_config(const Json& object,
                                                          std::string_view family,
                                                          std::string_view what);

/// The defaults of a family's class, made for the image_size of a model's config.json (its own or
/// its vision_config's) when it has one.
Result<ImageProcessorConfig> default_image_processor_config(std::string_view family,
                                                            const Json& model_config);

/// The same settings, changed so that every picture becomes height x width.
Result<ImageProcessorConfig> resized_config(ImageProcessorConfig config, std::int64_t height,
                                            std::int64_t width);

}  // namespace ridgeline::native
