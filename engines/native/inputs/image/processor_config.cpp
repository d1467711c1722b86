// Reads the settings of image processors.
#include "engines/native/inputs/image/processor_config.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <system_error>

namespace ridgeline::native {
namespace {

constexpr std::uint64_t kMaxConfigBytes = 16ull << 20;

using Colours = std::array<double, 3>;
// IMAGENET_STANDARD_* and OPENAI_CLIP_* of transformers.image_utils.
constexpr Colours kStandardMean = {0.5, 0.5, 0.5};
constexpr Colours kStandardStd = {0.5, 0.5, 0.5};
constexpr Colours kClipMean = {0.48145466, 0.4578275, 0.40821073};
constexpr Colours kClipStd = {0.26862954, 0.26130258, 0.27577711};

/// The defaults of a class of transformers. A class that only sets attributes is a row here.
struct ProcessorClass {
  std::string_view name;
  Resample resample;
  Colours mean;
  Colours std;
  int edge;                ///< of `size`
  bool by_shortest_edge;   ///< `size` is the shortest edge, else the sides of a square
  int crop;                ///< the sides of crop_size, 0 without cropping
  bool default_to_square;  ///< what a plain number as `size` means
  bool has_square_size;    ///< knows use_square_size, a leftover of KOSMOS-2
};

constexpr ProcessorClass kClasses[] = {
    {"ViTImageProcessor", Resample::kBilinear, kStandardMean, kStandardStd, 224, false, 0, true,
     false},
    {"CLIPImageProcessor", Resample::kBicubic, kClipMean, kClipStd, 224, true, 224, false, true},
};

/// The class for a model_type whose files name none.
struct FamilyClass {
  std::string_view family;
  std::string_view name;
};

constexpr FamilyClass kFamilies[] = {
    {"vit", "ViTImageProcessor"},
    {"clip", "CLIPImageProcessor"},
    {"clip_vision_model", "CLIPImageProcessor"},
};

Result<const ProcessorClass*> find_class(std::string_view name, std::string_view what) {
  for (const ProcessorClass& entry : kClasses) {
    if (entry.name == name) return &entry;
  }
  std::string known;
  for (const ProcessorClass& entry : kClasses) {
    known += known.empty() ? "" : ", ";
    known += entry.name;
  }
  return unsupported(fmt::format("{}: the image processor {} is not known", what, name),
                     fmt::format("known are {}", known));
}

Result<const ProcessorClass*> class_of_family(std::string_view family, std::string_view what) {
  for (const FamilyClass& entry : kFamilies) {
    if (entry.family == family) return find_class(entry.name, what);
  }
  return unsupported(fmt::format("{}: no image processor is known for the family {}", what,
                                 family.empty() ? "(none)" : family));
}

void cut_end(std::string& text, std::string_view end) {
  if (text.ends_with(end)) text.resize(text.size() - end.size());
}

/// The class that the settings name, in the spellings of old and new releases.
Result<const ProcessorClass*> class_of(const Json& object, std::string_view family,
                                       std::string_view what) {
  RIDGELINE_TRY(std::string name, get_string(object, "image_processor_type", what, ""));
  if (name.empty()) {
    RIDGELINE_TRY(name, get_string(object, "feature_extractor_type", what, ""));
    constexpr std::string_view kOld = "FeatureExtractor";
    const std::size_t at = name.find(kOld);
    if (at != std::string::npos) name.replace(at, kOld.size(), "ImageProcessor");
  }
  if (name.empty()) return class_of_family(family, what);
  cut_end(name, "Fast");
  cut_end(name, "Pil");
  return find_class(name, what);
}

ImageProcessorConfig defaults_of(const ProcessorClass& entry) {
  ImageProcessorConfig config;
  config.type = entry.name;
  config.resample = entry.resample;
  config.image_mean = entry.mean;
  config.image_std = entry.std;
  config.size = entry.by_shortest_edge ? SizeRule::by_shortest_edge(entry.edge)
                                       : SizeRule::exactly(entry.edge, entry.edge);
  config.do_center_crop = entry.crop > 0;
  if (entry.crop > 0) config.crop_size = SizeRule::exactly(entry.crop, entry.crop);
  return config;
}

// A null in the settings hides the default of the class and counts as nothing at all.
bool is_null(const Json& object, std::string_view key) {
  const auto found = object.find(std::string(key));
  return found != object.end() && found->is_null();
}

Status read_flag(const Json& object, std::string_view key, std::string_view what, bool& flag) {
  RIDGELINE_TRY(flag, get_bool(object, key, what, flag && !is_null(object, key)));
  return {};
}

/// image_mean or image_std: three numbers, or one for all colours; left alone when missing.
Status read_colours(const Json& object, std::string_view key, std::string_view what,
                    Colours& colours) {
  const auto found = object.find(std::string(key));
  if (found == object.end()) return {};
  const bool one = found->is_number();
  const bool three = found->is_array() && found->size() == 3;
  for (std::size_t i = 0; (one || three) && i < 3; ++i) {
    const Json& value = one ? *found : (*found)[i];
    if (!value.is_number()) break;
    colours[i] = value.get<double>();
    if (i == 2) return {};
  }
  return bad_input(fmt::format("{}: {} must hold three numbers", what, key));
}

Status read_sizes(const Json& object, const ProcessorClass& entry, std::string_view what,
                  ImageProcessorConfig& config) {
  bool square = entry.default_to_square;
  RIDGELINE_CHECK(read_flag(object, "default_to_square", what, square));
  RIDGELINE_TRY(const auto size, read_size_rule(object, "size", square, what));
  RIDGELINE_TRY(const auto crop_size, read_size_rule(object, "crop_size", true, what));
  RIDGELINE_TRY(config.pad_size, read_size_rule(object, "pad_size", true, what));
  if (size || is_null(object, "size")) config.size = size.value_or(SizeRule());
  if (crop_size || is_null(object, "crop_size")) config.crop_size = crop_size;
  bool square_size = false;
  RIDGELINE_CHECK(read_flag(object, "use_square_size", what, square_size));
  if (square_size && entry.has_square_size) config.size = SizeRule::exactly(entry.edge, entry.edge);
  return {};
}

Status read_resample(const Json& object, std::string_view what, Resample& resample) {
  if (is_null(object, "resample")) {
    return bad_input(fmt::format("{}: resample is needed to resize", what));
  }
  RIDGELINE_TRY(const std::int64_t number,
                get_int(object, "resample", what, static_cast<int>(resample)));
  if (number < 0 || number >= kResampleCount) {
    return bad_input(fmt::format("{}: there is no resample {}", what, number),
                     "0 to 5 are nearest, lanczos, bilinear, bicubic, box and hamming");
  }
  resample = static_cast<Resample>(number);
  return {};
}

/// The fields of the steps that are switched on.
Status read_steps(const Json& object, std::string_view what, ImageProcessorConfig& config) {
  if (config.do_resize) RIDGELINE_CHECK(read_resample(object, what, config.resample));
  if (config.do_rescale && is_null(object, "rescale_factor")) {
    return bad_input(fmt::format("{}: do_rescale needs a rescale_factor", what));
  }
  RIDGELINE_TRY(config.rescale_factor,
                get_number(object, "rescale_factor", what, config.rescale_factor));
  if (config.do_normalize) {
    RIDGELINE_CHECK(read_colours(object, "image_mean", what, config.image_mean));
    RIDGELINE_CHECK(read_colours(object, "image_std", what, config.image_std));
  }
  return {};
}

Status check(const ImageProcessorConfig& config, std::string_view what) {
  if (config.do_resize && !config.size.resizes()) {
    return bad_input(fmt::format("{}: size does not say what to resize to", what));
  }
  if (config.do_center_crop && !(config.crop_size && config.crop_size->is_exact())) {
    return bad_input(fmt::format("{}: do_center_crop needs a crop_size of height and width", what));
  }
  if (config.do_pad && config.pad_size && !config.pad_size->is_exact()) {
    return bad_input(fmt::format("{}: pad_size needs height and width", what));
  }
  if (config.do_normalize && std::ranges::count(config.image_std, 0.0) > 0) {
    return bad_input(fmt::format("{}: image_std has a 0, by which it would be divided", what));
  }
  return {};
}

bool is_there(const std::string& path) {
  std::error_code ignored;
  return std::filesystem::exists(path, ignored);
}

Result<Json> read_object(const std::string& path) {
  RIDGELINE_TRY(Json object, read_json_file(path, kMaxConfigBytes));
  if (!object.is_object()) return bad_input(fmt::format("{} is not a JSON object", path));
  return object;
}

}  // namespace

Result<ImageProcessorConfig> parse_image_processor_config(const Json& object,
                                                          std::string_view family,
                                                          std::string_view what) {
  if (!object.is_object()) return bad_input(fmt::format("{} is not a JSON object", what));
  RIDGELINE_TRY(const ProcessorClass* const entry, class_of(object, family, what));
  ImageProcessorConfig config = defaults_of(*entry);
  RIDGELINE_CHECK(read_flag(object, "do_resize", what, config.do_resize));
  RIDGELINE_CHECK(read_flag(object, "do_center_crop", what, config.do_center_crop));
  RIDGELINE_CHECK(read_flag(object, "do_rescale", what, config.do_rescale));
  RIDGELINE_CHECK(read_flag(object, "do_normalize", what, config.do_normalize));
  RIDGELINE_CHECK(read_flag(object, "do_pad", what, config.do_pad));
  RIDGELINE_CHECK(read_steps(object, what, config));
  RIDGELINE_CHECK(read_sizes(object, *entry, what, config));
  RIDGELINE_CHECK(check(config, what));
  return config;
}

Result<ImageProcessorConfig> read_image_processor_config(const std::string& folder,
                                                         std::string_view family) {
  // Newer releases save all processors of a model in one file.
  const std::string joint = folder + "/processor_config.json";
  if (is_there(joint)) {
    RIDGELINE_TRY(const Json object, read_object(joint));
    const auto nested = object.find("image_processor");
    if (nested != object.end()) return parse_image_processor_config(*nested, family, joint);
  }
  const std::string own = folder + "/preprocessor_config.json";
  if (!is_there(own)) {
    return bad_input(fmt::format("{} has no preprocessor_config.json", folder),
                     "copy it from the model, it says how pictures are prepared");
  }
  RIDGELINE_TRY(const Json object, read_object(own));
  return parse_image_processor_config(object, family, own);
}

Result<ImageProcessorConfig> default_image_processor_config(std::string_view family,
                                                            const Json& model_config) {
  constexpr std::string_view kWhat = "the model's config";
  RIDGELINE_TRY(const ProcessorClass* const entry, class_of_family(family, kWhat));
  const ImageProcessorConfig config = defaults_of(*entry);
  if (!model_config.is_object()) return config;
  const auto vision = model_config.find("vision_config");
  const bool nested = vision != model_config.end() && vision->is_object();
  RIDGELINE_TRY(const auto size,
                read_size_rule(nested ? *vision : model_config, "image_size", true, kWhat));
  if (!size) return config;
  if (!size->is_exact()) return bad_input("the model's config: image_size needs height and width");
  return resized_config(config, size->height, size->width);
}

Result<ImageProcessorConfig> resized_config(ImageProcessorConfig config, std::int64_t height,
                                            std::int64_t width) {
  if (height < 1 || width < 1 || height > kMaxImagePixels / width) {
    return bad_input(fmt::format("pictures cannot be made {} x {} pixels", width, height));
  }
  const bool by_edge = config.do_center_crop && config.size.shortest_edge > 0;
  config.do_resize = true;
  config.size = by_edge ? SizeRule::by_shortest_edge(std::max(height, width))
                        : SizeRule::exactly(height, width);
  if (config.do_center_crop) config.crop_size = SizeRule::exactly(height, width);
  if (config.do_pad) config.pad_size = SizeRule::exactly(height, width);
  return config;
}

}  // namespace ridgeline::native
