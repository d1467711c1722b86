// The model of a tokenizer: a word to token ids.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "base/error.hpp"

namespace ridgeline::native {

class TokenModel {
 public:
  virtual ~TokenModel() = default;

  /// Appends the ids of `word`, valid UTF-8 and not empty, to `ids`.
  virtual Status tokenize(std::string_view word, std::vector<std::int64_t>& ids) const = 0;

  virtual std::optional<std::int64_t> id_of(std::string_view token) const = 0;

  /// The text of a token, valid as long as the model.
  virtual std::optional<std::string_view> token_of(std::int64_t id) const = 0;

  /// Number of different tokens, and the largest id (-1 without tokens).
  virtual std::size_t size() const = 0;
  virtual std::int64_t largest_id() const = 0;
};

using TokenModelPtr = std::shared_ptr<const TokenModel>;

}  // namespace ridgeline::native
