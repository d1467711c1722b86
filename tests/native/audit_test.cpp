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

Workload tiny_workload() {
  Workload workload;
  workload.batch = 2;
  workload.sequence = 9;
  workload.depth = 11;
  workload.new_tokens = 3;
  return workload;
}

// The forward pass and all phases, each ready to be called.
std::vector<Phase> all_phases(Model& model, const NamedTensors& inputs) {
  auto forward = model.forward(inputs);
  EXPECT_TRUE(forward.has_value()) << (forward ? "" : forward.error().line());
  auto phases = model.phases(inputs, tiny_workload());
  EXPECT_TRUE(phases.has_value()) << (phases ? "" : phases.error().line());
  std::vector<Phase> all = std::move(*phases);
  all.push_back(std::move(*forward));
  return all;
}

class Audit : public ::testing::TestWithParam<catalog::Architecture> {};

TEST_P(Audit, no_arithmetic_bypasses_the_ledger) {
  const c10::InferenceMode inference;
  const auto [family, modality, architecture, task] = GetParam();
  const auto source = synthetic_source(1);
  const Json config = testing::tiny_config(std::string(family), std::string(architecture));
  for (const bool padded : {false, true}) {
    auto tiny = testing::make_tiny(std::string(family), std::string(architecture), config, *source);
    NamedTensors inputs =
        synthetic_inputs(*tiny.model->input_specs(tiny_workload()), 1, at::kFloat, false);
    const at::Tensor* mask = find(inputs, "attention_mask");
    if (padded && mask == nullptr) continue;
    if (padded) mask->select(0, 1).narrow(0, 0, 4).zero_();
    for (const Phase& phase : all_phases(*tiny.model, inputs)) {
      if (phase.restore) phase.restore();
      const auto names = bypassing([&] { phase.call(); });
      EXPECT_TRUE(names.empty()) << phase.name << " bypasses: " << ::testing::PrintToString(names);
    }
  }
}

TEST_P(Audit, costs_on_meta_equal_those_of_a_real_run) {
  const c10::InferenceMode inference;
  const auto [family, modality, architecture, task] = GetParam();
  const Json config = testing::tiny_config(std::string(family), std::string(architecture));
  const auto costs = [&](Source& source, at::Device device) {
    auto tiny =
        testing::make_tiny(std::string(family), std::string(architecture), config, source, device);
    const NamedTensors inputs = synthetic_inputs(*tiny.model->input_specs(tiny_workload()), 1,
                                                 at::kFloat, device.is_meta());
    std::vector<std::tuple<std::string, double, double, double, double>> all;
    for (const Phase& phase : all_phases(*tiny.model, inputs)) {
      if (phase.restore) phase.restore();
      Ledger ledger;
      const LedgerGuard guard(ledger);
      phase.call();
      const OpCost total = ledger.total();
      all.emplace_back(phase.name, total.flops, total.read_bytes, total.written_bytes,
                       ledger.cache_bytes());
    }
    return all;
  };
  const auto real = synthetic_source(1);
  const auto meta = meta_source();
  EXPECT_EQ(costs(*real, at::kCPU), costs(*meta, at::kMeta));
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

}  // namespace
}  // namespace ridgeline::native
