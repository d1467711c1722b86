// WAV files as tests write them: any format, any header size.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

namespace ridgeline::test {

struct WaveFormat {
  int code = 1;  ///< 1: integers, 3: floats
  int channels = 1;
  int rate = 16'000;
  int bits = 16;
};

inline std::string little_endian(std::uint64_t value, std::size_t width) {
  std::string bytes(width, '\0');
  for (std::size_t i = 0; i < width; ++i) bytes[i] = static_cast<char>(value >> (8 * i));
  return bytes;
}

/// `announced` is what the header says of the size of `data`; by default the truth.
inline std::string wave_bytes(const WaveFormat& format, std::string_view data,
                              std::int64_t announced = -1) {
  const auto size = announced < 0 ? data.size() : static_cast<std::size_t>(announced);
  const auto frame = static_cast<std::uint64_t>(format.channels * format.bits / 8);
  const auto rate = static_cast<std::uint64_t>(format.rate);
  std::string file = "RIFF";
  file.append(little_endian(size + 36, 4)).append("WAVEfmt ").append(little_endian(16, 4));
  file.append(little_endian(static_cast<std::uint64_t>(format.code), 2));
  file.append(little_endian(static_cast<std::uint64_t>(format.channels), 2));
  file.append(little_endian(rate, 4)).append(little_endian(rate * frame, 4));
  file.append(little_endian(frame, 2));
  file.append(little_endian(static_cast<std::uint64_t>(format.bits), 2));
  return file.append("data").append(little_endian(size, 4)).append(data);
}

/// Samples as 32-bit floats.
inline std::string float_data(const std::vector<float>& samples) {
  std::string data(samples.size() * sizeof(float), '\0');
  std::memcpy(data.data(), samples.data(), data.size());
  return data;
}

}  // namespace ridgeline::test
