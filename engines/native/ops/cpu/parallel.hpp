// Splitting work over the threads that ATen already has.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <string_view>

namespace ridgeline::native::ops::cpu {

/// Runs work(context) on every thread of ATen's team at once, this one included, and waits for all.
/// The work must not throw, nor call an op. Where the team cannot be had it runs here alone.
///
/// at::parallel_for is a template over OpenMP pragmas: in a program that is not built with -fopenmp
/// it silently stays on one thread. So the entry that such a pragma is compiled to is called here,
/// of the runtime that libtorch_cpu itself uses: a second one would be in its way.
void run_on_team(void (*work)(void*), void* context);

/// The same for anything that can be called.
template <typename Work>
void on_each_member(const Work& work);

/// Number of the calling thread in run_on_team(): 0 is the one that called it.
int team_member();

/// Threads that the calling one is in run_on_team() with, itself included. The runtime may give
/// fewer than team_size().
int team_members();

/// Calls body(begin, end) for parts of [0, count). Threads take parts as they get done, large ones
/// first and at last of `grain`, so that a slower thread (a busy or a smaller core) holds nobody
/// up. Up to `grain` no other thread wakes.
template <typename Body>
void parallel_parts(std::int64_t count, std::int64_t grain, const Body& body);

/// Threads of ATen's team.
int team_size();

/// The OpenMP runtime that ATen, oneDNN and run_on_team() share: "LLVM" (also Intel's), "GNU", or
/// "none".
std::string_view openmp_runtime();

/// Whether a smaller team ends threads that a larger one must start anew, as GNU's runtime does.
/// LLVM's keeps them.
bool teams_start_threads_anew();

// --- implementation -------------------------------------------------------------------------

template <typename Work>
void on_each_member(const Work& work) {
  const Work* own = &work;
  run_on_team([](void* context) { (**static_cast<const Work**>(context))(); },
              static_cast<void*>(&own));
}

template <typename Body>
void parallel_parts(std::int64_t count, std::int64_t grain, const Body& body) {
  const std::int64_t threads = team_size();
  if (count <= grain || threads == 1) {
    if (count > 0) body(std::int64_t{0}, count);
    return;
  }
  struct Shared {
    const Body* body;
    std::int64_t count;
    std::int64_t grain;
    std::int64_t threads;
    std::atomic<std::int64_t> next;
  };
  Shared shared{&body, count, grain, threads, {0}};
  run_on_team(
      [](void* context) {
        auto& work = *static_cast<Shared*>(context);
        std::int64_t begin = work.next.load(std::memory_order_relaxed);
        while (begin < work.count) {
          const std::int64_t left = work.count - begin;
          // Three quarters of an equal share: few parts, and something left to make up with.
          const std::int64_t share = 3 * left / (4 * work.threads);
          const std::int64_t part = std::min(left, std::max(work.grain, share));
          if (!work.next.compare_exchange_weak(begin, begin + part, std::memory_order_relaxed)) {
            continue;
          }
          (*work.body)(begin, begin + part);
          begin = work.next.load(std::memory_order_relaxed);
        }
      },
      &shared);
}

}  // namespace ridgeline::native::ops::cpu
