// The vocabulary's hash table, and reading vocab.txt.
#include "engines/native/inputs/text/vocabulary.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/file.hpp"
#include "engines/native/inputs/text/unicode.hpp"

namespace ridgeline::native {
namespace {

constexpr std::uint64_t kMaxBytes = 64ull << 20;

// Without the white space at the end, of any script.
std::string_view trim_end(std::string_view line) {
  const Characters& characters = Characters::get();
  while (!line.empty()) {
    std::size_t start = line.size() - 1;
    while (start > 0 && (static_cast<unsigned char>(line[start]) & 0xC0) == 0x80) --start;
    std::size_t at = start;
    if (!characters.has(decode_utf8(line, at), kWhitespace)) break;
    line = line.substr(0, start);
  }
  return line;
}

}  // namespace

Vocabulary::Vocabulary(const std::vector<VocabularyEntry>& entries) {
  std::size_t bytes = 0;
  for (const VocabularyEntry& entry : entries) bytes += entry.token.size();
  texts_.reserve(bytes);  // views into it must stay where they are
  ids_.reserve(entries.size());
  for (const VocabularyEntry& entry : entries) {
    const std::size_t begin = texts_.size();
    texts_.insert(texts_.end(), entry.token.begin(), entry.token.end());
    const std::string_view token(texts_.data() + begin, entry.token.size());
    ids_.insert_or_assign(token, static_cast<std::int32_t>(entry.id));
    longest_ = std::max(longest_, entry.token.size());
    largest_id_ = std::max(largest_id_, entry.id);
  }
}

std::optional<std::int64_t> Vocabulary::find(std::string_view token) const {
  const auto found = ids_.find(token);
  if (found == ids_.end()) return std::nullopt;
  return found->second;
}

std::unordered_map<std::int64_t, std::string_view> Vocabulary::names() const {
  std::unordered_map<std::int64_t, std::string_view> out;
  out.reserve(ids_.size());
  for (const auto& [token, id] : ids_) out.emplace(id, token);
  return out;
}

Result<std::vector<VocabularyEntry>> read_vocabulary_lines(const std::string& path) {
  RIDGELINE_TRY(const std::string text, read_text_file(path, kMaxBytes));
  if (const auto at = invalid_utf8_at(text)) {
    return bad_input(fmt::format("{}: not valid UTF-8 at byte {}", path, *at));
  }
  std::vector<VocabularyEntry> entries;
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    const std::string_view line = trim_end(std::string_view(text).substr(begin, end - begin));
    entries.push_back({std::string(line), static_cast<std::int64_t>(entries.size())});
    begin = end + 1;
  }
  if (entries.empty()) return bad_input(fmt::format("{} is empty", path));
  return entries;
}

}  // namespace ridgeline::native
