// The ledger: what the ops of a forward pass compute and move, by written definitions.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace ridgeline::native {

/// What kind of work an op does; a roofline treats the classes differently.
enum class OpClass { kMatmul, kAttention, kNorm, kActivation, kElementwise, kLookup, kMovement };

std::string_view name_of(OpClass op_class);

/// The cost of one call of an op.
struct OpCost {
  /// Multiply-accumulate work as 2·MAC, the convention of torch.utils.flop_counter: matrix products
  /// and convolutions only, causal attention counted as full.
  double flops = 0;
  /// The same with causal and sparse work counted as needed.
  double flops_minimum = 0;
  /// Element-wise work, norms, softmax: one per arithmetic operation on an element (a
  /// transcendental function counts as one).
  double flops_elementwise = 0;
  /// Bytes of parameters read.
  double weight_bytes = 0;
  /// Bytes of activations read and written, as if nothing were fused.
  double read_bytes = 0;
  double written_bytes = 0;
};

/// Sum of the calls of one op with one pair of dtypes.
struct LedgerEntry {
  std::string op;
  OpClass op_class;
  at::ScalarType arithmetic;  ///< dtype in which the op computes
  at::ScalarType storage;     ///< dtype in which its weights are stored (activations: the input's)
  std::int64_t calls = 0;
  OpCost cost;
};

/// Collects the cost of everything that runs on this thread while it is active.
class Ledger {
 public:
  /// The active ledger of this thread, or nullptr: then an op is one branch away from ATen.
  static Ledger* active() { return active_; }

  /// Adds one call.
  void charge(std::string_view op, OpClass op_class, at::ScalarType arithmetic,
              at::ScalarType storage, const OpCost& cost);

  /// Notes that a parameter is needed whole: it counts once for the compulsory bytes, however often
  /// it is read.
  void touch(const at::Tensor& weight);
  /// Notes a partial read of a parameter (rows of a table).
  void touch_rows(const at::Tensor& table, double rows);
  /// Notes bytes of a key-value cache that an attention must read: they are compulsory too.
  void touch_cache(double bytes) { cache_bytes_ += bytes; }

  const std::vector<LedgerEntry>& entries() const { return entries_; }
  OpCost total() const;
  /// Bytes of the parameters that were needed, each once.
  double unique_weight_bytes() const;
  double cache_bytes() const { return cache_bytes_; }

  /// True while an op that states its cost is on the stack of this thread; the audit asks.
  static bool inside_op() { return depth_ > 0; }

 private:
  friend class LedgerGuard;
  friend class ChargeDepth;

  static thread_local Ledger* active_;
  static thread_local int depth_;

  std::vector<LedgerEntry> entries_;
  std::unordered_map<std::string, std::size_t> index_;
  std::unordered_map<const void*, double> weights_;
  double cache_bytes_ = 0;
};

/// Makes a ledger active on this thread for the life of the guard.
class LedgerGuard {
 public:
  explicit LedgerGuard(Ledger& ledger) : previous_(Ledger::active_) { Ledger::active_ = &ledger; }
  ~LedgerGuard() { Ledger::active_ = previous_; }
  LedgerGuard(const LedgerGuard&) = delete;
  LedgerGuard& operator=(const LedgerGuard&) = delete;

 private:
  Ledger* previous_;
};

/// Marks the body of an op that states its cost; open_op() in charge.hpp makes it.
class ChargeDepth {
 public:
  ChargeDepth() : counted_(Ledger::active_ != nullptr) {
    if (counted_) ++Ledger::depth_;
  }
  ~ChargeDepth() {
    if (counted_) --Ledger::depth_;
  }
  ChargeDepth(const ChargeDepth&) = delete;
  ChargeDepth& operator=(const ChargeDepth&) = delete;

 private:
  bool counted_;
};

/// Bytes of a tensor's elements, each once.
inline double bytes_of(const at::Tensor& tensor) {
  return tensor.defined()
             ? static_cast<double>(tensor.numel()) * static_cast<double>(tensor.element_size())
             : 0.0;
}

}  // namespace ridgeline::native
