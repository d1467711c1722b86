// Which implementation of attention runs, as one value for a whole model or shape by shape.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

namespace ridgeline::native::ops {

/// The implementations; kAuto leaves it to ATen. Flash and math exist on the CPU as well, the
/// others on CUDA only.
enum class AttentionKernel { kAuto, kFlash, kCudnn, kEfficient, kMath };

/// "auto", "flash", "cudnn", "efficient", "math": the values of the `attention` optimization.
std::string_view name_of(AttentionKernel kernel);

/// What the best implementation depends on: the sizes of one call.
struct AttentionCase {
  std::int64_t batch = 1;
  std::int64_t heads = 1;
  std::int64_t key_heads = 1;
  std::int64_t queries = 1;
  std::int64_t keys = 1;
  std::int64_t head_dim = 1;
  bool mask = false;
  bool causal = false;  ///< never of a single query, which sees all keys

  bool operator==(const AttentionCase&) const = default;
};

/// A choice of implementation. Cheap to copy.
class AttentionChoice {
 public:
  /// The same for every call.
  AttentionChoice(AttentionKernel kernel = AttentionKernel::kAuto) : kernel_(kernel) {}

  using Table = std::vector<std::pair<AttentionCase, AttentionKernel>>;
  /// By case; kAuto for cases that are not in the table.
  explicit AttentionChoice(Table table)
      : kernel_(AttentionKernel::kAuto), table_(std::make_shared<const Table>(std::move(table))) {}

  /// The implementation for a call. A single query matches any number of keys: in decoding they
  /// grow by one a call, and the row of the table with the nearest number stands for them.
  AttentionKernel of(const AttentionCase& call) const;

 private:
  AttentionKernel kernel_;
  std::shared_ptr<const Table> table_;
};

/// How a call reaches an implementation.
struct AttentionWay {
  AttentionKernel pinned = AttentionKernel::kAuto;  ///< kAuto: ATen chooses
  bool repeat = false;  ///< key and value heads are repeated for each query head first
  AttentionKernel runs = AttentionKernel::kMath;
};

/// Finds a way to `wanted`, or else to what ATen would choose. `grouped`: several query heads share
/// a key head. `ask` says what ATen runs when `pinned` and math alone are allowed (kAuto: all are),
/// with the heads repeated or not: ATen silently falls to math where an implementation does not
/// know groups for a dtype or mask, and a copy of the keys is far cheaper than that.
AttentionWay find_way(AttentionKernel wanted, bool grouped,
                      const std::function<AttentionKernel(AttentionKernel, bool)>& ask);

/// While it lives, torch may use one fused implementation and math, and prefers the former. All
/// calls of the process see it; puts back what it found.
class PinnedAttention {
 public:
  explicit PinnedAttention(AttentionKernel kernel);
  ~PinnedAttention();
  PinnedAttention(const PinnedAttention&) = delete;
  PinnedAttention& operator=(const PinnedAttention&) = delete;

 private:
  bool flash_, efficient_, cudnn_, math_;
  std::vector<std::int64_t> order_;   // as it was
  std::vector<std::int64_t> pinned_;  // as this object made it
};

}  // namespace ridgeline::native::ops
