// Chat templates: what a model's checkpoint says a conversation looks like as one text.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "base/json.hpp"

namespace ridgeline::native {

/// One turn of a conversation.
struct ChatMessage {
  std::string role;     ///< "system", "user", "assistant" or what else the template knows
  std::string content;  ///< UTF-8
};

struct ChatOptions {
  /// Ends with the header of an answer, so that the model goes on with one.
  bool add_generation_prompt = true;
  /// Seconds since 1970 for templates that name the date; the machine's clock when absent. Read in
  /// the local time zone.
  std::optional<std::int64_t> now_seconds = {};
};

/// A parsed template with the special tokens of its tokenizer. It renders what transformers'
/// tokenizer.apply_chat_template(messages, tokenize=False) does; a template from a stranger is
/// safe to run: it has no way out, and bounded time and memory (limits.hpp).
class ChatTemplate {
 public:
  /// Reads chat_template.jinja of `folder`, else chat_template.json, else the chat_template of
  /// tokenizer_config.json (of several, the one named "default"), and the special tokens of
  /// tokenizer_config.json and special_tokens_map.json. Errors: no template, with a remedy; one
  /// that is not well formed, with its line; broken files.
  static Result<ChatTemplate> load(const std::string& folder);

  /// The conversation as one text. Errors: no messages; whatever the template raises or gets
  /// wrong, with its line.
  Result<std::string> render(std::span<const ChatMessage> messages,
                             const ChatOptions& options) const;

 private:
  struct State;
  explicit ChatTemplate(std::shared_ptr<const State> state) : state_(std::move(state)) {}

  std::shared_ptr<const State> state_;
};

/// Renders a template with the variables of a JSON object: what ChatTemplate stands on.
Result<std::string> render_template(std::string_view source, const Json& variables,
                                    std::optional<std::int64_t> now_seconds = {});

}  // namespace ridgeline::native
