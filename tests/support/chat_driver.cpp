// Renders chat templates for the oracle test: JSON lines {"template", "variables", "now"} or
// {"folder", "messages", "add_generation_prompt", "now"} in, {"text"} or {"error"} out.
#include <cstdio>
#include <iostream>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "base/json.hpp"
#include "engines/native/inputs/chat/chat.hpp"

namespace ridgeline::native {
namespace {

Result<std::string> render_folder(const Json& request, std::optional<std::int64_t> now) {
  RIDGELINE_TRY(const std::string folder, get_string(request, "folder", "request"));
  RIDGELINE_TRY(const ChatTemplate chat, ChatTemplate::load(folder));
  std::vector<ChatMessage> messages;
  for (const Json& message : request.value("messages", Json::array())) {
    RIDGELINE_TRY(std::string role, get_string(message, "role", "message"));
    RIDGELINE_TRY(std::string content, get_string(message, "content", "message"));
    messages.push_back({std::move(role), std::move(content)});
  }
  RIDGELINE_TRY(const bool prompts, get_bool(request, "add_generation_prompt", "request", true));
  return chat.render(messages, {prompts, now});
}

Result<std::string> answer(const std::string& line) {
  RIDGELINE_TRY(const Json request, parse_json(line, "request"));
  std::optional<std::int64_t> now;
  if (request.contains("now")) {
    RIDGELINE_TRY(now, get_int(request, "now", "request"));
  }
  if (request.contains("folder")) return render_folder(request, now);
  RIDGELINE_TRY(const std::string source, get_string(request, "template", "request"));
  return render_template(source, request.value("variables", Json::object()), now);
}

}  // namespace
}  // namespace ridgeline::native

int main() {
  std::string line;
  while (std::getline(std::cin, line)) {
    const auto text = ridgeline::native::answer(line);
    ridgeline::Json out;
    if (text) {
      out["text"] = *text;
    } else {
      out["error"] = text.error().line();
    }
    std::cout << ridgeline::to_line(out) << "\n" << std::flush;
  }
  return 0;
}
