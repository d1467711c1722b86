// Any bytes as a picture, as the metadata of one, and as the settings of an image processor.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <string_view>

#include "base/json.hpp"
#include "engines/native/inputs/image/image.hpp"
#include "engines/native/inputs/image/image_processor.hpp"
#include "engines/native/inputs/image/orientation.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace ridgeline;
  const std::string_view file(reinterpret_cast<const char*>(data), size);
  (void)native::orientation_of(file, file);
  if (const Result<Json> settings = parse_json(file, "fuzz")) {
    (void)native::parse_image_processor_config(*settings, "vit", "fuzz");
  }
  const Result<native::Image> image = native::decode_image(file, "fuzz");
  if (!image) {
    if (image.error().line().size() > 2000) std::abort();
    return 0;
  }
  const std::size_t pixels = static_cast<std::size_t>(image->height) * image->width;
  if (pixels == 0 || image->pixels.size() != 3 * pixels) std::abort();
  // Every byte is touched for the address sanitizer.
  unsigned sum = 0;
  for (const std::uint8_t value : image->pixels) sum += value;
  volatile unsigned sink = sum;
  (void)sink;
  const Result<native::ImageProcessor> processor =
      native::ImageProcessor::defaults("clip", {{"image_size", 14}});
  if (!processor) std::abort();
  const Result<native::PixelBatch> batch = processor->process({&*image, 1});
  if (batch && batch->values.size() != 3 * 14 * 14) std::abort();
  return 0;
}
