// The decoders, and reading them.
#include "engines/native/inputs/text/decoder.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>
#include <optional>

#include "engines/native/inputs/text/byte_level.hpp"
#include "engines/native/inputs/text/pre_tokenizer.hpp"
#include "engines/native/inputs/text/unicode.hpp"

namespace ridgeline::native {
namespace {

using Tokens = std::vector<std::string>;

std::string joined(const Tokens& tokens) {
  std::string out;
  for (const std::string& token : tokens) out += token;
  return out;
}

class ByteLevelDecoder final : public Decoder {
 public:
  Status decode(Tokens& tokens) const override {
    std::string bytes;
    for (const std::string& token : tokens) ByteLevel::get().decode(token, bytes);
    tokens.assign(1, ByteLevel::to_text(bytes));
    return {};
  }
};

class WordPieceDecoder final : public Decoder {
 public:
  WordPieceDecoder(std::string prefix, bool cleanup)
      : prefix_(std::move(prefix)), cleanup_(cleanup) {}

  Status decode(Tokens& tokens) const override {
    for (std::size_t i = 0; i < tokens.size(); ++i) {
      std::string& token = tokens[i];
      if (i > 0 && token.starts_with(prefix_)) {
        token.erase(0, prefix_.size());
      } else if (i > 0) {
        token = fmt::format(" {}", token);
      }
      if (cleanup_) token = cleaned(token);
    }
    return {};
  }

 private:
  static std::string cleaned(std::string_view token) {
    struct Change {
      std::string_view from, to;
    };
    constexpr Change kChanges[] = {{" .", "."},     {" ?", "?"},           {" !", "!"},
                                   {" ,", ","},     {" ' ", "'"},          {" n't", "n't"},
                                   {" 'm", "'m"},   {" do not", " don't"}, {" 's", "'s"},
                                   {" 've", "'ve"}, {" 're", "'re"}};
    std::string out(token);
    for (const Change& change : kChanges) out = replaced(out, change.from, change.to);
    return out;
  }

  std::string prefix_;
  bool cleanup_;
};

class ByteFallbackDecoder final : public Decoder {
 public:
  Status decode(Tokens& tokens) const override {
    Tokens out;
    std::string bytes;
    const auto flush = [&] {
      if (bytes.empty()) return;
      if (!invalid_utf8_at(bytes)) {
        out.push_back(bytes);
      } else {
        out.insert(out.end(), bytes.size(), "\xEF\xBF\xBD");
      }
      bytes.clear();
    };
    for (std::string& token : tokens) {
      if (const auto byte = byte_of(token)) {
        bytes.push_back(*byte);
        continue;
      }
      flush();
      out.push_back(std::move(token));
    }
    flush();
    tokens = std::move(out);
    return {};
  }

 private:
  // The byte of "<0xHH>". Rust's number parser takes a sign in place of the first digit.
  static std::optional<char> byte_of(std::string_view token) {
    if (token.size() != 6 || !token.starts_with("<0x") || !token.ends_with(">"))
      return std::nullopt;
    std::string_view digits = token.substr(3, 2);
    if (digits.starts_with("+")) digits.remove_prefix(1);
    unsigned value = 0;
    const auto [end, error] =
        std::from_chars(digits.data(), digits.data() + digits.size(), value, 16);
    if (error != std::errc() || end != digits.data() + digits.size()) return std::nullopt;
    return static_cast<char>(value);
  }
};

class FuseDecoder final : public Decoder {
 public:
  Status decode(Tokens& tokens) const override {
    tokens.assign(1, joined(tokens));
    return {};
  }
};

class ReplaceDecoder final : public Decoder {
 public:
  ReplaceDecoder(TextPatternPtr pattern, std::string content)
      : pattern_(std::move(pattern)), content_(std::move(content)) {}

  Status decode(Tokens& tokens) const override {
    std::size_t total = 0;
    for (std::string& token : tokens) {
      std::string text;
      RIDGELINE_CHECK(replace_matches(*pattern_, token, content_, text));
      token = std::move(text);
      total += token.size();
      if (total > kMaxTextBytes) {
        return bad_input(
            fmt::format("the tokens grow above {} bytes when they are decoded", kMaxTextBytes));
      }
    }
    return {};
  }

 private:
  TextPatternPtr pattern_;
  std::string content_;
};

class StripDecoder final : public Decoder {
 public:
  StripDecoder(char32_t content, std::size_t left, std::size_t right) : left_(left), right_(right) {
    append_utf8(content, content_);
  }

  Status decode(Tokens& tokens) const override {
    for (std::string& token : tokens) {
      std::string_view text = token;
      for (std::size_t i = 0; i < left_ && text.starts_with(content_); ++i) {
        text.remove_prefix(content_.size());
      }
      for (std::size_t i = 0; i < right_ && text.ends_with(content_); ++i) {
        text.remove_suffix(content_.size());
      }
      token = std::string(text);
    }
    return {};
  }

 private:
  std::string content_;
  std::size_t left_;
  std::size_t right_;
};

class MetaspaceDecoder final : public Decoder {
 public:
  explicit MetaspaceDecoder(const MetaspaceOptions& options)
      : drops_first_(options.prepend != MetaspaceOptions::Prepend::kNever) {
    append_utf8(options.replacement, replacement_);
  }

  Status decode(Tokens& tokens) const override {
    for (std::size_t i = 0; i < tokens.size(); ++i) {
      tokens[i] = replaced(tokens[i], replacement_, i == 0 && drops_first_ ? "" : " ");
    }
    return {};
  }

