// GPT-2's spelling of bytes as printable characters, one for each byte (Radford et al. 2019).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace ridgeline::native {

class ByteLevel {
 public:
  static const ByteLevel& get();

  /// Whether every byte of `text` stands for itself.
  bool is_plain(std::string_view text) const;

  /// Writes the characters of the bytes to `out`, which has room for 2 bytes for each; returns how
  /// many bytes were written.
  std::size_t encode(std::string_view text, char* out) const;

  /// Appends the bytes of a token's characters; a token with other characters stands for itself.
  void decode(std::string_view token, std::string& bytes) const;

  /// The bytes as UTF-8, each maximal invalid part as U+FFFD: Rust's String::from_utf8_lossy.
  static std::string to_text(std::string_view bytes);

 private:
  ByteLevel();

  struct Spelling {
    char bytes[2] = {};
    std::uint8_t size = 0;
  };
  static constexpr std::size_t kCharacters = 0x144;

  std::array<Spelling, 256> spellings_;
  std::array<std::int16_t, kCharacters> bytes_;  // -1: not a byte
};

}  // namespace ridgeline::native
