// Tokens and their ids, with the texts in one block of memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/error.hpp"

namespace ridgeline::native {

/// Ids are indices of embedding rows; no real vocabulary comes near this.
inline constexpr std::int64_t kMaxTokenId = std::numeric_limits<std::int32_t>::max();

struct VocabularyEntry {
  std::string token;
  std::int64_t id = 0;
};

/// Movable, not copyable: the keys are views of its own memory.
class Vocabulary {
 public:
  /// Of tokens that stand twice the last one counts. Ids may have gaps and may repeat.
  explicit Vocabulary(const std::vector<VocabularyEntry>& entries);
  Vocabulary(const Vocabulary&) = delete;
  Vocabulary& operator=(const Vocabulary&) = delete;
  Vocabulary(Vocabulary&&) = default;
  Vocabulary& operator=(Vocabulary&&) = default;
  ~Vocabulary() = default;

  std::optional<std::int64_t> find(std::string_view token) const;
  std::size_t size() const { return ids_.size(); }

  /// Bytes of the longest token.
  std::size_t longest() const { return longest_; }
  /// -1 when there are no tokens.
  std::int64_t largest_id() const { return largest_id_; }

  /// The tokens by their ids, as views of this object's memory; of one that several tokens have,
  /// any of them.
  std::unordered_map<std::int64_t, std::string_view> names() const;

 private:
  std::vector<char> texts_;
  std::unordered_map<std::string_view, std::int32_t> ids_;
  std::size_t longest_ = 0;
  std::int64_t largest_id_ = -1;
};

/// The lines of a vocab.txt, numbered from 0, without the white space at their ends. Errors: the
/// file cannot be read or is not UTF-8.
Result<std::vector<VocabularyEntry>> read_vocabulary_lines(const std::string& path);

}  // namespace ridgeline::native
