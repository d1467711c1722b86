// WebP through libwebp's animation decoder, as Pillow: the first frame on its canvas.
#include <webp/decode.h>
#include <webp/demux.h>

#include <memory>

#include "engines/native/inputs/image/decoders.hpp"
#include "engines/native/inputs/image/orientation.hpp"

namespace ridgeline::native {
namespace {

constexpr std::string_view kFormat = "WebP";

struct DeleteDecoder {
  void operator()(WebPAnimDecoder* decoder) const { WebPAnimDecoderDelete(decoder); }
};

/// The first chunk of that name, empty when there is none; it lies in the file.
std::string_view chunk_of(const WebPDemuxer* demuxer, const char (&name)[5]) {
  WebPChunkIterator chunk{};
  std::string_view bytes;
  if (WebPDemuxGetChunk(demuxer, name, 1, &chunk) != 0) {
    bytes = {reinterpret_cast<const char*>(chunk.chunk.bytes), chunk.chunk.size};
  }
  WebPDemuxReleaseChunkIterator(&chunk);
  return bytes;
}

}  // namespace

Result<DecodedImage> decode_webp(std::string_view file, const std::string& name) {
  // The decoder allocates its canvas at once, so the size is looked at before.
  WebPBitstreamFeatures features{};
  const VP8StatusCode found = WebPGetFeatures(bytes_of(file), file.size(), &features);
  if (found == VP8_STATUS_NOT_ENOUGH_DATA) return truncated_image(name, kFormat);
  if (found != VP8_STATUS_OK) return broken_image(name, kFormat, "its header makes no sense");
  DecodedImage decoded;
  RIDGELINE_TRY(decoded.image, new_image(features.width, features.height, name));

  WebPAnimDecoderOptions options{};
  if (WebPAnimDecoderOptionsInit(&options) == 0) {
    return Error{ErrorClass::kInternal, "libwebp is not the version this was built with"};
  }
  options.color_mode = MODE_RGBA;
  const WebPData data{bytes_of(file), file.size()};
  const std::unique_ptr<WebPAnimDecoder, DeleteDecoder> decoder(
      WebPAnimDecoderNew(&data, &options));
  const std::string_view cut_or_broken = "its pixels are cut short or make no sense";
  if (decoder == nullptr) return broken_image(name, kFormat, cut_or_broken);
  WebPAnimInfo info{};
  std::uint8_t* rgba = nullptr;
  int timestamp = 0;
  if (WebPAnimDecoderGetInfo(decoder.get(), &info) == 0 ||
      info.canvas_width != static_cast<std::uint32_t>(features.width) ||
      info.canvas_height != static_cast<std::uint32_t>(features.height) ||
      WebPAnimDecoderGetNext(decoder.get(), &rgba, &timestamp) == 0) {
    return broken_image(name, kFormat, cut_or_broken);
  }
  std::uint8_t* rgb = decoded.image.pixels.data();
  for (std::size_t left = decoded.image.pixels.size() / 3; left > 0; --left, rgb += 3, rgba += 4) {
    rgb[0] = rgba[0];
    rgb[1] = rgba[1];
    rgb[2] = rgba[2];
  }
  const WebPDemuxer* demuxer = WebPAnimDecoderGetDemuxer(decoder.get());
  decoded.orientation = orientation_of(chunk_of(demuxer, "EXIF"), chunk_of(demuxer, "XMP "));
  return decoded;
}

}  // namespace ridgeline::native
