// A phase of the native engine on the CPU beside reading as many bytes, in turns of some tens of
// milliseconds within one process: on a machine whose bandwidth changes within seconds both see
// the same of it. Prints a line a turn, in seconds: {"floor", "floor_best", "median"}. "median" is
// that of the calls; "floor" is by the median of the readings before and after them, so that both
// have the disturbances of the machine alike, "floor_best" by the best of them.
//
//   ridgeline-decode-floor '<fields of load>' '<fields of plan>' PHASE BYTES [TURNS]
//
// The fields are those of the engine's messages, as JSON; BYTES is what a call must read.
#include <ATen/Parallel.h>
#include <ATen/ops/ones.h>
#include <c10/core/InferenceMode.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/shared_work.hpp"
#include "engines/native/ceilings/host/contest.hpp"
#include "engines/native/ceilings/host/streams.hpp"
#include "engines/native/engine/native_engine.hpp"
#include "engines/native/ops/cpu/parallel.hpp"

namespace ridgeline::native {
namespace {

// More than any cache holds, the host's under a virtual machine too.
constexpr std::int64_t kArenaBytes = std::int64_t{1} << 31;
constexpr double kTurnSeconds = 0.05;
constexpr int kLeastCalls = 3;

// Seconds of one call.
struct Times {
  double best;
  double median;
};

// Of calls for a while. The first is not counted: it finds caches as other work left them.
template <typename Call>
Times times_of(const Call& call) {
  std::vector<double> times;
  double total = 0;
  call();
  while (total < kTurnSeconds || static_cast<int>(times.size()) < kLeastCalls) {
    times.push_back(call());
    total += times.back();
  }
  return {*std::min_element(times.begin(), times.end()), ceilings::median_of(times)};
}

double seconds_since(std::int64_t begin_ns) {
  return 1e-9 * static_cast<double>(now_ns() - begin_ns);
}

// Reads memory with the threads that the engine has, which help each other as they do in a step: on
// a machine whose cores are not equally fast, a share for each would show the slowest of them.
class Reader {
 public:
  // Pieces of as many bytes as a call reads, where that is less than the arena.
  explicit Reader(std::int64_t bytes)
      : arena_(at::ones({kArenaBytes / 8}, at::kDouble)),
        words_(std::min(bytes, kArenaBytes) / 8 / kLineWords * kLineWords),
        scale_(static_cast<double>(bytes) / static_cast<double>(8 * words_)),
        ways_(ceilings::ways(ceilings::Kind::kRead, *ceilings::stream_loops().front(),
                             words_ / at::get_num_threads())) {
    std::vector<double> best;
    for (way_ = 0; way_ < ways_.size(); ++way_) best.push_back(times().best);
    way_ = static_cast<std::size_t>(std::min_element(best.begin(), best.end()) - best.begin());
  }

  Times times() {
    const Times piece = times_of([&] { return read(); });
    return {scale_ * piece.best, scale_ * piece.median};
  }

 private:
  double read() {
    at_ = at_ + 2 * words_ > arena_.numel() ? 0 : at_ + words_;
    auto* const first = reinterpret_cast<std::uint64_t*>(arena_.data_ptr<double>()) + at_;
    const std::int64_t begin = now_ns();
    for (Share& share : shares_) share.next = 0;
    ops::cpu::on_each_member([&] {
      const TeamPlace place{ops::cpu::team_member(), ops::cpu::team_members()};
      const auto lines_of = [&](int owner) {
        return part_of(words_ / kLineWords, owner, place.members);
      };
      take_units(
          shares_.data(), place, kPieceLines, [&](int owner) { return lines_of(owner).size; },
          [&](int owner, std::int64_t from, std::int64_t to) {
            const ceilings::Slice slice{first + kLineWords * (lines_of(owner).begin + from),
                                        nullptr, nullptr, kLineWords * (to - from)};
            sums_[place.number % kSums] = ways_[way_].run(slice, 1);
          });
    });
    return seconds_since(begin);
  }

  static constexpr int kSums = 64;
  static constexpr std::int64_t kLineWords = 8;
  static constexpr std::int64_t kPieceLines = 1 << 10;  // 64 KiB

  at::Tensor arena_;
  std::int64_t words_;
  double scale_;
  std::vector<ceilings::Way> ways_;
  std::vector<Share> shares_{static_cast<std::size_t>(at::get_num_threads())};
  std::size_t way_ = 0;
  std::int64_t at_ = 0;
  volatile std::uint64_t sums_[kSums] = {};  // so that nothing is left out
};

Result<Json> ask(NativeEngine& engine, const char* message, const std::string& text) {
  RIDGELINE_TRY(const Json fields, parse_json(text, message));
  protocol::Progress progress;
  return engine.handle({message, 1, fields, progress});
}

Status run(const std::vector<std::string>& words) {
  const std::int64_t bytes = std::atoll(words[3].c_str());
  const int turns = words.size() > 4 ? std::atoi(words[4].c_str()) : 40;
  if (bytes < (1 << 16) || turns < 1) return bad_input("BYTES or TURNS is no usable number");
  NativeEngine engine;
  RIDGELINE_CHECK(ask(engine, "load", words[0]));
  RIDGELINE_CHECK(ask(engine, "plan", words[1]));
  protocol::RunRequest request;
  request.phase = words[2];
  RIDGELINE_TRY(protocol::Runnable* const phase, engine.runnable(request));
  const auto call = [&] {
    phase->restore();
    const std::int64_t begin = now_ns();
    phase->enqueue();
    phase->wait();
    return seconds_since(begin);
  };
  Reader reader(bytes);
  for (int turn = 0; turn < turns; ++turn) {
    const Times before = reader.times();
    const Times calls = times_of(call);
    const Times after = reader.times();
    fmt::print("{{\"floor\": {:.9f}, \"floor_best\": {:.9f}, \"median\": {:.9f}}}\n",
               (before.median + after.median) / 2, (before.best + after.best) / 2, calls.median);
    std::fflush(stdout);
  }
  return {};
}

}  // namespace
}  // namespace ridgeline::native

int main(int argc, char** argv) {
  const c10::InferenceMode inference;
  const std::vector<std::string> words(argv + 1, argv + argc);
  if (words.size() < 4) {
    fmt::print(stderr, "usage: ridgeline-decode-floor LOAD PLAN PHASE BYTES [TURNS]\n");
    return 2;
  }
  const ridgeline::Status status = ridgeline::native::run(words);
  if (!status) fmt::print(stderr, "{}\n", status.error().line());
  return status ? 0 : 1;
}
