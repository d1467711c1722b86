// The entries of the OpenMP runtime that libtorch_cpu uses.
#include "engines/native/ops/cpu/parallel.hpp"

#include <ATen/Parallel.h>
#include <dlfcn.h>

namespace ridgeline::native::ops::cpu {
namespace {

// What `#pragma omp parallel` is compiled to by GCC; LLVM's runtime has the same entries. Looked up
// where libtorch_cpu finds them itself: in the whole program first, where a preloaded runtime
// stands before the wheel's. Two runtimes in one process have two teams, each spinning in the
// other's way.
struct Runtime {
  void (*parallel)(void (*work)(void*), void* context, unsigned threads, unsigned flags) = nullptr;
  int (*thread_number)() = nullptr;
  int (*threads)() = nullptr;
  std::string_view name = "none";

  Runtime() {
    parallel = reinterpret_cast<decltype(parallel)>(::dlsym(RTLD_DEFAULT, "GOMP_parallel"));
    thread_number =
        reinterpret_cast<decltype(thread_number)>(::dlsym(RTLD_DEFAULT, "omp_get_thread_num"));
    threads = reinterpret_cast<decltype(threads)>(::dlsym(RTLD_DEFAULT, "omp_get_num_threads"));
    if (thread_number == nullptr || threads == nullptr) parallel = nullptr;
    if (parallel == nullptr) return;
    // An extension of LLVM's and Intel's runtimes, which may be loaded without being the one in
    // use.
    void* const extension = ::dlsym(RTLD_DEFAULT, "kmp_set_blocktime");
    name = extension != nullptr &&
                   library_of(extension) == library_of(reinterpret_cast<const void*>(parallel))
               ? "LLVM"
               : "GNU";
  }

  // Where the library of a symbol was loaded; null for none.
  static const void* library_of(const void* symbol) {
    Dl_info info = {};
    return ::dladdr(symbol, &info) != 0 ? info.dli_fbase : nullptr;
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

int team_members() {
  return runtime().parallel == nullptr ? 1 : runtime().threads();
}

int team_size() {
  return runtime().parallel == nullptr ? 1 : at::get_num_threads();
}

std::string_view openmp_runtime() {
  return runtime().name;
}

bool teams_start_threads_anew() {
  return openmp_runtime() == "GNU";
}

}  // namespace ridgeline::native::ops::cpu
