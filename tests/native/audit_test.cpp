// The audit: every ATen call that computes or copies happens inside an op that states its cost.
#include <ATen/ops/add.h>
#include <ATen/ops/ones.h>
#include <ATen/record_function.h>
#include <c10/core/InferenceMode.h>
#include <gtest/gtest.h>

#include <set>
#include <string>

#include "catalog/families.hpp"
#include "engines/native/ops/ledger.hpp"
#include "tests/native/tiny_model.hpp"

namespace ridgeline::native {
namespace {

// Calls that move no data and compute nothing: views and allocations.
const std::set<std::string>& free_calls() {
  static const std::set<std::string> names = {
      "aten::view",         "aten::reshape",        "aten::transpose",
      "aten::narrow",       "aten::slice",          "aten::select",
      "aten::unflatten",    "aten::flatten",        "aten::expand",
      "aten::unsqueeze",    "aten::permute",        "aten::as_strided",
      "aten::empty",        "aten::empty_like",     "aten::t",
      "aten::squeeze",      "aten::detach",         "aten::alias",
      "aten::_unsafe_view", "aten::_reshape_alias", "aten::empty_strided"};
  return names;
}

// Names of the ATen calls of `work` that are neither free nor inside an op of ours.
std::set<std::string> bypassing(const std::function<void()>& work) {
  static thread_local std::set<std::string>* found = nullptr;
  std::set<std::string> names;
  found = &names;
  const auto handle = at::addThreadLocalCallback(
      at::RecordFunctionCallback([](const at::RecordFunction& call)
                                     -> std::unique_ptr<at::ObserverContext> {
        const std::string name = call.name();
        if (!Ledger::inside_op() && !free_calls().contains(name)) found->insert(name);
        return nullptr;
      }).scopes({at::RecordScope::FUNCTION}));
  Ledger ledger;
  {
    const LedgerGuard guard(ledger);
    work();
  }
  at::removeCallback(handle);
  return names;
}

class Audit : public ::testing::TestWithParam<catalog::Architecture> {};

TEST_P(Audit, no_arithmetic_bypasses_the_ledger) {
  const c10::InferenceMode inference;
  const auto [family, modality, architecture, task] = GetParam();
  ASSERT_EQ(family, "bert") << "give this family a tiny config";
  const auto source = synthetic_source(1);
  for (const bool padded : {false, true}) {
    for (const bool decoder : {false, true}) {
      Json config = testing::tiny_bert_config();
      config["is_decoder"] = decoder;
      auto tiny =
          testing::make_tiny(std::string(family), std::string(architecture), config, *source);
      const Workload workload{.batch = 2, .sequence = 9, .text = {}};
      NamedTensors inputs =
          synthetic_inputs(*tiny.model->input_specs(workload), 1, at::kFloat, false);
      if (padded) find(inputs, "attention_mask")->select(0, 1).narrow(0, 5, 4).zero_();
      const auto phases = tiny.model->phases(inputs);
      ASSERT_TRUE(phases.has_value());
      const auto names = bypassing([&] { (*phases)[0].call(); });
      EXPECT_TRUE(names.empty()) << "bypasses: " << ::testing::PrintToString(names);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(EveryArchitecture, Audit,
                         ::testing::ValuesIn(catalog::architectures().begin(),
                                             catalog::architectures().end()),
                         [](const auto& row) { return std::string(row.param.architecture); });

TEST(Audit_itself, sees_a_call_that_bypasses) {
  const c10::InferenceMode inference;
  const at::Tensor one = at::ones({2});
  EXPECT_TRUE(bypassing([&] { at::add(one, one); }).contains("aten::add"));
}

TEST(Ledger_meta, costs_equal_the_costs_of_a_real_run) {
  const c10::InferenceMode inference;
  const auto total = [](Source& source, at::Device device, ops::AttentionKernel kernel) {
    auto tiny =
        testing::make_tiny("bert", "BertForMaskedLM", testing::tiny_bert_config(), source, device);
    tiny.model->set_options({kernel});
    const Workload workload{.batch = 2, .sequence = 9, .text = {}};
    const NamedTensors inputs =
        synthetic_inputs(*tiny.model->input_specs(workload), 1, at::kFloat, device.is_meta());
    const auto phases = tiny.model->phases(inputs);
    Ledger ledger;
    const LedgerGuard guard(ledger);
    (*phases)[0].call();
    return std::tuple(ledger.total().flops, ledger.total().written_bytes, ledger.total().read_bytes,
                      ledger.entries().size());
  };
  const auto real = synthetic_source(1);
  const auto meta = meta_source();
  for (const auto kernel : {ops::AttentionKernel::kAuto, ops::AttentionKernel::kMath}) {
    EXPECT_EQ(total(*real, at::kCPU, kernel), total(*meta, at::kMeta, kernel));
  }
}

}  // namespace
}  // namespace ridgeline::native
