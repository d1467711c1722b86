// The model of time on work with known answers, its fit, and the limits it names.
#include "study/predict_model.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "study/predict_fit.hpp"

namespace ridgeline::study {
namespace {

OpWork op(std::string name, std::string op_class, double calls, double flops, double bytes) {
  return {std::move(name), std::move(op_class), "bfloat16", calls, flops, bytes};
}

// A step of a gated decoder of `layers` layers.
PhaseWork step_of(double layers, double rows) {
  PhaseWork phase;
  phase.name = "decode";
  phase.unit = "token";
  phase.items = {{"token", rows}};
  phase.ops = {op("linear", "matmul", 4 * layers + 1, 2e9, 1e9),
               op("attention", "attention", layers, 1e6, 1e6),
               op("rms_norm", "norm", 2 * layers + 1, 0, 1e4),
               op("rotate", "elementwise", layers, 0, 1e4),
               op("gated", "activation", layers, 0, 1e4)};
  phase.flops = phase.flops_minimum = 2e9 + 1e6;
  phase.bytes = 1e9;
  return phase;
}

const DeviceRates kRates{Basis::kDatasheet, {{"bfloat16", 1e15}}, 1e12};

PhaseTime time_of(const ModelWork& work, const PhaseWork& phase, const TimeConstants& constants,
                  const Execution& execution) {
  const auto time = predict_phase(work, phase, kRates, constants, execution);
  EXPECT_TRUE(time.has_value()) << (time ? "" : time.error().line());
  return time ? *time : PhaseTime();
}

TEST(PredictPhase, takes_the_longer_of_compute_and_memory_of_each_op) {
  PhaseWork phase;
  phase.name = "forward";
  phase.flops = 2e12;
  phase.flops_minimum = 1e12;
  phase.bytes = 1e9;
  phase.ops = {op("linear", "matmul", 3, 2e12, 1e8), op("layer_norm", "norm", 2, 0, 2e9)};
  const PhaseTime time = time_of({}, phase, {.compute = 0.5, .memory = 0.8, .kernel_seconds = 1e-5},
                                 {.accelerator = true});
  EXPECT_DOUBLE_EQ(time.compute, 2e12 / (0.5 * 1e15));
  EXPECT_DOUBLE_EQ(time.memory, 2e9 / (0.8 * 1e12));
  EXPECT_DOUBLE_EQ(time.kernels, 5e-5);
  EXPECT_DOUBLE_EQ(time.central, time.compute + time.memory + time.kernels);
  // All of a rate, all of the time, and only what is needed.
  EXPECT_DOUBLE_EQ(time.low, 1e-3);
}

TEST(PredictPhase, is_never_below_what_the_device_cannot_beat) {
  PhaseWork phase;
  phase.name = "forward";
  phase.bytes = 5e9;
  phase.ops = {op("linear", "matmul", 1, 1, 1)};
  const PhaseTime time = time_of({}, phase, {}, {});
  EXPECT_DOUBLE_EQ(time.low, 5e-3);
  EXPECT_DOUBLE_EQ(time.central, 5e-3);
}

TEST(PredictPhase, a_dtype_without_a_rate_is_an_error_that_names_it) {
  PhaseWork phase = step_of(1, 1);
  phase.ops.front().dtype = "float64";
  const auto time = predict_phase({}, phase, kRates, {}, {});
  ASSERT_FALSE(time.has_value());
  EXPECT_EQ(time.error().error_class, ErrorClass::kUnsupported);
  EXPECT_NE(time.error().message.find("float64"), std::string::npos);
}

TEST(PredictPhase, without_a_graph_the_host_may_be_slower) {
  const PhaseWork phase = step_of(32, 2);
  const TimeConstants constants{.kernel_seconds = 1e-6, .launch_seconds = 1e-5};
  const PhaseTime recorded = time_of({}, phase, constants, {.accelerator = true});
  EXPECT_EQ(recorded.host, 0);
  const PhaseTime plain = time_of({}, phase, constants, {.accelerator = true, .recorded = false});
  EXPECT_NEAR(plain.central, phase.calls() * 1e-5, 1e-12);
  EXPECT_GT(plain.host, 0);
  EXPECT_EQ(time_of({}, phase, constants, {.recorded = false}).host, 0)
      << "a CPU hands nothing over";
}

TEST(PredictPhase, shares_of_ceilings_are_larger_than_shares_of_the_datasheet) {
  PhaseWork phase;
  phase.name = "forward";
  phase.ops = {op("linear", "matmul", 1, 1e12, 0), op("copy", "movement", 1, 0, 1e9)};
  const TimeConstants constants{
      .compute = 0.4, .memory = 0.9, .ceiling_compute = 0.8, .ceiling_memory = 0.9};
  DeviceRates measured = kRates;
  measured.basis = Basis::kMeasured;
  const auto time = predict_phase({}, phase, measured, constants, {});
  ASSERT_TRUE(time.has_value());
  EXPECT_DOUBLE_EQ(time->compute, 1e12 / (0.5 * 1e15));
  EXPECT_DOUBLE_EQ(time->memory, 1e9 / 1e12);
}

TEST(Kernels, fused_decoding_has_five_a_layer) {
  const Execution execution{.accelerator = true};
  EXPECT_EQ(kernels_of({}, step_of(32, 1), execution), 162);
  EXPECT_EQ(kernels_of({}, step_of(32, 2), execution), step_of(32, 2).calls())
      << "one sequence only";
  EXPECT_EQ(kernels_of({}, step_of(32, 1), {.accelerator = true, .fused = false}),
            step_of(32, 1).calls());
}

TEST(Kernels, generating_repeats_the_fused_step) {
  ModelWork work;
  work.phases = {step_of(2, 1)};
  PhaseWork generate;
  generate.name = "generate";
  generate.items = {{"token", 4}, {"sequence", 1}};
  generate.ops = {op("linear", "matmul", 100, 1, 1)};
  const double saved = work.phases.front().calls() - 12;
  EXPECT_EQ(kernels_of(work, generate, {.accelerator = true}), 100 - 3 * saved);
}

TEST(Kernels, two_towers_run_side_by_side) {
  ModelWork work;
  for (const char* name : {"forward", "encode_text", "encode_image"}) {
    PhaseWork phase;
    phase.name = name;
    const double calls = phase.name == "forward" ? 50 : phase.name == "encode_text" ? 20 : 28;
    phase.ops = {op("linear", "matmul", calls, 1, 1)};
    work.phases.push_back(phase);
  }
  EXPECT_EQ(kernels_of(work, work.phases[0], {.accelerator = true}), 30);
  EXPECT_EQ(kernels_of(work, work.phases[0], {}), 50);
}

TEST(LimitOf, names_the_part_with_half_of_the_time_else_those_near_the_largest) {
  const auto limit = [](double compute, double memory, double kernels, double host) {
    PhaseTime time;
    time.compute = compute;
    time.memory = memory;
    time.kernels = kernels;
    time.host = host;
    return limit_of(time, true);
  };
  EXPECT_EQ(limit(6, 2, 1, 1).id, "compute");
  EXPECT_EQ(limit(2, 6, 1, 1).id, "memory");
  EXPECT_EQ(limit(1, 2, 6, 0).id, "kernels");
  EXPECT_EQ(limit(1, 1, 1, 8).id, "host");
  EXPECT_EQ(limit(0, 0, 0, 0).id, "unknown");
  const Limit mixed = limit(4, 3, 2, 0);
  EXPECT_EQ(mixed.id, "mixed");
  EXPECT_EQ(mixed.among, (std::vector<std::string>{"compute", "memory"}));
  PhaseTime time;
  time.compute = 1;
  EXPECT_EQ(limit_of(time, false).id, "capacity");
}

// --- the fit ------------------------------------------------------------------------------------

// Phases whose times follow the model exactly.
struct Exact {
  std::vector<ValidationRow> rows;
  std::vector<FitPoint> points;
};

Exact exact_points(const TimeConstants& truth) {
  Exact exact;
  for (const double scale : {0.01, 0.1, 1.0, 10.0, 100.0}) {
    for (const bool compute : {true, false}) {
      ValidationRow row;
      row.device_class = "cpu";
      row.model = "m";
      row.phase = "forward";
      row.dtype = "bfloat16";
      row.flops_rate = 1e12;
      row.bytes_rate = 1e11;
      row.measured = 1;
      exact.rows.push_back(row);
      PhaseWork phase;
      phase.name = "forward";
      phase.ops = {
          op("linear", "matmul", 50, compute ? 1e10 * scale : 0, compute ? 0 : 1e9 * scale)};
      FitPoint point;
      point.work.phases = {phase};
      exact.points.push_back(point);
    }
  }
  for (std::size_t i = 0; i < exact.rows.size(); ++i) {
    exact.points[i].row = &exact.rows[i];
    exact.rows[i].measured = *predict_point(exact.points[i], truth);
  }
  return exact;
}

TEST(FitConstants, finds_the_ones_that_made_the_times) {
  const TimeConstants truth{
      .basis = Basis::kMeasured, .compute = 0.62, .memory = 0.81, .kernel_seconds = 7e-6};
  const Exact exact = exact_points(truth);
  const auto fitted = fit_constants(exact.points, {.basis = Basis::kMeasured});
  ASSERT_TRUE(fitted.has_value());
  EXPECT_NEAR(fitted->compute, truth.compute, 0.005);
  EXPECT_NEAR(fitted->memory, truth.memory, 0.005);
  EXPECT_NEAR(fitted->kernel_seconds / truth.kernel_seconds, 1, 0.02);
  EXPECT_EQ(fitted->launch_seconds, 0) << "a processor launches nothing";
}

TEST(LeaveOneOut, does_not_see_the_row_it_predicts) {
  Exact exact = exact_points({.basis = Basis::kMeasured, .compute = 0.5, .memory = 0.5});
  const double right = exact.rows[4].measured;
  exact.rows[4].measured *= 100;
  const auto predicted = leave_one_out(exact.points, {.basis = Basis::kMeasured});
  ASSERT_TRUE(predicted.has_value());
  EXPECT_NEAR((*predicted)[4] / right, 1, 0.05);
}

}  // namespace
}  // namespace ridgeline::study
