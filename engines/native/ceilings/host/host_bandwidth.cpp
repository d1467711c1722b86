// Runs a team of threads over slices of an arena, repetition by repetition.
#include "engines/native/ceilings/host/host_bandwidth.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/clock.hpp"
#include "base/shared_work.hpp"
#include "base/spin_barrier.hpp"
#include "engines/native/ceilings/host/arena.hpp"
#include "engines/native/ceilings/host/contest.hpp"
#include "engines/native/ceilings/host/streams.hpp"

namespace ridgeline::native::ceilings {
namespace {

constexpr std::int64_t kLine = 64;
// Shortest repetition: clocks and starts of threads are then some thousandths of it.
constexpr std::int64_t kShortestNs = 1'000'000;
constexpr std::int64_t kMostPasses = std::int64_t{1} << 30;
// Slices that are larger than any core's own caches are gone over in pieces, and threads that are
// done help the others: the CPUs of a shared machine are not equally fast, and the slowest would
// stand for the memory (docs/peaks.md).
constexpr std::int64_t kLeastSharedBytes = std::int64_t{1} << 24;
constexpr std::int64_t kPieceBytes = std::int64_t{1} << 18;

// What one thread writes during a repetition, on a line of its own.
struct alignas(128) Lane {
  Slice slice;
  std::uint64_t sum = 0;    // of `first`, of one pass
  std::uint64_t found = 0;  // by this thread's reads in a repetition, of whatever slices
  std::int64_t begin_ns = 0;
  std::int64_t end_ns = 0;
};

// Cache lines [begin, end) of each array.
Slice piece_of(const Slice& whole, std::int64_t begin, std::int64_t end) {
  constexpr std::int64_t kWords = kLine / 8;
  const auto from = [&](std::uint64_t* words) {
    return words == nullptr ? words : words + kWords * begin;
  };
  return {from(whole.first), from(whole.second), from(whole.third), kWords * (end - begin)};
}

class Bench {
 public:
  Bench(const HostBandwidthRequest& request, const Arena& arena, std::int64_t slice_bytes)
      : request_(request),
        arena_(arena),
        slice_bytes_(slice_bytes),
        ways_(ways(request.kind, *stream_loops().front(), slice_bytes / 8)),
        lanes_(request.placement.cpus.size()),
        shares_(lanes_.size()) {}

  Result<Ceiling> run() {
    RIDGELINE_CHECK(run_team(request_.placement, [this](int thread) { member(thread); }));
    if (wrong_) return Error{ErrorClass::kInternal, "a read loop returned a wrong sum"};
    return ceiling();
  }

 private:
  std::int64_t pass_bytes() const {
    return slice_bytes_ * arrays_of(request_.kind) * request_.placement.threads();
  }

  void wait() { barrier_.wait(request_.placement.threads()); }

  // Every thread; thread 0 also decides, between the barriers, when the others wait.
  void member(int thread) {
    Lane& lane = lanes_[static_cast<std::size_t>(thread)];
    touch(lane, thread);
    wait();
    if (thread == 0) contest_.emplace(ways_.size(), request_.seconds);
    for (;;) {
      if (thread == 0) decide();
      wait();
      if (!way_) return;
      repeat(lane, thread);
      wait();
      if (thread == 0) judge();
    }
  }

  void touch(Lane& lane, int thread) const {
    auto* words = reinterpret_cast<std::uint64_t*>(arena_.slice(thread));
    const std::int64_t count = slice_bytes_ / 8;
    const auto seed = static_cast<std::uint64_t>(thread) << 32;
    lane.slice = {words, words, words, count};
    lane.sum = fill_words(words, count, seed);
    if (arrays_of(request_.kind) > 1) {
      lane.slice.second = words + count;
      fill_words(lane.slice.second, count, seed + 1);
    }
    if (arrays_of(request_.kind) > 2) {
      lane.slice.third = words + 2 * count;
      fill_words(lane.slice.third, count, seed + 2);
    }
  }

