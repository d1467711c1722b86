// The fused decoding step on CPUs: the team of threads wakes once a step, and goes from product to
// product by barriers that take about a microsecond.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/spin_barrier.hpp"
#include "engines/native/fused/decode_step.hpp"
#include "engines/native/fused/host/member.hpp"
#include "engines/native/fused/host/stored_rows.hpp"
#include "engines/native/ops/cpu/attention_parts.hpp"
#include "engines/native/ops/op_observer.hpp"

namespace ridgeline::native::fused {

/// Why there is no fused step of these weights on a CPU; empty when there is one.
std::string why_no_host_kernels(const DecodeShape& shape, const DecoderTensors& tensors);

/// The loops of ops/cpu are there already: nothing is compiled.
class HostDecodeKernels final : public DecodeKernels {
 public:
  /// kUnsupported with the reason where why_no_host_kernels() has one.
  static Result<std::shared_ptr<const HostDecodeKernels>> build(const DecodeShape& shape,
                                                                const DecoderTensors& tensors);

  std::unique_ptr<DecodeStep> step(DecoderTensors tensors) const override;

 private:
  explicit HostDecodeKernels(const DecodeShape& shape) : shape_(shape) {}

  DecodeShape shape_;
};

/// The residual stream and everything between two roundings of the weights' dtype is float32.
class HostDecodeStep final : public DecodeStep {
 public:
  HostDecodeStep(const DecodeShape& shape, DecoderTensors tensors);

  at::Tensor operator()(const at::Tensor& token, const nn::Rotary::Angles& angles,
                        const nn::KvCache& cache) override;

 private:
  struct Layer {
    std::vector<float> attention_norm;
    StoredRows heads;
    StoredRows output;
    std::vector<float> mlp_norm;
    StoredRows gate_up;
    StoredRows down;
  };
  /// Where the newest token lies, and what it sees.
  struct Place {
    std::int64_t slot;
    std::int64_t visible;
    ops::cpu::ContextParts parts;  ///< of the context, each attended by one member
  };
  /// Keys and values of a layer, [G, slots, head_dim] of the shape's dtype.
  struct Kept {
    void* key;
    void* value;
  };

  void prepare(const at::Tensor& token, const nn::Rotary::Angles& angles, const nn::KvCache& cache);
  void make_room();
  void run(Member& member, const at::Tensor& logits);
  /// Calls stage() between two barriers; shown to an op observer by its name.
  template <typename Stage>
  void pass(Member& member, const char* name, OpClass op_class, const Stage& stage);

  void project_heads(Member& member, const Layer& layer);
  void attend(Member& member, const Kept& kept);
  template <typename Stored>
  void attend_part(Member& member, const Kept& kept, std::int64_t item);
  template <typename Stored>
  void keep_newest(Member& member, std::int64_t head, Stored* key, Stored* value) const;
  const float* scaled_queries(Member& member, std::int64_t head) const;
  void turn(float* row) const;
  void project_output(Member& member, const Layer& layer);
  void project_gate(Member& member, const Layer& layer);
  void project_down(Member& member, const Layer& layer);
  void project_logits(Member& member, const at::Tensor& logits);

  ops::cpu::AttentionParts attended() {
    const nn::GatedDecoderShape& d = shape_.decoder;
    return {d.heads, d.head_dim, place_.parts.count, attended_.data()};
  }
  Share* shares_of(const Member& member) {
    return shares_.data() + (member.stage % 2) * members_.size();
  }

  DecodeShape shape_;
  DecoderTensors tensors_;  // what the layers point into
  std::vector<Layer> layers_;
  std::vector<float> last_norm_;
  StoredRows head_;

  SpinBarrier barrier_;
  std::vector<Share> shares_;  // [2, members]: of this stage and of the next, else all zero
  std::vector<Member> members_;
  Place place_ = {};
  std::vector<Kept> kept_;       // by layer
  std::int64_t slots_ = 0;       // of the caches
  std::vector<float> x_;         // [hidden]: the residual stream
  std::vector<float> cosine_;    // [pairs]
  std::vector<float> sine_;      // [pairs]
  std::vector<float> heads_;     // [(H + 2·G) · head_dim]: query, key, value
  std::vector<float> attended_;  // results of the parts of the context
  std::vector<float> gate_up_;   // [2 · intermediate]
  std::vector<float> hidden_;    // [intermediate]
};

}  // namespace ridgeline::native::fused
