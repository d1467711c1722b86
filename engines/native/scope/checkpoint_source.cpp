// Stored tensors of a checkpoint folder.
#include <algorithm>
#include <utility>

#include "engines/native/checkpoint/checkpoint.hpp"
#include "engines/native/scope/source.hpp"
#include "engines/native/scope/tensor_file.hpp"

namespace ridgeline::native {
namespace {

class CheckpointSource final : public Source {
 public:
  explicit CheckpointSource(Checkpoint checkpoint) : checkpoint_(std::move(checkpoint)) {
    checkpoint_.advise(MapAdvice::kWillNeed);
  }

  std::string_view name() const override { return "checkpoint"; }

  bool has(std::string_view stored) const override { return checkpoint_.find(stored) != nullptr; }

  std::optional<Shape> shape_of(std::string_view stored) const override {
    const TensorView* view = checkpoint_.find(stored);
    return view == nullptr ? std::nullopt : std::optional<Shape>(view->shape);
  }

  bool same_bytes(std::string_view a, std::string_view b) const override {
    const TensorView* left = checkpoint_.find(a);
    const TensorView* right = checkpoint_.find(b);
    return left != nullptr && right != nullptr && left->type == right->type &&
           std::ranges::equal(left->bytes, right->bytes);
  }

  std::vector<std::string> names() const override {
    std::vector<std::string> names;
    for (const auto& [name, view] : checkpoint_.tensors()) names.push_back(name);
    return names;
  }

  Result<at::Tensor> read(std::string_view stored, const Shape&, Init,
                          const Placement& placement) override {
    const TensorView* view = checkpoint_.find(stored);
    if (view == nullptr) return bad_input("no tensor named " + std::string(stored));
    RIDGELINE_TRY(const at::Tensor tensor, copy_of(*view, placement.device));
    return tensor.is_floating_point() ? tensor.to(placement.dtype) : tensor;
  }

  bool moves_bytes() const override { return true; }

 private:
  Checkpoint checkpoint_;
};

}  // namespace

std::unique_ptr<Source> checkpoint_source(Checkpoint checkpoint) {
  return std::make_unique<CheckpointSource>(std::move(checkpoint));
}

}  // namespace ridgeline::native
