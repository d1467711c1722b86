// Templates of special tokens.
#include "engines/native/inputs/text/post_processor.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace ridgeline::native {
namespace {

using Ids = std::vector<std::int64_t>;

const char* const kTemplate = R"({"type":"TemplateProcessing",
  "single":[{"SpecialToken":{"id":"C","type_id":0}},{"Sequence":{"id":"A","type_id":0}},
            {"SpecialToken":{"id":"S","type_id":0}}],
  "pair":[{"Sequence":{"id":"B","type_id":1}},{"SpecialToken":{"id":"S","type_id":2}},
          {"Sequence":{"id":"A","type_id":0}}],
  "special_tokens":{"C":{"id":"C","ids":[7],"tokens":["C"]},
                    "S":{"id":"S","ids":[8,9],"tokens":["S","T"]}}})";

Result<PostProcessor> parse(std::string_view spec) {
  return parse_post_processor(*parse_json(spec, "t"), "t");
}

TEST(PostProcessor_Template, puts_special_tokens_around) {
  const auto processor = parse(kTemplate);
  ASSERT_TRUE(processor);
  EXPECT_EQ(processor->added(false), 3u);
  EXPECT_EQ(processor->added(true), 2u);
  Ids ids, types;
  const Ids first = {1, 2};
  const Ids second = {3};
  processor->process(first, std::nullopt, true, ids, types);
  EXPECT_EQ(ids, (Ids{7, 1, 2, 8, 9}));
  EXPECT_EQ(types, (Ids{0, 0, 0, 0, 0}));
  ids.clear();
  types.clear();
  processor->process(first, std::span<const std::int64_t>(second), true, ids, types);
  EXPECT_EQ(ids, (Ids{3, 8, 9, 1, 2}));
  EXPECT_EQ(types, (Ids{1, 2, 2, 0, 0}));
}

TEST(PostProcessor_Template, can_leave_the_special_tokens_out) {
  const auto processor = parse(kTemplate);
  ASSERT_TRUE(processor);
  Ids ids, types;
  const Ids first = {1, 2};
  const Ids second = {3};
  processor->process(first, std::span<const std::int64_t>(second), false, ids, types);
  EXPECT_EQ(ids, (Ids{3, 1, 2}));
  EXPECT_EQ(types, (Ids{1, 0, 0}));
}

TEST(PostProcessor_Roberta, puts_two_separators_between_the_texts) {
  const auto processor = parse(R"({"type":"RobertaProcessing","sep":["S",5],"cls":["C",4],
                                   "trim_offsets":true,"add_prefix_space":false})");
  ASSERT_TRUE(processor);
  EXPECT_EQ(processor->added(false), 2u);
  EXPECT_EQ(processor->added(true), 4u);
  Ids ids, types;
  const Ids first = {1};
  const Ids second = {2, 3};
  processor->process(first, std::span<const std::int64_t>(second), true, ids, types);
  EXPECT_EQ(ids, (Ids{4, 1, 5, 5, 2, 3, 5}));
  EXPECT_EQ(types, Ids(7, 0));
}

TEST(PostProcessor_Sequence, takes_one_template_and_what_changes_no_token) {
  const std::string bytes = R"({"type":"ByteLevel","trim_offsets":true})";
  const auto sequence = [](const std::string& list) {
    return parse(R"({"type":"Sequence","processors":[)" + list + "]}");
  };
  EXPECT_EQ(parse(bytes)->added(false), 0u);
  EXPECT_EQ(sequence(bytes + "," + kTemplate)->added(false), 3u);
  EXPECT_EQ(sequence("")->added(true), 0u);
  const auto twice = sequence(std::string(kTemplate) + "," + kTemplate);
  ASSERT_FALSE(twice);
  EXPECT_EQ(twice.error().error_class, ErrorClass::kUnsupported);
}

TEST(PostProcessor_Bert, has_type_1_from_the_second_text_on) {
  const auto processor = parse(R"({"type":"BertProcessing","sep":["S",5],"cls":["C",4]})");
  ASSERT_TRUE(processor);
  Ids ids, types;
  const Ids first = {1};
  const Ids second = {2, 3};
  processor->process(first, std::span<const std::int64_t>(second), true, ids, types);
  EXPECT_EQ(ids, (Ids{4, 1, 5, 2, 3, 5}));
  EXPECT_EQ(types, (Ids{0, 0, 0, 1, 1, 1}));
  EXPECT_EQ(processor->added(true), 3u);
}

TEST(PostProcessor_Parse, null_adds_nothing) {
  const auto processor = parse_post_processor(Json(), "t");
  ASSERT_TRUE(processor);
  EXPECT_EQ(processor->added(false), 0u);
}

TEST(PostProcessor_Parse, refuses_what_it_cannot_use) {
  const auto other = parse(R"({"type":"Tarot"})");
  ASSERT_FALSE(other);
  EXPECT_EQ(other.error().error_class, ErrorClass::kUnsupported);
  for (const char* spec :
       {"3", "{}", R"({"type":"BertProcessing"})", R"({"type":"RobertaProcessing"})",
        R"({"type":"Sequence"})", R"({"type":"Sequence","processors":[3]})",
        R"({"type":"BertProcessing","sep":["S",-5],"cls":["C",4]})",
        R"({"type":"BertProcessing","sep":["S","5"],"cls":["C",4]})",
        R"({"type":"BertProcessing","sep":["S",18446744073709551615],"cls":["C",4]})",
        R"({"type":"TemplateProcessing"})", R"({"type":"TemplateProcessing","single":[],"pair":3})",
        R"({"type":"TemplateProcessing","single":[{}],"pair":[]})",
        R"({"type":"TemplateProcessing","single":[{"Sequence":3}],"pair":[]})",
        R"({"type":"TemplateProcessing","single":[{"Sequence":{"id":"C","type_id":0}}],"pair":[]})",
        R"({"type":"TemplateProcessing","single":[{"SpecialToken":{"id":"X","type_id":0}}],
            "pair":[],"special_tokens":{}})",
        R"({"type":"TemplateProcessing","single":[{"SpecialToken":{"id":"X","type_id":0}}],
            "pair":[],"special_tokens":{"X":{"ids":["1"]}}})",
        R"({"type":"TemplateProcessing","single":[{"Sequence":{"id":"A","type_id":-1}}],
            "pair":[]})"}) {
    EXPECT_FALSE(parse(spec)) << spec;
  }
}

}  // namespace
}  // namespace ridgeline::native
