// Whether two engines generate the same tokens, and whether a difference is more than rounding.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "base/json.hpp"
#include "study/tensor_file.hpp"

namespace ridgeline::study {

/// Where a row parts from the reference for the first time; what comes after depends on it.
struct Divergence {
  std::int64_t row = 0;
  std::int64_t token = 0;  ///< of the new ones, from 1
  std::int64_t ours = 0;
  std::int64_t theirs = 0;
  /// Our logits of the two tokens, apart, over the largest logit of that step; none: not known.
  std::optional<double> gap;
  bool is_rounding = false;  ///< the gap is within what rounding may swap
};

struct TokenCheck {
  std::int64_t tokens = 0;  ///< new tokens of all rows, of the shorter side
  std::int64_t equal = 0;   ///< of them before a row parts
  std::vector<Divergence> divergences;
  std::string reason;  ///< why it is not passed; empty when it is

  bool passed() const { return reason.empty(); }
};

/// Compares `sequences` of two files, the first `prompt` columns of which are the prompt. `logits`
/// of ours ([rows, steps, vocabulary], float32) belong to the last columns. A swap of two tokens
/// whose logits are nearer than `swap` (relative to the largest) is allowed. Errors: a file without
/// sequences, or with other numbers of rows.
Result<TokenCheck> check_tokens(const TensorFile& ours, const TensorFile& theirs,
                                std::int64_t prompt, double swap);

Json to_json(const TokenCheck& check);

}  // namespace ridgeline::study
