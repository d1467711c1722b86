// Decoders of tokenizer.json: tokens to text.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "base/json.hpp"
#include "engines/native/inputs/text/pattern.hpp"

namespace ridgeline::native {

class Decoder {
 public:
  virtual ~Decoder() = default;

  /// Turns tokens into parts of the text, in place; joined, they are the text. Errors: a regular
  /// expression that needs too much time or memory; a text that grows too much.
  virtual Status decode(std::vector<std::string>& tokens) const = 0;
};

using DecoderPtr = std::shared_ptr<const Decoder>;

DecoderPtr make_byte_level_decoder();
/// Blanks between tokens, none before those that begin with `prefix`; `cleanup` takes blanks before
/// punctuation away.
DecoderPtr make_word_piece_decoder(std::string prefix, bool cleanup);
DecoderPtr make_byte_fallback_decoder();
DecoderPtr make_fuse_decoder();
DecoderPtr make_replace_decoder(TextPatternPtr pattern, std::string content);
/// Drops up to `left` and `right` times the character at the ends of each token.
DecoderPtr make_strip_decoder(char32_t content, std::size_t left, std::size_t right);
DecoderPtr make_decoder_sequence(std::vector<DecoderPtr> steps);

/// The decoder that a "decoder" entry describes: BPEDecoder, ByteFallback, ByteLevel, Fuse,
/// Metaspace, Replace, Strip, WordPiece or a Sequence of them; null for null (tokens are joined
/// with blanks). Others are kUnsupported, by name.
Result<DecoderPtr> parse_decoder(const Json& json, std::string_view what);

/// Every `from`, which must not be empty, becomes `to`.
std::string replaced(std::string_view text, std::string_view from, std::string_view to);

}  // namespace ridgeline::native
