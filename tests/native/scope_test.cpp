// Declaring and materialising: spellings, ties, errors.
#include <ATen/ops/allclose.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/zeros.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "engines/native/scope/scope.hpp"

namespace ridgeline::native {
namespace {

// A file in memory.
class MapSource final : public Source {
 public:
  explicit MapSource(std::map<std::string, at::Tensor, std::less<>> tensors)
      : tensors_(std::move(tensors)) {}
  std::string_view name() const override { return "checkpoint"; }
  bool has(std::string_view stored) const override { return tensors_.contains(stored); }
  std::optional<Shape> shape_of(std::string_view stored) const override {
    const auto it = tensors_.find(stored);
    return it == tensors_.end() ? std::nullopt : std::optional<Shape>(it->second.sizes().vec());
  }
  bool same_bytes(std::string_view a, std::string_view b) const override {
    return tensors_.find(a)->second.equal(tensors_.find(b)->second);
  }
  std::vector<std::string> names() const override {
    std::vector<std::string> names;
    for (const auto& [name, tensor] : tensors_) names.push_back(name);
    return names;
  }
  Result<at::Tensor> read(std::string_view stored, const Shape&, Init,
                          const Placement& placement) override {
    return tensors_.find(stored)->second.to(placement.dtype).clone();
  }

 private:
  std::map<std::string, at::Tensor, std::less<>> tensors_;
};

at::Tensor counted(Shape shape) {
  std::int64_t count = 1;
  for (const std::int64_t size : shape) count *= size;
  return at::arange(count, at::kFloat).view(shape);
}

std::string error_of(Declarations& declarations, Source& source) {
  const auto done = declarations.materialise(source, at::kFloat, at::kCPU);
  return done ? "" : done.error().line();
}

TEST(Scope, stacks_separate_tensors_into_one) {
  Declarations d;
  at::Tensor fused;
  (Scope(d) / "a").parameter(fused, "qk", {4, 3}, Init::kWeight).stacked({"q", "k"});
  MapSource source({{"a.q", counted({2, 3})}, {"a.k", counted({2, 3}) + 100}});
  ASSERT_EQ(error_of(d, source), "");
  EXPECT_TRUE(fused.equal(at::cat({counted({2, 3}), counted({2, 3}) + 100})));
}

TEST(Scope, takes_a_part_of_a_fused_tensor_and_transposes) {
  Declarations d;
  at::Tensor part;
  at::Tensor turned;
  Scope(d).parameter(part, "k", {2, 3}, Init::kWeight).part_of("qkv", 2, 6);
  Scope(d).parameter(turned, "conv1d", {2, 3}, Init::kWeight).transposed();
  MapSource source({{"qkv", counted({6, 3})}, {"conv1d", counted({3, 2})}});
  ASSERT_EQ(error_of(d, source), "");
  EXPECT_TRUE(part.equal(counted({6, 3}).narrow(0, 2, 2)));
  EXPECT_TRUE(turned.equal(counted({3, 2}).t()));
  EXPECT_TRUE(turned.is_contiguous());
}

TEST(Scope, makes_one_logical_weight_from_several_stored_ones) {
  // Weight norm: w = g · v / |v|, whole.
  Declarations d;
  at::Tensor w;
  Scope(d)
      .parameter(w, "w", {1, 2}, Init::kWeight)
      .also({{{"w_g", {1, 1}}, {"w_v", {1, 2}}},
             [](const std::vector<at::Tensor>& t) { return t[0] * t[1] / t[1].norm(); }});
  MapSource source({{"w_g", at::ones({1, 1}) * 10}, {"w_v", at::ones({1, 2}) * 3}});
  ASSERT_EQ(error_of(d, source), "");
  EXPECT_TRUE(at::allclose(w, at::ones({1, 2}) * 7.0710678));
}

TEST(Scope, reads_old_names_and_other_prefixes) {
  Declarations d;
  at::Tensor gamma;
  (Scope(d) / "bert.norm").parameter(gamma, "weight", {2}, Init::kNormWeight).also("gamma");
  d.rename_prefix("bert.", "");
  MapSource source({{"norm.gamma", at::ones({2})}});
  ASSERT_EQ(error_of(d, source), "");
  EXPECT_TRUE(gamma.equal(at::ones({2})));
}

TEST(Scope, ties_only_what_the_file_ties) {
  const auto tied_with = [](at::Tensor head) {
    Declarations d;
    at::Tensor table;
    at::Tensor tied;
    Scope(d).parameter(tied, "head", {2, 2}, Init::kWeight).tied_to("table");
    Scope(d).parameter(table, "table", {2, 2}, Init::kEmbedding);
    std::map<std::string, at::Tensor, std::less<>> file = {{"table", counted({2, 2})}};
    if (head.defined()) file["head"] = head;
    MapSource source(file);
    EXPECT_EQ(error_of(d, source), "");
    return table.is_same(tied);
  };
  EXPECT_TRUE(tied_with({}));                    // absent: tied
  EXPECT_TRUE(tied_with(counted({2, 2})));       // the same bytes: tied
  EXPECT_FALSE(tied_with(counted({2, 2}) + 1));  // other bytes: two tensors
}

TEST(Scope, names_what_is_missing_misshaped_or_unused) {
  const auto error_with = [](std::map<std::string, at::Tensor, std::less<>> file) {
    Declarations d;
    at::Tensor slot;
    at::Tensor maybe;
    Scope(d).parameter(slot, "w", {2, 2}, Init::kWeight);
    Scope(d).parameter(maybe, "b", {2}, Init::kBias).optional();
    d.ignore("position_ids");
    MapSource source(std::move(file));
    return error_of(d, source);
  };
  EXPECT_EQ(error_with({{"w", counted({2, 2})}, {"x.position_ids", counted({2})}}), "");
  EXPECT_THAT(error_with({{"b", counted({2})}}), ::testing::HasSubstr("missing: w"));
  EXPECT_THAT(error_with({{"w", counted({2, 3})}}),
              ::testing::HasSubstr("w is [2, 3], the config asks for [2, 2]"));
  EXPECT_THAT(error_with({{"w", counted({2, 2})}, {"extra", counted({1})}}),
              ::testing::HasSubstr("unused: extra"));
}

TEST(Scope, synthetic_weights_do_not_depend_on_order_and_stay_finite) {
  const auto source = synthetic_source(7);
  const at::Tensor a = *source->read("layer.0.weight", {64, 256}, Init::kWeight, {at::kFloat});
  source->read("layer.1.weight", {8}, Init::kBias, {at::kFloat}).value();
  const at::Tensor b = *source->read("layer.0.weight", {64, 256}, Init::kWeight, {at::kFloat});
  EXPECT_TRUE(a.equal(b));
  EXPECT_NEAR(a.std().item<float>(), 1.f / 16.f, 0.001f);
  EXPECT_NEAR(a.mean().item<float>(), 0.f, 0.002f);
  const at::Tensor other =
      *synthetic_source(8)->read("layer.0.weight", {64, 256}, Init::kWeight, {at::kFloat});
  EXPECT_FALSE(a.equal(other));
}

}  // namespace
}  // namespace ridgeline::native
