// The safetensors reader on good files and on hostile ones.
#include "engines/native/checkpoint/safetensors.hpp"

#include <gtest/gtest.h>

#include <string>
#include <utility>

#include "engines/native/checkpoint/safetensors_header.hpp"
#include "support/safetensors_text.hpp"
#include "support/temp_folder.hpp"

namespace ridgeline::native {
namespace {

using test::as_file;
using test::safetensors_bytes;

Result<SafetensorsContent> parse(const std::string& file) {
  return parse_safetensors(as_file(file), "x.safetensors");
}

/// The message of a file that must be refused; "" and a failure when it is accepted.
std::string refusal(const std::string& file) {
  const Result<SafetensorsContent> content = parse(file);
  EXPECT_FALSE(content.has_value()) << file.substr(0, 200);
  if (content.has_value()) return {};
  EXPECT_NE(content.error().line().find("x.safetensors"), std::string::npos);
  return content.error().message;
}

std::string tensor(std::string_view name, std::string_view dtype, std::string_view shape,
                   std::string_view offsets) {
  return '"' + std::string(name) + R"(":{"dtype":")" + std::string(dtype) + R"(","shape":)" +
         std::string(shape) + R"(,"data_offsets":)" + std::string(offsets) + "}";
}

/// A file of one tensor "w" and 16 bytes of data.
std::string one(std::string_view dtype, std::string_view shape, std::string_view offsets) {
  return safetensors_bytes("{" + tensor("w", dtype, shape, offsets) + "}", std::string(16, 'd'));
}

TEST(Safetensors_Reader, gives_types_shapes_bytes_and_metadata) {
  const std::string file = safetensors_bytes(
      R"({"__metadata__":{"format":"pt"},)" + tensor("b", "F32", "[2,1]", "[4,12]") + "," +
          tensor("a", "BF16", "[2]", "[0,4]") + "," + tensor("s", "I64", "[]", "[12,20]") + "}    ",
      "aaaabbbbbbbbssssssss");
  const Result<SafetensorsContent> content = parse(file);
  ASSERT_TRUE(content) << content.error().line();
  ASSERT_EQ(content->tensors.size(), 3u);
  EXPECT_EQ(content->metadata.at("format"), "pt");
  const TensorView& b = content->tensors.at("b");
  EXPECT_EQ(b.type, TensorType::kF32);
  EXPECT_EQ(b.shape, (std::vector<std::int64_t>{2, 1}));
  EXPECT_EQ(b.bytes.size(), 8u);
  EXPECT_EQ(std::to_integer<char>(b.bytes.front()), 'b');
  EXPECT_EQ(content->tensors.at("a").type, TensorType::kBF16);
  EXPECT_TRUE(content->tensors.at("s").shape.empty());
  EXPECT_EQ(std::to_integer<char>(content->tensors.at("s").bytes.back()), 's');
}

TEST(Safetensors_Reader, knows_every_type_and_its_size) {
  const std::pair<const char*, std::size_t> types[] = {
      {"BOOL", 1}, {"U8", 1},  {"I8", 1},      {"I16", 2}, {"U16", 2},
      {"I32", 4},  {"U32", 4}, {"I64", 8},     {"U64", 8}, {"F16", 2},
      {"BF16", 2}, {"F32", 4}, {"F8_E4M3", 1}, {"F64", 8}, {"F8_E5M2", 1}};
  for (const auto& [name, size] : types) {
    const std::string count = std::to_string(16 / size);
    const Result<SafetensorsContent> content = parse(one(name, "[" + count + "]", "[0,16]"));
    ASSERT_TRUE(content) << content.error().line();
    EXPECT_EQ(tensor_type_name(content->tensors.at("w").type), name);
  }
}

TEST(Safetensors_Reader, accepts_what_the_reference_reader_accepts) {
  EXPECT_TRUE(parse(safetensors_bytes("{}")));
  EXPECT_TRUE(parse(safetensors_bytes(R"({"__metadata__":null})")));
  EXPECT_TRUE(parse(safetensors_bytes(R"({"__metadata__":{}})")));
  // Empty tensors may stand anywhere between others.
  EXPECT_TRUE(parse(safetensors_bytes("{" + tensor("e", "F32", "[0,3]", "[4,4]") + "," +
                                          tensor("a", "U8", "[4]", "[0,4]") + "," +
                                          tensor("z", "F32", "[0]", "[0,0]") + "}",
                                      "aaaa")));
  EXPECT_TRUE(parse(safetensors_bytes(
      R"({"w":{"later":{"a":[1,{"b":-1.5}],"c":null},"dtype":"U8","more":[[],"x"],)"
      R"("shape":[1],"data_offsets":[0,1],"end":true}})",
      "d")));
}

TEST(Safetensors_Reader, refuses_a_file_cut_at_any_byte) {
  const std::string file = safetensors_bytes(
      "{" + tensor("a", "F32", "[2]", "[0,8]") + "," + tensor("b", "U8", "[3]", "[8,11]") + "}",
      "aaaaaaaabbb");
  ASSERT_TRUE(parse(file));
  for (std::size_t size = 0; size < file.size(); ++size) {
    // In a block of its own size, so that a read past the end is seen by the address sanitizer.
    EXPECT_NE(refusal(std::string(file.data(), size)), "") << size;
  }
}

TEST(Safetensors_Reader, refuses_lying_header_lengths) {
  const std::string good = one("F32", "[4]", "[0,16]");
  for (const std::uint64_t length :
       {std::uint64_t{0}, std::uint64_t{1}, good.size() - 7, std::uint64_t{100'000'000},
        std::uint64_t{100'000'001}, std::uint64_t{1} << 32, std::uint64_t{1} << 63,
        ~std::uint64_t{0}, ~std::uint64_t{0} - 7}) {
    std::string file = good;
    for (std::size_t i = 0; i < 8; ++i) file[i] = static_cast<char>(length >> (8 * i));
    EXPECT_NE(refusal(file), "") << length;
  }
}

TEST(Safetensors_Reader, says_what_is_wrong_with_a_header_length) {
  const auto with_length = [](std::uint64_t length) {
    std::string file = safetensors_bytes("{}", "data");
    for (std::size_t i = 0; i < 8; ++i) file[i] = static_cast<char>(length >> (8 * i));
    return file;
  };
  EXPECT_NE(refusal(with_length(kMaxHeaderBytes + 1)).find("above the limit"), std::string::npos);
  EXPECT_NE(refusal(with_length(7)).find("should have 7 bytes, the file has 6"), std::string::npos);
}

TEST(Safetensors_Reader, refuses_holes_overlaps_and_rests) {
  const auto pair = [](std::string_view a, std::string_view b) {
    return safetensors_bytes(
        "{" + tensor("a", "U8", "[4]", a) + "," + tensor("b", "U8", "[4]", b) + "}", "12345678");
  };
  EXPECT_TRUE(parse(pair("[0,4]", "[4,8]")));
  EXPECT_TRUE(parse(pair("[4,8]", "[0,4]")));
  EXPECT_NE(refusal(pair("[0,4]", "[0,4]")).find("overlaps"), std::string::npos);
  EXPECT_NE(refusal(pair("[0,4]", "[2,6]")).find("overlaps"), std::string::npos);
  EXPECT_NE(refusal(pair("[1,5]", "[4,8]")).find("hole"), std::string::npos);
  EXPECT_NE(refusal(one("U8", "[8]", "[0,8]")).find("8 bytes after the last"), std::string::npos);
  EXPECT_NE(refusal(safetensors_bytes("{}", "x")).find("1 bytes after"), std::string::npos);
}

TEST(Safetensors_Reader, refuses_offsets_that_do_not_fit) {
  EXPECT_NE(refusal(one("F32", "[4]", "[16,0]")).find("before they begin"), std::string::npos);
  EXPECT_NE(refusal(one("F32", "[5]", "[0,20]")).find("ends at byte 20"), std::string::npos);
  EXPECT_NE(refusal(one("F32", "[3]", "[0,16]")).find("needs 12 bytes"), std::string::npos);
  EXPECT_NE(refusal(one("F32", "[4]", "[0,18446744073709551615]")), "");
  EXPECT_NE(refusal(one("F32", "[4]", "[18446744073709551600,18446744073709551615]")), "");
  for (const char* offsets :
       {"[]", "[0]", "[0,16,16]", "[-0,16]", "[0.0,16]", "[0,1.6e1]", "[0,18446744073709551616]",
        "{}", "16", "null", "\"0,16\"", "[null,16]", "[[0],16]", "[0,NaN]"}) {
    EXPECT_NE(refusal(one("F32", "[4]", offsets)), "") << offsets;
  }
}

TEST(Safetensors_Reader, wants_two_offsets_also_of_an_empty_tensor) {
  EXPECT_TRUE(parse(safetensors_bytes("{" + tensor("e", "F32", "[0]", "[0,0]") + "}")));
  EXPECT_NE(refusal(safetensors_bytes("{" + tensor("e", "F32", "[0]", "[0]") + "}")), "");
  EXPECT_NE(refusal(safetensors_bytes("{" + tensor("e", "F32", "[0]", "[]") + "}")), "");
}

TEST(Safetensors_TensorBytes, is_nothing_for_impossible_shapes) {
  const auto bytes = [](std::vector<std::int64_t> shape) {
    return tensor_bytes(TensorType::kF32, shape);
  };
  EXPECT_EQ(bytes({}), 4);
  EXPECT_EQ(bytes({2, 3}), 24);
  EXPECT_EQ(bytes({2, 0}), 0);
  EXPECT_EQ(bytes({-2, -3}), std::nullopt);
  EXPECT_EQ(bytes({0, -1}), std::nullopt);
  EXPECT_EQ(bytes({INT64_MAX / 4}), INT64_MAX / 4 * 4);
  EXPECT_EQ(bytes({INT64_MAX / 4 + 1}), std::nullopt);
  EXPECT_EQ(bytes({0, INT64_MAX, INT64_MAX}), std::nullopt);
}

TEST(Safetensors_Reader, refuses_impossible_shapes) {
  for (const char* shape :
       {"[-4]", "[4.0]", "[4,18446744073709551616]", "[9223372036854775808]",
        "[4611686018427387904,4]", "[0,9223372036854775807,9223372036854775807]", "4", "null",
        "\"4\"", "[\"4\"]", "[[4]]", "[true]", "[NaN]", "[1e999]", "{}"}) {
    EXPECT_NE(refusal(one("F32", shape, "[0,16]")), "") << shape;
  }
  std::string ones = "1";
  for (std::size_t i = 1; i < kMaxRank; ++i) ones += ",1";
  EXPECT_TRUE(parse(one("U8", "[16," + ones.substr(2) + "]", "[0,16]")));
  EXPECT_NE(refusal(one("U8", "[16," + ones + "]", "[0,16]")).find("dimensions"),
            std::string::npos);
}

TEST(Safetensors_Reader, names_the_tensor_of_an_unknown_type) {
  for (const char* type : {"F4", "f32", "", "F32 ", "C64"}) {
    const Result<SafetensorsContent> content = parse(one(type, "[4]", "[0,16]"));
    ASSERT_FALSE(content);
    EXPECT_EQ(content.error().error_class, ErrorClass::kUnsupported);
    EXPECT_NE(content.error().message.find("tensor 'w'"), std::string::npos);
  }
}

TEST(Safetensors_Reader, refuses_what_stands_twice) {
  const std::string w = tensor("w", "U8", "[2]", "[0,2]");
  const auto doubled = [](const std::string& header) {
    return refusal(safetensors_bytes(header, "dd")).find("twice") != std::string::npos;
  };
  EXPECT_TRUE(doubled("{" + w + "," + w + "}"));
  EXPECT_TRUE(doubled("{" + w + R"(,"\u0077":{}})"));
  EXPECT_TRUE(doubled(R"({"__metadata__":{},)" + w + R"(,"__metadata__":{}})"));
  EXPECT_TRUE(doubled(R"({"__metadata__":null,"__metadata__":{}})"));
  EXPECT_TRUE(doubled(R"({"__metadata__":{"k":"1","k":"2"}})"));
  EXPECT_TRUE(doubled(R"({"w":{"dtype":"U8","dtype":"U8","shape":[2],"data_offsets":[0,2]}})"));
  EXPECT_TRUE(doubled(R"({"w":{"dtype":"U8","shape":[2],"shape":[2],"data_offsets":[0,2]}})"));
}

TEST(Safetensors_Reader, refuses_headers_of_another_form) {
  for (const char* header : {"",
                             " {}",
                             "[]",
                             "null",
                             "{",
                             "}",
                             "{}}",
                             "{}x",
                             "{} {}",
                             "{\"w\"}",
                             "{\"w\":1}",
                             "{\"w\":null}",
                             "{\"__metadata__\":null,\"w\":null}",
                             "{\"w\":[]}",
                             "{\"w\":{}}",
                             "{\"__metadata__\":1}",
                             "{\"__metadata__\":[]}",
                             "{\"__metadata__\":{\"a\":1}}",
                             "{\"__metadata__\":{\"a\":{}}}",
                             "{\"__metadata__\":{\"a\":null}}",
                             "{\"w\":{\"dtype\":4,\"shape\":[],\"data_offsets\":[0,0]}}",
                             "{\"w\":{\"dtype\":null,\"shape\":[],\"data_offsets\":[0,0]}}",
                             "{\"w\":{\"dtype\":[\"U8\"],\"shape\":[],\"data_offsets\":[0,0]}}",
                             "{\"\xff\":{}}",
                             "\xef\xbb\xbf{}"}) {
    EXPECT_NE(refusal(safetensors_bytes(header)), "") << header;
  }
  EXPECT_NE(refusal(safetensors_bytes("{\"w\":{\"dtype\":\"U8\",\"shape\":[0]}}")).find("missing"),
            std::string::npos);
}

TEST(Safetensors_Reader, survives_deep_nesting) {
  const std::string deep(2'000'000, '[');
  EXPECT_NE(refusal(safetensors_bytes("{\"w\":" + deep)), "");
  EXPECT_NE(refusal(safetensors_bytes("{\"w\":{\"x\":" + deep)).find("deeper"), std::string::npos);
}

TEST(Safetensors_Reader, keeps_messages_short_and_printable) {
  const std::string name(1'000'000, 'n');
  EXPECT_LT(refusal(safetensors_bytes("{\"" + name + "\":1}")).size(), 300u);
  const Result<SafetensorsContent> content =
      parse(safetensors_bytes("{\"\\u001b[31m\\u0000\\n\":1}"));
  ASSERT_FALSE(content);
  EXPECT_EQ(content.error().line().find_first_of(std::string("\x1b\n\0", 3)), std::string::npos);
  EXPECT_EQ(quoted_name(std::string(99, 'x') + "\xc3\xa9"), "'" + std::string(99, 'x') + "…'");
}

TEST(Safetensors_Reader, tells_a_git_lfs_pointer_from_a_broken_file) {
  const std::string message =
      refusal("version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 5\n");
  EXPECT_NE(message.find("git-lfs pointer"), std::string::npos);
}

TEST(Safetensors_File, keeps_its_views_when_moved) {
  const test::TempFolder folder;
  const std::string path = folder.write("m.safetensors", one("U8", "[16]", "[0,16]"));
  Result<SafetensorsFile> file = SafetensorsFile::open(path);
  ASSERT_TRUE(file) << file.error().line();
  const SafetensorsFile moved = std::move(*file);
  EXPECT_EQ(std::to_integer<char>(moved.tensors().at("w").bytes[15]), 'd');
  EXPECT_EQ(moved.mapping().size(), std::filesystem::file_size(path));
}

TEST(Safetensors_File, names_a_file_it_cannot_open) {
  const Result<SafetensorsFile> file = SafetensorsFile::open("/nowhere/m.safetensors");
  ASSERT_FALSE(file);
  EXPECT_NE(file.error().message.find("/nowhere/m.safetensors"), std::string::npos);
}

}  // namespace
}  // namespace ridgeline::native
