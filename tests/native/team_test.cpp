// The team of threads that ATen, oneDNN and kernels of our own share.
#include <ATen/Parallel.h>
#include <ATen/ops/add.h>
#include <ATen/ops/ones.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <iterator>
#include <mutex>
#include <set>

#include "engines/native/ops/cpu/parallel.hpp"

namespace ridgeline::native {
namespace {

// Ids of the threads of one team of `threads`.
std::set<pid_t> members(int threads) {
  std::mutex mutex;
  std::set<pid_t> ids;
  at::set_num_threads(threads);
  ops::cpu::on_each_member([&] {
    const std::lock_guard lock(mutex);
    ids.insert(::gettid());
  });
  return ids;
}

class OpenMpTeam : public testing::Test {
 protected:
  void TearDown() override { at::set_num_threads(threads_); }

 private:
  int threads_ = at::get_num_threads();
};

TEST_F(OpenMpTeam, has_as_many_threads_as_aten) {
  if (ops::cpu::openmp_runtime() == "none") GTEST_SKIP() << "torch without OpenMP";
  EXPECT_EQ(members(4).size(), 4u);
  EXPECT_EQ(members(2).size(), 2u);
  EXPECT_EQ(members(1), std::set<pid_t>{::gettid()});
}

TEST_F(OpenMpTeam, of_another_size_starts_no_thread_anew) {
  if (ops::cpu::openmp_runtime() != "LLVM") GTEST_SKIP() << "built without libomp";
  std::set<pid_t> all;
  for (int turn = 0; turn < 20; ++turn) {
    all.merge(members(6));
    all.merge(members(3));
  }
  EXPECT_EQ(all.size(), 6u);
}

long threads_of_process() {
  return std::distance(std::filesystem::directory_iterator("/proc/self/task"),
                       std::filesystem::directory_iterator());
}

// A second runtime would bring threads of its own.
TEST_F(OpenMpTeam, is_the_one_of_aten) {
  if (ops::cpu::openmp_runtime() == "none") GTEST_SKIP() << "torch without OpenMP";
  members(4);
  const long before = threads_of_process();
  const at::Tensor input = at::ones({4, 1 << 18});
  for (int turn = 0; turn < 5; ++turn) at::add(input, input);
  EXPECT_EQ(threads_of_process(), before);
}

}  // namespace
}  // namespace ridgeline::native