  void decide() {
    request_.tick();
    way_ = contest_->next();
    for (Share& share : shares_) share.next.store(0, std::memory_order_relaxed);
  }

  bool is_shared() const { return slice_bytes_ >= kLeastSharedBytes && passes_ == 1; }

  void repeat(Lane& lane, int thread) {
    const Way& way = ways_[*way_];
    lane.begin_ns = now_ns();
    lane.found = is_shared() ? run_shared(way, thread) : way.run(lane.slice, passes_);
    lane.end_ns = now_ns();
  }

  std::uint64_t run_shared(const Way& way, int thread) {
    std::uint64_t sum = 0;
    take_units(
        shares_.data(), {thread, request_.placement.threads()}, kPieceBytes / kLine,
        [&](int) { return slice_bytes_ / kLine; },
        [&](int owner, std::int64_t begin, std::int64_t end) {
          sum += way.run(piece_of(lanes_[static_cast<std::size_t>(owner)].slice, begin, end), 1);
        });
    return sum;
  }

  void judge() {
    std::int64_t begin = lanes_.front().begin_ns;
    std::int64_t end = lanes_.front().end_ns;
    std::uint64_t difference = 0;  // all threads together: whose slice a thread read is open
    for (const Lane& lane : lanes_) {
      begin = std::min(begin, lane.begin_ns);
      end = std::max(end, lane.end_ns);
      difference += lane.found - lane.sum * static_cast<std::uint64_t>(passes_);
    }
    wrong_ |= request_.kind == Kind::kRead && difference != 0;
    const std::int64_t took = std::max<std::int64_t>(end - begin, 1);
    // The first repetitions only find out how many passes it takes.
    if (!long_enough_ && took < kShortestNs && passes_ < kMostPasses) {
      passes_ = std::min(kMostPasses,
                         passes_ * std::clamp<std::int64_t>(kShortestNs * 5 / 4 / took, 2, 100));
      return;
    }
    long_enough_ = true;
    contest_->add(static_cast<double>(pass_bytes() * passes_) / static_cast<double>(took) * 1e9);
  }

  Ceiling ceiling() const {
    Ceiling found;
    found.value = contest_->best();
    found.unit = "B/s";
    found.median = contest_->median();
    found.samples = contest_->samples();
    found.seconds = contest_->seconds();
    found.kernel = ways_[contest_->winner()].name;
    found.note = contest_->note();
    found.bytes = pass_bytes();
    found.bytes_per_repetition = pass_bytes() * passes_;
    found.threads = request_.placement.threads();
    return found;
  }

  const HostBandwidthRequest& request_;
  const Arena& arena_;
  const std::int64_t slice_bytes_;
  const std::vector<Way> ways_;
  std::vector<Lane> lanes_;
  std::vector<Share> shares_;
  SpinBarrier barrier_;
  // Thread 0 writes these while the others wait.
  std::optional<Contest> contest_;
  std::optional<std::size_t> way_;
  std::int64_t passes_ = 1;
  bool long_enough_ = false;
  bool wrong_ = false;
};

}  // namespace

Result<Ceiling> host_bandwidth(const HostBandwidthRequest& request) {
  const int arrays = arrays_of(request.kind);
  const int threads = request.placement.threads();
  const std::int64_t slice = request.bytes / threads / arrays / kLine * kLine;
  if (slice < kLeastSliceBytes) {
    return bad_input(fmt::format("{} bytes are too few for {} arrays and {} threads", request.bytes,
                                 arrays, threads),
                     fmt::format("ask for at least {}", kLeastSliceBytes * arrays * threads));
  }
  RIDGELINE_TRY(const Arena arena, Arena::map(threads, slice * arrays));
  return Bench(request, arena, slice).run();
}

}  // namespace ridgeline::native::ceilings