 private:
  std::string replacement_;
  bool drops_first_;
};

class BpeDecoder final : public Decoder {
 public:
  explicit BpeDecoder(std::string suffix) : suffix_(std::move(suffix)) {}

  Status decode(Tokens& tokens) const override {
    for (std::size_t i = 0; i < tokens.size(); ++i) {
      tokens[i] = replaced(tokens[i], suffix_, i + 1 < tokens.size() ? " " : "");
    }
    return {};
  }

 private:
  std::string suffix_;
};

class SequenceDecoder final : public Decoder {
 public:
  explicit SequenceDecoder(std::vector<DecoderPtr> steps) : steps_(std::move(steps)) {}

  Status decode(Tokens& tokens) const override {
    for (const DecoderPtr& step : steps_) RIDGELINE_CHECK(step->decode(tokens));
    return {};
  }

 private:
  std::vector<DecoderPtr> steps_;
};

Result<DecoderPtr> parse_word_piece(const Json& json, std::string_view what) {
  RIDGELINE_TRY(std::string prefix, get_string(json, "prefix", what));
  RIDGELINE_TRY(const bool cleanup, get_bool(json, "cleanup", what, true));
  return make_word_piece_decoder(std::move(prefix), cleanup);
}

Result<DecoderPtr> parse_replace(const Json& json, std::string_view what) {
  RIDGELINE_TRY(TextPatternPtr pattern, parse_pattern(json, what));
  RIDGELINE_TRY(std::string content, get_string(json, "content", what));
  return make_replace_decoder(std::move(pattern), std::move(content));
}

Result<DecoderPtr> parse_strip(const Json& json, std::string_view what) {
  RIDGELINE_TRY(const std::string content, get_string(json, "content", what));
  RIDGELINE_TRY(const std::int64_t start, get_int(json, "start", what));
  RIDGELINE_TRY(const std::int64_t stop, get_int(json, "stop", what));
  const std::u32string characters = to_code_points(content);
  if (characters.size() != 1 || start < 0 || stop < 0) {
    return bad_input(fmt::format("{}: cannot use 'content', 'start' or 'stop'", what));
  }
  return make_strip_decoder(characters.front(), static_cast<std::size_t>(start),
                            static_cast<std::size_t>(stop));
}

Result<DecoderPtr> parse_bpe_decoder(const Json& json, std::string_view what) {
  RIDGELINE_TRY(std::string suffix, get_string(json, "suffix", what));
  if (suffix.empty()) return bad_input(fmt::format("{}: 'suffix' is empty", what));
  return DecoderPtr(std::make_shared<const BpeDecoder>(std::move(suffix)));
}

Result<DecoderPtr> parse_sequence(const Json& json, std::string_view what) {
  const auto list = json.find("decoders");
  if (list == json.end() || !list->is_array()) {
    return bad_input(fmt::format("{}: a Sequence needs an array 'decoders'", what));
  }
  std::vector<DecoderPtr> steps;
  for (const Json& entry : *list) {
    RIDGELINE_TRY(DecoderPtr step, parse_decoder(entry, what));
    if (step != nullptr) steps.push_back(std::move(step));
  }
  return make_decoder_sequence(std::move(steps));
}

}  // namespace

std::string replaced(std::string_view text, std::string_view from, std::string_view to) {
  std::string out;
  std::size_t done = 0;
  for (std::size_t at = text.find(from); at != std::string_view::npos; at = text.find(from, done)) {
    out += text.substr(done, at - done);
    out += to;
    done = at + from.size();
  }
  out += text.substr(done);
  return out;
}

DecoderPtr make_byte_level_decoder() {
  return std::make_shared<const ByteLevelDecoder>();
}

DecoderPtr make_word_piece_decoder(std::string prefix, bool cleanup) {
  return std::make_shared<const WordPieceDecoder>(std::move(prefix), cleanup);
}

DecoderPtr make_byte_fallback_decoder() {
  return std::make_shared<const ByteFallbackDecoder>();
}

DecoderPtr make_fuse_decoder() {
  return std::make_shared<const FuseDecoder>();
}

DecoderPtr make_replace_decoder(TextPatternPtr pattern, std::string content) {
  return std::make_shared<const ReplaceDecoder>(std::move(pattern), std::move(content));
}

DecoderPtr make_strip_decoder(char32_t content, std::size_t left, std::size_t right) {
  return std::make_shared<const StripDecoder>(content, left, right);
}

DecoderPtr make_decoder_sequence(std::vector<DecoderPtr> steps) {
  return std::make_shared<const SequenceDecoder>(std::move(steps));
}

Result<DecoderPtr> parse_decoder(const Json& json, std::string_view what) {
  if (json.is_null()) return DecoderPtr();
  const std::string where = fmt::format("{}: decoder", what);
  RIDGELINE_TRY(const std::string type, get_string(json, "type", where));
  if (type == "ByteLevel") return make_byte_level_decoder();
  if (type == "WordPiece") return parse_word_piece(json, where);
  if (type == "ByteFallback") return make_byte_fallback_decoder();
  if (type == "Fuse") return make_fuse_decoder();
  if (type == "Replace") return parse_replace(json, where);
  if (type == "Strip") return parse_strip(json, where);
  if (type == "BPEDecoder") return parse_bpe_decoder(json, where);
  if (type == "Sequence") return parse_sequence(json, what);
  if (type == "Metaspace") {
    RIDGELINE_TRY(const MetaspaceOptions options, parse_metaspace(json, where));
    return DecoderPtr(std::make_shared<const MetaspaceDecoder>(options));
  }
  return unsupported(fmt::format("{}: the decoder '{}' is not supported", what, excerpt(type)));
}

}  // namespace ridgeline::native
