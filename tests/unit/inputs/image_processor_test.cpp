// Settings of image processors and the sizes they lead to.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "engines/native/inputs/image/image_processor.hpp"
#include "support/temp_folder.hpp"

namespace ridgeline::native {
namespace {

ImageProcessor processor(const Json& settings, std::string_view family = "vit") {
  const auto config = parse_image_processor_config(settings, family, "x");
  EXPECT_TRUE(config) << config.error().line();
  return ImageProcessor(config ? *config : ImageProcessorConfig());
}

PictureSize size_of(const ImageProcessor& made, std::int64_t height, std::int64_t width) {
  const auto size = made.output_size({height, width});
  EXPECT_TRUE(size) << size.error().line();
  return size ? *size : PictureSize();
}

PictureSize resized_by(const Json& size, std::int64_t height, std::int64_t width) {
  return size_of(processor({{"size", size}}), height, width);
}

TEST(Image_Processor, finds_its_class_in_old_and_new_spellings) {
  for (const char* name :
       {"CLIPImageProcessor", "CLIPImageProcessorFast", "CLIPImageProcessorPil"}) {
    EXPECT_EQ(processor({{"image_processor_type", name}}).config().type, "CLIPImageProcessor");
  }
  EXPECT_EQ(processor({{"feature_extractor_type", "CLIPFeatureExtractor"}}).config().type,
            "CLIPImageProcessor");
  EXPECT_EQ(processor(Json::object(), "clip").config().type, "CLIPImageProcessor");
  EXPECT_EQ(processor(Json::object(), "vit").config().type, "ViTImageProcessor");
  const auto other =
      parse_image_processor_config({{"image_processor_type", "XImageProcessor"}}, "vit", "x");
  ASSERT_FALSE(other);
  EXPECT_EQ(other.error().error_class, ErrorClass::kUnsupported);
  EXPECT_NE(other.error().line().find("ViTImageProcessor"), std::string::npos);
  EXPECT_FALSE(parse_image_processor_config(Json::object(), "bert", "x"));
}

TEST(Image_Processor, computes_sizes_as_transformers_does) {
  EXPECT_EQ(resized_by(30, 100, 70), (PictureSize{30, 30}));
  EXPECT_EQ(resized_by({30, 20}, 100, 70), (PictureSize{30, 20}));
  EXPECT_EQ(resized_by({{"shortest_edge", 33}}, 100, 71), (PictureSize{46, 33}));
  EXPECT_EQ(resized_by({{"shortest_edge", 33}}, 71, 100), (PictureSize{33, 46}));
  EXPECT_EQ(resized_by({{"shortest_edge", 33}, {"longest_edge", 40}}, 71, 100),
            (PictureSize{28, 40}));
  EXPECT_EQ(resized_by({{"shortest_edge", 33}, {"longest_edge", 40}}, 71, 72),
            (PictureSize{33, 33}));
  // 25 * 50 / 100 = 12.5 rounds to the even number, and the other edge follows the exact one.
  EXPECT_EQ(resized_by({{"shortest_edge", 33}, {"longest_edge", 25}}, 50, 100),
            (PictureSize{12, 25}));
  EXPECT_EQ(resized_by({{"max_height", 40}, {"max_width", 50}}, 71, 100), (PictureSize{35, 50}));
  const ImageProcessor clip = processor({{"crop_size", {{"height", 7}, {"width", 9}}}}, "clip");
  EXPECT_EQ(size_of(clip, 1, 4000), (PictureSize{7, 9}));
}

TEST(Image_Processor, refuses_pictures_that_would_vanish) {
  const ImageProcessor made = processor({{"size", {{"shortest_edge", 33}, {"longest_edge", 40}}}});
  EXPECT_FALSE(made.output_size({4000, 1}));
}

TEST(Image_Processor, refuses_settings_that_make_no_sense) {
  const Json bad[] = {{{"size", {{"longest_edge", 3}}}},
                      {{"size", {{"height", 3}}}},
                      {{"size", {{"min_pixels", 3}, {"max_pixels", 4}}}},
                      {{"size", 0}},
                      {{"size", -4}},
                      {{"size", 1.5}},
                      {{"size", true}},
                      {{"size", {1}}},
                      {{"size", 18446744073709551615u}},
                      {{"do_center_crop", true}},
                      {{"do_center_crop", true}, {"crop_size", {{"shortest_edge", 3}}}},
                      {{"do_pad", true}, {"pad_size", {{"shortest_edge", 3}}}},
                      {{"do_rescale", 1}},
                      {{"rescale_factor", "1"}},
                      {{"resample", 6}},
                      {{"resample", -1}},
                      {{"resample", nullptr}},
                      {{"image_mean", {0.5, 0.5}}},
                      {{"image_mean", {0.5, 0.5, "0.5"}}},
                      {{"image_std", 0}},
                      {{"image_processor_type", 3}},
                      Json::array(),
                      Json("text")};
  for (const Json& settings : bad) {
    const auto config = parse_image_processor_config(settings, "vit", "x");
    ASSERT_FALSE(config) << settings;
    EXPECT_TRUE(config.error().line().starts_with("x")) << config.error().line();
  }
}

TEST(Image_Processor, makes_levels_of_pixels_and_puts_zeros_around_small_pictures) {
  const ImageProcessor made = processor({{"do_resize", false},
                                         {"do_center_crop", true},
                                         {"crop_size", {{"height", 3}, {"width", 2}}},
                                         {"image_mean", {0.5, 0.0, 0.0}},
                                         {"image_std", {0.5, 1.0, 1.0}}});
  const Image image{1, 1, {255, 51, 0}};
  const auto batch = made.process(std::span(&image, 1));
  ASSERT_TRUE(batch);
  EXPECT_EQ(batch->height, 3);
  EXPECT_EQ(batch->width, 2);
  // One row above, none to the right: the odd pixel goes before the picture.
  const std::vector<float> expected = {-1, -1, -1, 1,    -1, -1,  //
                                       0,  0,  0,  0.2F, 0,  0,   //
                                       0,  0,  0,  0,    0,  0};
  EXPECT_EQ(batch->values, expected);
}

TEST(Image_Processor, refuses_batches_that_are_none) {
  const std::vector<Image> images = {Image{1, 2, std::vector<std::uint8_t>(6)},
                                     Image{2, 1, std::vector<std::uint8_t>(6)}};
  const ImageProcessor uneven = processor({{"do_resize", false}});
  EXPECT_FALSE(uneven.process({}));
  EXPECT_TRUE(uneven.process(std::span(images).first(1)));
  EXPECT_FALSE(uneven.process(images));
  const auto padded = processor({{"do_resize", false}, {"do_pad", true}}).process(images);
  ASSERT_TRUE(padded);
  EXPECT_EQ(padded->values.size(), 2u * 3 * 2 * 2);
  EXPECT_EQ(padded->values[3], 0.0F);
  EXPECT_EQ(padded->values[0], -1.0F);
  EXPECT_FALSE(
      processor({{"do_resize", false}, {"do_pad", true}, {"pad_size", 1}}).process(images));
}

TEST(Image_Processor, can_be_made_for_another_size) {
  for (const char* family : {"vit", "clip"}) {
    const auto made = processor(Json::object(), family).with_size(64, 48);
    ASSERT_TRUE(made);
    EXPECT_EQ(size_of(*made, 100, 30), (PictureSize{64, 48})) << family;
    EXPECT_FALSE(made->with_size(0, 3));
    EXPECT_FALSE(made->with_size(1 << 20, 1 << 20));
  }
}

TEST(Image_Processor, takes_the_size_of_a_preset_from_its_config) {
  const auto vit = ImageProcessor::defaults("vit", {{"image_size", 384}});
  ASSERT_TRUE(vit);
  EXPECT_EQ(size_of(*vit, 10, 20), (PictureSize{384, 384}));
  const auto clip = ImageProcessor::defaults("clip", {{"vision_config", {{"image_size", 336}}}});
  ASSERT_TRUE(clip);
  EXPECT_EQ(clip->config().size.shortest_edge, 336);
  EXPECT_EQ(size_of(*clip, 10, 20), (PictureSize{336, 336}));
  const auto plain = ImageProcessor::defaults("clip", Json::object());
  ASSERT_TRUE(plain);
  EXPECT_EQ(size_of(*plain, 10, 20), (PictureSize{224, 224}));
  EXPECT_FALSE(ImageProcessor::defaults("bert", Json::object()));
  EXPECT_FALSE(ImageProcessor::defaults("vit", {{"image_size", "large"}}));
}

TEST(Image_Processor, prefers_the_settings_that_are_saved_with_other_processors) {
  const test::TempFolder folder;
  EXPECT_FALSE(ImageProcessor::load(folder.path(), "vit"));
  folder.write("preprocessor_config.json", R"({"size": 30})");
  folder.write("processor_config.json", R"({"processor_class": "X"})");
  auto made = ImageProcessor::load(folder.path(), "vit");
  ASSERT_TRUE(made) << made.error().line();
  EXPECT_EQ(made->config().size.height, 30);
  folder.write("processor_config.json", R"({"image_processor": {"size": 40}})");
  made = ImageProcessor::load(folder.path(), "vit");
  ASSERT_TRUE(made) << made.error().line();
  EXPECT_EQ(made->config().size.height, 40);
  folder.write("processor_config.json", "[]");
  EXPECT_FALSE(ImageProcessor::load(folder.path(), "vit"));
}

}  // namespace
}  // namespace ridgeline::native
