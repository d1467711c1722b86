// The thread: sleeps until something is due, or until it is told to stop.
#include "telemetry/sampler.hpp"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <ctime>
#include <mutex>
#include <thread>

#include "base/clock.hpp"

namespace ridgeline::telemetry {
namespace {

double thread_cpu_seconds() {
  timespec t{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return static_cast<double>(t.tv_sec) + 1e-9 * static_cast<double>(t.tv_nsec);
}

}  // namespace

struct Sampler::State {
  State(const std::vector<Channel>& channels, double seconds) : recorder(channels, seconds) {}

  void run();

  Recorder recorder;
  SamplerCost cost;
  std::mutex mutex;
  std::condition_variable wake;
  bool stopping = false;  // guarded by mutex
  std::thread thread;     // all else is its own until it is joined
};

void Sampler::State::run() {
  const std::int64_t begin = now_ns();
  const double cpu_begin = thread_cpu_seconds();
  std::unique_lock lock(mutex);
  while (!stopping) {
    lock.unlock();
    recorder.poll(now_ns());
    ++cost.wakeups;
    lock.lock();
    // steady_clock is CLOCK_MONOTONIC here; without channels this waits for stop() alone.
    const std::chrono::nanoseconds pause(
        std::clamp<std::int64_t>(recorder.due_ns() - now_ns(), 0, kNsPerSecond));
    wake.wait_for(lock, pause, [this] { return stopping; });
  }
  lock.unlock();
  recorder.poll_all(now_ns());
  cost.cpu_seconds = thread_cpu_seconds() - cpu_begin;
  cost.wall_seconds = 1e-9 * static_cast<double>(now_ns() - begin);
}

Sampler::Sampler(const std::vector<Channel>& channels, double seconds)
    : state_(std::make_unique<State>(channels, seconds)) {
  state_->thread = std::thread([state = state_.get()] { state->run(); });
}

Sampler::~Sampler() {
  if (state_->thread.joinable()) (void)stop();
}

std::vector<Series> Sampler::stop() {
  {
    const std::lock_guard lock(state_->mutex);
    state_->stopping = true;
  }
  state_->wake.notify_one();
  state_->thread.join();
  return state_->recorder.take();
}

const SamplerCost& Sampler::cost() const {
  return state_->cost;
}

}  // namespace ridgeline::telemetry
