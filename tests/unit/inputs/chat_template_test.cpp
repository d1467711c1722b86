// Chat templates of checkpoint folders: where they stand, what they see, what is refused.
#include "engines/native/inputs/chat/chat.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "support/temp_folder.hpp"

namespace ridgeline::native {
namespace {

using ::testing::HasSubstr;

const std::vector<ChatMessage> kHello = {{"user", "Hello"}};

class Chat_Template : public ::testing::Test {
 protected:
  void write(const std::string& name, const std::string& text) { folder_.write(name, text); }
  std::string path(const std::string& name) const { return folder_.path(name); }

  std::string render(const std::vector<ChatMessage>& messages = kHello,
                     const ChatOptions& options = {}) const {
    const auto chat = ChatTemplate::load(folder_.path());
    if (!chat) return "cannot load: " + chat.error().line();
    const auto text = chat->render(messages, options);
    return text ? *text : "cannot render: " + text.error().line();
  }

  test::TempFolder folder_;
};

TEST_F(Chat_Template, prefers_the_jinja_file_then_json_then_the_tokenizer_config) {
  write("tokenizer_config.json", R"({"chat_template": "config"})");
  EXPECT_EQ(render(), "config");
  write("chat_template.json", R"({"chat_template": "json"})");
  EXPECT_EQ(render(), "json");
  write("chat_template.jinja", "jinja\n");
  EXPECT_EQ(render(), "jinja");
}

TEST_F(Chat_Template, takes_the_default_of_several) {
  write("tokenizer_config.json", R"({"chat_template": [{"name": "rag", "template": "x"},
                                     {"name": "default", "template": "d"}]})");
  EXPECT_EQ(render(), "d");
  write("tokenizer_config.json", R"({"chat_template": [{"name": "rag", "template": "x"}]})");
  EXPECT_THAT(render(), HasSubstr("none is the default"));
}

TEST_F(Chat_Template, sees_messages_tokens_and_options) {
  write("chat_template.jinja",
        "{{ bos_token }}{% for m in messages %}[{{ m.role }}:{{ m['content'] }}]{% endfor %}"
        "{{ 'answer' if add_generation_prompt }}{{ tools is none }}{{ strftime_now('%Y') }}");
  write("tokenizer_config.json",
        R"({"bos_token": {"content": "<s>"}, "added_tokens_decoder": {}, "eos_token": null})");
  // A file that transformers does not read either when the config lists the added tokens.
  write("special_tokens_map.json", R"({"bos_token": "<wrong>"})");
  ChatOptions options;
  options.now_seconds = 1700226123;
  EXPECT_EQ(render({{"system", "Be brief."}, {"user", "Héllo"}}, options),
            "<s>[system:Be brief.][user:Héllo]answerTrue2023");
  options.add_generation_prompt = false;
  EXPECT_EQ(render(kHello, options), "<s>[user:Hello]True2023");
}

TEST_F(Chat_Template, says_what_to_do_without_a_template) {
  EXPECT_THAT(render(), HasSubstr("has no chat template"));
  EXPECT_THAT(render(), HasSubstr("put a chat_template.jinja there"));
}

TEST_F(Chat_Template, names_file_and_line_of_a_template_that_is_not_well_formed) {
  write("chat_template.jinja", "one\n{% if x %}\ntwo");
  EXPECT_THAT(render(), HasSubstr(path("chat_template.jinja") + ": line 3: "));
}

TEST_F(Chat_Template, passes_on_why_the_template_refuses) {
  write("chat_template.jinja", "\n{{ raise_exception('Only ' ~ 2 ~ ' roles') }}");
  EXPECT_THAT(render(),
              HasSubstr("chat_template.jinja: line 2: the template refuses these messages: Only 2 "
                        "roles"));
}

TEST_F(Chat_Template, refuses_broken_files_and_messages) {
  write("tokenizer_config.json", R"({"chat_template": 3})");
  EXPECT_THAT(render(), HasSubstr("must be a text or a list"));
  write("tokenizer_config.json", R"({"chat_template": "x", "bos_token": 3})");
  EXPECT_THAT(render(), HasSubstr("'bos_token' must be a text"));
  write("tokenizer_config.json", "[]");
  EXPECT_THAT(render(), HasSubstr("not an object"));
  write("tokenizer_config.json", R"({"chat_template": "x"})");
  EXPECT_THAT(render({}), HasSubstr("at least one message"));
  EXPECT_THAT(render({{"user", "\xff"}}), HasSubstr("not valid UTF-8"));
  write("chat_template.jinja", "a\xff");
  EXPECT_THAT(render(), HasSubstr("not valid UTF-8 at byte 1"));
}

}  // namespace
}  // namespace ridgeline::native
