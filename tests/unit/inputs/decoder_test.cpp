// Decoders. Texts are what tokenizers 0.23 gives.
#include "engines/native/inputs/text/decoder.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "engines/native/inputs/text/byte_level.hpp"

namespace ridgeline::native {
namespace {

using Tokens = std::vector<std::string>;

std::string decoded(std::string_view spec, Tokens tokens) {
  const auto decoder = parse_decoder(*parse_json(spec, "t"), "t");
  if (!decoder) return decoder.error().line();
  const Status status = (*decoder)->decode(tokens);
  if (!status) return status.error().line();
  std::string out;
  for (const std::string& token : tokens) out += token;
  return out;
}

TEST(Decoder_ByteLevel, makes_bytes_and_replaces_what_is_no_utf8) {
  const char* spec = R"({"type":"ByteLevel"})";
  EXPECT_EQ(decoded(spec, {"Ġa", "é", "Ã", "ĥ", "中", "a中"}), " a\uFFFDÃ中a中");
  EXPECT_EQ(decoded(spec, {"ãĤ", "Ģ"}), "\u3080");
  EXPECT_EQ(decoded(spec, {}), "");
}

TEST(ByteLevel_Text, replaces_maximal_parts_as_rust_does) {
  EXPECT_EQ(ByteLevel::to_text("a\xFF\xC3(\xE4\xB8\xED\xA0\x80\xF0\x9F\x98z\xF4\x90"),
            "a\uFFFD\uFFFD(\uFFFD\uFFFD\uFFFD\uFFFD\uFFFDz\uFFFD\uFFFD");
  EXPECT_EQ(ByteLevel::to_text("\xF0\x80\x80\xE0\x9F\xBF"),
            std::string("\uFFFD\uFFFD\uFFFD") + "\uFFFD\uFFFD\uFFFD");
  EXPECT_EQ(ByteLevel::to_text("\xC3\xA9"), "é");
}

TEST(Decoder_ByteFallback, needs_whole_characters) {
  const char* spec = R"({"type":"ByteFallback"})";
  EXPECT_EQ(decoded(spec, {"<0xC3>", "<0xA9>", "a"}), "éa");
  EXPECT_EQ(decoded(spec, {"<0xC3>", "<0xC3>", "<0xA9>"}), "\uFFFD\uFFFD\uFFFD");
  EXPECT_EQ(decoded(spec, {"<0xC3>", "a"}), "\uFFFDa");
  EXPECT_EQ(decoded(spec, {"<0x+5>", "<0x0a>", "<0xZZ>", "<0xé>"}), "\x05\n<0xZZ><0xé>");
}

TEST(Decoder_WordPiece, cleans_up_when_told) {
  const Tokens tokens = {"the", "##s", ".", "don", "'", "t", "'s", "a ."};
  EXPECT_EQ(decoded(R"({"type":"WordPiece","prefix":"##","cleanup":true})", tokens),
            "thes. don ' t's a.");
  EXPECT_EQ(decoded(R"({"type":"WordPiece","prefix":"##","cleanup":false})", tokens),
            "thes . don ' t 's a .");
}

TEST(Decoder_Pieces, change_tokens_one_by_one) {
  const char* meta = R"({"type":"Metaspace","replacement":"▁","prepend_scheme":)";
  EXPECT_EQ(decoded(std::string(meta) + R"("always"})", {"▁a▁", "▁b▁c"}), "a b c");
  EXPECT_EQ(decoded(std::string(meta) + R"("never"})", {"▁a", "▁b"}), " a b");
  EXPECT_EQ(decoded(R"({"type":"BPEDecoder","suffix":"</w>"})", {"a</w>", "b", "c</w>"}), "a bc");
  EXPECT_EQ(decoded(R"({"type":"Strip","content":" ","start":1,"stop":0})", {"  a", " b"}), " ab");
  EXPECT_EQ(decoded(R"({"type":"Strip","content":"é","start":2,"stop":9})", {"éa", "ébé", "é"}),
            "ab");
  EXPECT_EQ(decoded(R"({"type":"Replace","pattern":{"Regex":"a*"},"content":"x"})", {"baac", ""}),
            "xbxcx");
  EXPECT_EQ(decoded(R"({"type":"Sequence","decoders":[{"type":"Fuse"},
                        {"type":"Strip","content":"a","start":1,"stop":1}]})",
                    {"ab", "ba"}),
            "bb");
}

TEST(Decoder_Parse, refuses_what_it_does_not_know) {
  const auto other = parse_decoder(*parse_json(R"({"type":"CTC"})", "t"), "t");
  ASSERT_FALSE(other);
  EXPECT_EQ(other.error().error_class, ErrorClass::kUnsupported);
  for (const char* spec :
       {"3", "{}", R"({"type":"WordPiece"})", R"({"type":"Replace"})", R"({"type":"Strip"})",
        R"({"type":"Strip","content":"ab","start":1,"stop":0})",
        R"({"type":"Strip","content":"a","start":-1,"stop":0})",
        R"({"type":"BPEDecoder","suffix":""})", R"({"type":"Sequence"})",
        R"({"type":"Sequence","decoders":[1]})", R"({"type":"Metaspace"})"}) {
    EXPECT_FALSE(parse_decoder(*parse_json(spec, "t"), "t")) << spec;
  }
  EXPECT_EQ(*parse_decoder(Json(), "t"), nullptr);
}

}  // namespace
}  // namespace ridgeline::native
