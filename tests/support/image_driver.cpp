// Shows the tests what the picture code does, without a model:
//   ridgeline-image-driver FOLDER FAMILY OUT IMAGE...       pixel_values of the processor
//   ridgeline-image-driver --decode OUT IMAGE               the decoded picture
//   ridgeline-image-driver --resize FILTER HEIGHT WIDTH OUT IMAGE   the resized picture
// OUT gets a line of the shape ("2 3 224 224"), then the values: float32, or 8 bits for pictures.
// FAMILY may be "" where the folder names its processor. Exit 0, or 1 with one line on stderr.
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>
#include <vector>

#include "engines/native/inputs/image/image_processor.hpp"
#include "engines/native/inputs/image/resample.hpp"

namespace {

using ridgeline::Result;
using ridgeline::Status;
namespace native = ridgeline::native;

template <typename Value>
void write(const std::string& path, const std::string& shape, const std::vector<Value>& values) {
  std::ofstream out(path, std::ios::binary);
  out << shape << '\n';
  out.write(reinterpret_cast<const char*>(values.data()),
            static_cast<std::streamsize>(values.size() * sizeof(Value)));
}

void write(const std::string& path, const native::Image& image) {
  write(path, std::to_string(image.height) + " " + std::to_string(image.width) + " 3",
        image.pixels);
}

Status prepare(const std::vector<std::string>& arguments) {
  RIDGELINE_TRY(const auto processor, native::ImageProcessor::load(arguments[0], arguments[1]));
  std::vector<native::Image> images;
  for (std::size_t i = 3; i < arguments.size(); ++i) {
    RIDGELINE_TRY(native::Image image, native::load_image(arguments[i]));
    images.push_back(std::move(image));
  }
  RIDGELINE_TRY(const native::PixelBatch batch, processor.process(images));
  std::string shape;
  for (const auto size : {batch.batch, batch.channels, batch.height, batch.width}) {
    shape += (shape.empty() ? "" : " ") + std::to_string(size);
  }
  write(arguments[2], shape, batch.values);
  return {};
}

Status resize(const std::vector<std::string>& arguments) {
  RIDGELINE_TRY(const native::Image image, native::load_image(arguments[5]));
  const auto filter = static_cast<native::Resample>(std::atoi(arguments[1].c_str()));
  RIDGELINE_TRY(const native::Image out, native::resize(image, std::atoi(arguments[2].c_str()),
                                                        std::atoi(arguments[3].c_str()), filter));
  write(arguments[4], out);
  return {};
}

Status run(const std::vector<std::string>& arguments) {
  if (arguments.size() == 3 && arguments[0] == "--decode") {
    RIDGELINE_TRY(const native::Image image, native::load_image(arguments[2]));
    write(arguments[1], image);
    return {};
  }
  if (arguments.size() == 6 && arguments[0] == "--resize") return resize(arguments);
  if (arguments.size() < 4) return ridgeline::bad_input("wrong usage");
  return prepare(arguments);
}

}  // namespace

int main(int argc, char** argv) {
  const Status status = run(std::vector<std::string>(argv + 1, argv + argc));
  if (status) return 0;
  std::fprintf(stderr, "ridgeline: %s\n", status.error().line().c_str());
  return 1;
}
