// What a chat template from a stranger may cost: bounds on text, nesting and work.
#pragma once

#include <cstddef>

#include "base/error.hpp"

namespace ridgeline::native::jinja {

/// Longest template, in bytes; published ones stay below 64 KiB.
inline constexpr std::size_t kMaxTemplateBytes = std::size_t{1} << 20;

/// Deepest nesting of blocks and expressions in the text of a template. The parser and the
/// destructors of its trees recurse this deep.
inline constexpr int kMaxNesting = 150;

/// Deepest evaluation, macros that call themselves included. A level takes up to 1 KiB of stack,
/// and 8 KiB under the sanitizers, so that all of them fit a thread of 8 MiB.
inline constexpr int kMaxEvaluationDepth = 500;

/// Deepest list of lists; JSON itself is read to 96 levels.
inline constexpr int kMaxValueDepth = 128;

/// What one rendering may spend: about a byte made or two looked at each, so that it bounds
/// both memory (256 MiB) and time (seconds). A page of chat needs some ten thousand.
inline constexpr std::size_t kMaxWork = std::size_t{1} << 28;

/// Longest rendered text, in bytes.
inline constexpr std::size_t kMaxOutputBytes = std::size_t{64} << 20;

/// Longest range(), as the sandbox of jinja2 has it (MAX_RANGE).
inline constexpr std::size_t kMaxRange = 100000;

/// Widest field and most digits of a number format; they are made before any other bound acts.
inline constexpr int kMaxFieldWidth = 4096;

/// The work that one rendering has left.
class Budget {
 public:
  /// Takes `units`, or fails when they are not left.
  Status spend(std::size_t units) {
    if (units > left_) {
      left_ = 0;
      return bad_input("the template makes too much text or runs too long");
    }
    left_ -= units;
    return {};
  }

 private:
  std::size_t left_ = kMaxWork;
};

}  // namespace ridgeline::native::jinja
