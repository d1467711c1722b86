// Loads the template of a checkpoint and renders conversations with it.
#include "engines/native/inputs/chat/chat.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "base/file.hpp"
#include "engines/native/inputs/chat/interpreter.hpp"
#include "engines/native/inputs/chat/parser.hpp"
#include "engines/native/inputs/chat/special_tokens.hpp"
#include "engines/native/inputs/text/unicode.hpp"

namespace ridgeline::native {

struct ChatTemplate::State {
  std::string path;
  jinja::Block block;
  jinja::Dict tokens;
};

namespace {

// Tokenizer configurations list their added tokens: some have a megabyte.
constexpr std::uint64_t kMaxConfigBytes = 64ull << 20;

struct Source {
  std::string path;
  std::string text;
};

Error with_place(Error error, std::string_view place) {
  error.message = fmt::format("{}: {}", place, error.message);
  return error;
}

bool exists(const std::string& path) {
  std::error_code ignored;
  return std::filesystem::exists(path, ignored);
}

// The template of a JSON file: a text, or a list of {"name", "template"} with a "default". Nothing
// when there is none.
Result<std::optional<Source>> source_of(const std::string& path, const Json& root) {
  using Found = std::optional<Source>;
  if (!root.is_object()) return bad_input(fmt::format("{}: not an object", path));
  const auto entry = root.find("chat_template");
  if (entry == root.end() || entry->is_null()) return Found();
  if (entry->is_string()) return Found(Source{path, entry->get<std::string>()});
  if (entry->is_array()) {
    for (const Json& one : *entry) {
      const std::string what = fmt::format("{}: chat_template", path);
      RIDGELINE_TRY(const std::string name, get_string(one, "name", what));
      RIDGELINE_TRY(std::string text, get_string(one, "template", what));
      if (name == "default") return Found(Source{path, std::move(text)});
    }
    return unsupported(fmt::format("{}: of several chat templates none is the default", path));
  }
  return bad_input(fmt::format("{}: 'chat_template' must be a text or a list", path));
}

Result<Source> find_source(const std::string& folder, const Json& config) {
  const std::string file = folder + "/chat_template.jinja";
  if (exists(file)) {
    RIDGELINE_TRY(std::string text, read_text_file(file, jinja::kMaxTemplateBytes));
    return Source{file, std::move(text)};
  }
  const std::string json_file = folder + "/chat_template.json";
  if (exists(json_file)) {
    RIDGELINE_TRY(const Json root, read_json_file(json_file, kMaxConfigBytes));
    RIDGELINE_TRY(std::optional<Source> found, source_of(json_file, root));
    if (found) return *std::move(found);
  }
  RIDGELINE_TRY(std::optional<Source> found, source_of(folder + "/tokenizer_config.json", config));
  if (found) return *std::move(found);
  return bad_input(fmt::format("{} has no chat template", folder),
                   "give plain text instead of a chat, or put a chat_template.jinja there");
}

Result<std::string> run(const jinja::Block& block, const jinja::Dict& variables,
                        std::optional<std::int64_t> now) {
  jinja::Interpreter interpreter(variables, now);
  auto text = interpreter.run(block);
  if (text) return text;
  return with_place(std::move(text).error(), fmt::format("line {}", interpreter.line()));
}

Result<jinja::Value> to_value(const ChatMessage& message) {
  jinja::Dict entry;
  for (const auto& [key, text] : {std::pair<const char*, const std::string&>{"role", message.role},
                                  {"content", message.content}}) {
    if (invalid_utf8_at(text)) return bad_input("a chat message is not valid UTF-8");
    entry.set_text(key, jinja::Value::text(text));
  }
  return jinja::Value::dict(std::move(entry));
}

}  // namespace

Result<ChatTemplate> ChatTemplate::load(const std::string& folder) {
  const std::string config_path = folder + "/tokenizer_config.json";
  Json config = Json::object();
  if (exists(config_path)) {
    RIDGELINE_TRY(config, read_json_file(config_path, kMaxConfigBytes));
  }
  RIDGELINE_TRY(Source source, find_source(folder, config));
  auto block = jinja::parse_template(source.text);
  if (!block) return with_place(std::move(block).error(), source.path);
  RIDGELINE_TRY(jinja::Dict tokens, read_special_tokens(folder, config));
  return ChatTemplate(std::make_shared<const State>(
      State{std::move(source.path), std::move(block).value(), std::move(tokens)}));
}

Result<std::string> ChatTemplate::render(std::span<const ChatMessage> messages,
                                         const ChatOptions& options) const {
  if (messages.empty()) return bad_input("a chat needs at least one message");
  std::vector<jinja::Value> turns;
  turns.reserve(messages.size());
  for (const ChatMessage& message : messages) {
    RIDGELINE_TRY(jinja::Value turn, to_value(message));
    turns.push_back(std::move(turn));
  }
  jinja::Dict variables = state_->tokens;
  RIDGELINE_TRY(jinja::Value list,
                jinja::Value::sequence(jinja::SequenceKind::kList, std::move(turns)));
  variables.set_text("messages", std::move(list));
  variables.set_text("tools", jinja::Value());
  variables.set_text("documents", jinja::Value());
  variables.set_text("add_generation_prompt", jinja::Value::boolean(options.add_generation_prompt));
  auto text = run(state_->block, variables, options.now_seconds);
  if (text) return text;
  return with_place(std::move(text).error(), state_->path);
}

Result<std::string> render_template(std::string_view source, const Json& variables,
                                    std::optional<std::int64_t> now_seconds) {
  RIDGELINE_TRY(const jinja::Block block, jinja::parse_template(source));
  RIDGELINE_TRY(const jinja::Value given, jinja::from_json(variables));
  if (!given.is(jinja::Kind::kDict)) return bad_input("the variables of a template are an object");
  return run(block, given.as_dict(), now_seconds);
}

}  // namespace ridgeline::native
