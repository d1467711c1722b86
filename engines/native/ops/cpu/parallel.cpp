// The entries of the OpenMP runtime that libtorch_cpu uses.
#include "engines/native/ops/cpu/parallel.hpp"

#include <ATen/Parallel.h>
#include <dlfcn.h>

namespace ridgeline::native::ops::cpu {
namespace {

// What `#pragma omp parallel` is compiled to by GCC; LLVM's runtime has the same entries. Looked up
// behind libtorch_cpu, which finds the runtime of that library and no other.
struct Runtime {
  void (*parallel)(void (*work)(void*), void* context, unsigned threads, unsigned flags) = nullptr;
  int (*thread_number)() = nullptr;

  Runtime() {
    void* const torch = ::dlopen("libtorch_cpu.so", RTLD_NOW | RTLD_NOLOAD);
    if (torch == nullptr) return;
    parallel = reinterpret_cast<decltype(parallel)>(::dlsym(torch, "GOMP_parallel"));
    thread_number = reinterpret_cast<decltype(thread_number)>(::dlsym(torch, "omp_get_thread_num"));
    if (thread_number == nullptr) parallel = nullptr;
  }
};

const Runtime& runtime() {
  static const Runtime found;
  return found;
}

}  // namespace

void run_on_team(void (*work)(void*), void* context) {
  if (runtime().parallel == nullptr) return work(context);
  runtime().parallel(work, context, static_cast<unsigned>(at::get_num_threads()), 0);
}

int team_member() {
  return runtime().parallel == nullptr ? 0 : runtime().thread_number();
}

int team_size() {
  return runtime().parallel == nullptr ? 1 : at::get_num_threads();
}

}  // namespace ridgeline::native::ops::cpu
