// How many processes a budget buys.
#include "measure/plan_invocations.hpp"

#include <gtest/gtest.h>

#include <cmath>

namespace ridgeline::measure {
namespace {

TEST(PlanInvocations_Budget, gives_five_and_divides_the_rest) {
  const InvocationPlan plan = plan_invocations(60, 2, 0.01);
  EXPECT_EQ(plan.invocations, 5);
  EXPECT_DOUBLE_EQ(plan.slice_seconds, 10);
  EXPECT_EQ(plan.reason, "");
}

TEST(PlanInvocations_Budget, gives_as_many_as_requested) {
  EXPECT_EQ(plan_invocations(60, 2, 0.01, 8).invocations, 8);
  EXPECT_EQ(plan_invocations(60, 2, 0.01, 1).invocations, 1);
  EXPECT_DOUBLE_EQ(plan_invocations(60, 2, 0.01, 1).slice_seconds, 58);
}

TEST(PlanInvocations_Budget, gives_fewer_but_three_when_start_up_is_dear) {
  const InvocationPlan four = plan_invocations(12, 2.4, 0.01);
  EXPECT_EQ(four.invocations, 4);
  EXPECT_NEAR(four.slice_seconds, 0.6, 1e-9);
  EXPECT_EQ(four.reason,
            "a budget of 12 s allows 4 of 5 invocations (2.4 s to start, 0.01 s a call)");
  EXPECT_EQ(plan_invocations(12, 3.4, 0.01).invocations, 3);
}

TEST(PlanInvocations_Budget, takes_three_calls_each_before_it_gives_up_three_invocations) {
  const InvocationPlan plan = plan_invocations(30, 3, 2);  // ten calls of 2 s in each: 69 s
  EXPECT_EQ(plan.invocations, 3);
  EXPECT_DOUBLE_EQ(plan.slice_seconds, 7);
}

TEST(PlanInvocations_Budget, ends_with_two_then_one) {
  EXPECT_EQ(plan_invocations(20, 3, 2).invocations, 2);
  const InvocationPlan one = plan_invocations(10, 8, 2);
  EXPECT_EQ(one.invocations, 1);
  EXPECT_DOUBLE_EQ(one.slice_seconds, 2);
  EXPECT_NE(one.reason, "");
}

TEST(PlanInvocations_Budget, leaves_at_least_one_call_when_nothing_is_left) {
  const InvocationPlan plan = plan_invocations(1, 8, 2);
  EXPECT_EQ(plan.invocations, 1);
  EXPECT_DOUBLE_EQ(plan.slice_seconds, 2);
}

TEST(PlanInvocations_Budget, never_exceeds_the_budget_when_it_can_be_kept) {
  for (double budget : {1.0, 5.0, 10.0, 33.0, 600.0}) {
    for (double startup : {0.0, 0.3, 4.0}) {
      for (double call : {1e-5, 0.02, 1.5}) {
        const InvocationPlan plan = plan_invocations(budget, startup, call);
        if (plan.invocations == 1) continue;
        const double total = static_cast<double>(plan.invocations) * (startup + plan.slice_seconds);
        EXPECT_LE(total, budget * (1 + 1e-12));
        EXPECT_GT(plan.slice_seconds, 0);
      }
    }
  }
}

TEST(PlanInvocations_Budget, survives_nonsense) {
  EXPECT_EQ(plan_invocations(std::nan(""), -1, INFINITY, -3).invocations, 1);
  EXPECT_EQ(plan_invocations(0, 0, 0).invocations, 1);
  EXPECT_LE(plan_invocations(1e12, 0, 0, 1'000'000'000).invocations, 1000);
}

}  // namespace
}  // namespace ridgeline::measure
